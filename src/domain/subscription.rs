//! The words of persistent subscriptions: their names, and why an event was put aside.

use crate::limits;
use thiserror::Error;

/// Why a text is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubscriptionTextError {
    /// No name of a subscription.
    #[error(
        "`{text}` is no name of a subscription: a small letter followed by `a-z 0-9 _ . -`, at most {} bytes",
        limits::SUBSCRIPTION_NAME_BYTES_MAX
    )]
    Name {
        /// The text.
        text: String,
    },
    /// No reason.
    #[error("a reason has {bytes} bytes; 1 to {} are possible", limits::PARK_REASON_BYTES_MAX)]
    Reason {
        /// How many it has.
        bytes: usize,
    },
}

/// The name of a persistent subscription.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionName(String);

impl SubscriptionName {
    /// Takes a small letter followed by `a-z 0-9 _ . -`, at most `SUBSCRIPTION_NAME_BYTES_MAX` bytes.
    pub fn parse(text: &str) -> Result<SubscriptionName, SubscriptionTextError> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
        match starts_well && text.len() <= limits::SUBSCRIPTION_NAME_BYTES_MAX && text.bytes().all(legal) {
            true => Ok(SubscriptionName(text.to_owned())),
            // What is repeated to its sender is cut, lest the refusal be longer than the request.
            false => Err(SubscriptionTextError::Name {
                text: text.chars().take(limits::SUBSCRIPTION_NAME_BYTES_MAX).collect(),
            }),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SubscriptionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a consumer put an event aside. Text from outside: escaped wherever it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkReason(String);

impl ParkReason {
    /// Takes any text that is not empty, at most `PARK_REASON_BYTES_MAX` bytes.
    pub fn new(text: &str) -> Result<ParkReason, SubscriptionTextError> {
        match text.len() {
            1..=limits::PARK_REASON_BYTES_MAX => Ok(ParkReason(text.to_owned())),
            bytes => Err(SubscriptionTextError::Reason { bytes }),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_form_and_a_length() {
        for good in ["a", "siem-export", "a1_b.c-d", &"x".repeat(40)] {
            assert_eq!(SubscriptionName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "A", "1a", "-a", "a b", "a/b", "é", "a\u{1b}", &"x".repeat(41)] {
            assert!(SubscriptionName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(ParkReason::new("").is_err() && ParkReason::new(&"x".repeat(1_025)).is_err());
        assert!(ParkReason::new(&"x".repeat(1_024)).is_ok());
    }
}
