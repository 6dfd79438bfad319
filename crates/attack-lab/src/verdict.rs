//! What an attack came to: one row of the table, with a cell for each side.

use std::fmt::Display;

/// Whatever stops the lab itself. An attack that succeeds is no error.
pub type Lab<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What became of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It could not be carried out: what it needs was refused.
    Refused,
    /// It was carried out, and the verifier says so.
    Shown,
    /// Nothing went wrong where others broke by themselves.
    Stands,
    /// It was carried out, and the verifier finds everything in order.
    Missed,
    /// Honest use is called tampering.
    FalseAlarm,
}

impl Verdict {
    /// As the table says it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Refused => "refused",
            Verdict::Shown => "shown",
            Verdict::Stands => "stands",
            Verdict::Missed => "**missed**",
            Verdict::FalseAlarm => "**breaks by itself**",
        }
    }

    /// Whether the side withstood.
    pub fn holds(self) -> bool {
        match self {
            Verdict::Refused | Verdict::Shown | Verdict::Stands => true,
            Verdict::Missed | Verdict::FalseAlarm => false,
        }
    }
}

/// One side of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What became of it.
    pub verdict: Verdict,
    /// Who judged: a command, a proof, a check.
    pub judge: &'static str,
    /// What the judge said, in its own words; empty when it had nothing to say.
    pub words: String,
}

impl Cell {
    /// A cell.
    pub fn new(verdict: Verdict, judge: &'static str, words: impl Display) -> Cell {
        Cell { verdict, judge, words: words.to_string() }
    }

    /// A verifier's answer about what the attack left behind: its objection shows the attack.
    pub fn shown_by<T, E: Display>(judge: &'static str, answer: Result<T, E>) -> Cell {
        Cell::of(Verdict::Shown, judge, answer)
    }

    /// The answer of somebody who could have let the attack in.
    pub fn refused_by<T, E: Display>(judge: &'static str, answer: Result<T, E>) -> Cell {
        Cell::of(Verdict::Refused, judge, answer)
    }

    /// The answer of a verifier about honest bytes: here an objection is the failure.
    pub fn honest_by<T, E: Display>(judge: &'static str, answer: Result<T, E>) -> Cell {
        match answer {
            Ok(_) => Cell::new(Verdict::Stands, judge, ""),
            Err(objection) => Cell::new(Verdict::FalseAlarm, judge, objection),
        }
    }

    fn of<T, E: Display>(objected: Verdict, judge: &'static str, answer: Result<T, E>) -> Cell {
        match answer {
            Ok(_) => Cell::new(Verdict::Missed, judge, ""),
            Err(objection) => Cell::new(objected, judge, objection),
        }
    }

    /// Judge and the first clause of its words: what follows names paths, counts and remedies.
    pub fn summary(&self) -> String {
        match self.words.split([':', ';']).next().unwrap_or("") {
            "" => self.judge.to_owned(),
            words => format!("{}: {words}", self.judge),
        }
    }
}

/// One attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number in the list of attacks that docs/TRUST.md gives; `-` for what needs no attacker.
    pub number: &'static str,
    /// What is done, by whom.
    pub attack: &'static str,
    /// What the plain hash chain made of it.
    pub chain: Cell,
    /// What Deedbook made of it.
    pub deedbook: Cell,
    /// Whether Deedbook claims to withstand it. Where it does not, docs/TRUST.md says what is needed.
    pub claimed: bool,
}

impl Row {
    /// An attack that Deedbook claims to withstand.
    pub fn claimed(number: &'static str, attack: &'static str, chain: Cell, deedbook: Cell) -> Row {
        Row { number, attack, chain, deedbook, claimed: true }
    }

    /// One that it does not.
    pub fn unclaimed(number: &'static str, attack: &'static str, chain: Cell, deedbook: Cell) -> Row {
        Row { number, attack, chain, deedbook, claimed: false }
    }

    /// Whether Deedbook kept what it claims.
    pub fn is_kept(&self) -> bool {
        self.deedbook.verdict.holds() || !self.claimed
    }
}

/// A judge that objects to honest bytes proves nothing, so the lab asks it about those first.
pub fn control<T, E: Display>(what: &str, honest: Result<T, E>) -> Lab<T> {
    honest.map_err(|objection| format!("control: {what}: {objection}").into())
}

/// The same for a condition.
pub fn ensure(what: &str, holds: bool) -> Lab<()> {
    if holds { Ok(()) } else { Err(format!("control: {what}").into()) }
}
