//! The classes of OCSF 1.8.0 that entries become, by their numbers, and the profile that says what a control decided.

/// The version of the schema.
pub const OCSF: &str = "1.8.0";
/// The profile whose attributes say what was allowed or denied, and by which policy.
pub const CONTROL_PROFILE: &str = "security_control";
/// The number of whatever has no number of its own.
pub const OTHER: u8 = 99;

/// A class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Base Event: what no class has a place for.
    Base,
    /// Event Log Activity.
    Log,
    /// Compliance Finding.
    Finding,
    /// Account Change.
    Account,
    /// Entity Management.
    Entity,
    /// User Access Management.
    Access,
    /// API Activity.
    Api,
    /// Datastore Activity.
    Datastore,
}

impl Class {
    /// Its number.
    pub fn uid(self) -> u32 {
        match self {
            Class::Base => 0,
            Class::Log => 1008,
            Class::Finding => 2003,
            Class::Account => 3001,
            Class::Entity => 3004,
            Class::Access => 3005,
            Class::Api => 6003,
            Class::Datastore => 6005,
        }
    }

    /// The number of its category.
    pub fn category(self) -> u32 {
        self.uid() / 1000
    }

    /// The number of an activity of it.
    pub fn type_uid(self, activity: u8) -> u32 {
        self.uid().saturating_mul(100).saturating_add(u32::from(activity))
    }
}

/// How it went: `status_id` and its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u8, pub &'static str);

/// It had its effect.
pub const SUCCESS: Status = Status(1, "Success");
/// It had none, or failed.
pub const FAILURE: Status = Status(2, "Failure");

/// How grave: `severity_id`.
pub const INFORMATIONAL: u8 = 1;
/// Somebody should look.
pub const MEDIUM: u8 = 3;
/// A control failed.
pub const HIGH: u8 = 4;

/// What a control decided: `action_id`, `disposition_id`, and our word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// 1 allowed, 2 denied, 99 other.
    pub action: u8,
    /// What was done about it.
    pub disposition: u8,
    /// Our word for it.
    pub word: &'static str,
}

impl Decided {
    /// Allowed; the policies said so, or a grant was redeemed.
    pub fn allowed(word: &'static str) -> Decided {
        Decided { action: 1, disposition: 1, word }
    }

    /// Approved by people.
    pub fn approved(word: &'static str) -> Decided {
        Decided { action: 1, disposition: 8, word }
    }

    /// Kept from happening by policy or rule.
    pub fn blocked(word: &'static str) -> Decided {
        Decided { action: 2, disposition: 2, word }
    }

    /// Not approved by people.
    pub fn rejected(word: &'static str) -> Decided {
        Decided { action: 2, disposition: 25, word }
    }

    /// Neither, yet.
    pub fn open(word: &'static str) -> Decided {
        Decided { action: OTHER, disposition: OTHER, word }
    }
}
