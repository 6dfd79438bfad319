//! Filter expressions: which entries of the period are listed. Over facts alone, so that whoever holds the entries
//! computes the selection anew, and nothing about it is taken on trust.
//!
//! ```text
//! filter = "all" | clause *(" and " clause)
//! clause = field " = " value | field " != " value | field " in " value *("," value)
//! ```
//!
//! One expression has one form: single spaces, refs and digests in lower-case hex. A field that an entry does not have
//! is equal to nothing.

use crate::facts::{ActorKind, Code, Facts, Outcome};
use crate::kind::{Author, Kind};
use crate::limits;
use crate::words::{Digest, Ref, SubjectId};
use std::fmt;

/// A field of facts that can be asked for.
macro_rules! fields {
    ($($variant:ident = $name:literal;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Field { $($variant),+ }

        impl Field {
            fn name(self) -> &'static str {
                match self { $(Field::$variant => $name),+ }
            }

            fn from_name(name: &str) -> Option<Field> {
                match name { $($name => Some(Field::$variant),)+ _ => None }
            }
        }
    };
}

fields! {
    Kind = "kind"; Author = "author"; Source = "source"; Stream = "stream"; Actor = "actor"; ActorKind = "actor_kind";
    OnBehalfOf = "on_behalf_of"; Responsible = "responsible"; ActionType = "action_type"; Action = "action_digest";
    Policy = "policy_digest"; Outcome = "outcome"; ResourceClass = "resource_class"; DataClass = "data_class";
    Environment = "environment"; Request = "request"; Grant = "grant"; Object = "object";
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Kind(Kind),
    Author(Author),
    Ref(Ref),
    ActorKind(ActorKind),
    Code(String),
    Digest(Digest),
    Outcome(Outcome),
    Subject(SubjectId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equals,
    Differs,
    IsOneOf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Clause {
    field: Field,
    relation: Relation,
    values: Vec<Value>,
}

/// Clauses that all hold; none: every entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(Vec<Clause>);

/// Why a text is no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterRefusal {
    /// A clause is not field, relation, value.
    Clause,
    /// There is no such field.
    Field,
    /// The value is none of this field's.
    Value,
    /// More than `FILTER_CLAUSES_MAX` clauses or `FILTER_VALUES_MAX` values.
    TooMany,
    /// It has another form in which it must be written.
    Form,
}

impl fmt::Display for FilterRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FilterRefusal::Clause => "a clause is not `field = value`, `field != value` or `field in value,value`",
            FilterRefusal::Field => "no such field",
            FilterRefusal::Value => "the field has no such value",
            FilterRefusal::TooMany => "too many clauses or values",
            FilterRefusal::Form => "write it with single spaces, and hex in lower case",
        })
    }
}

impl std::error::Error for FilterRefusal {}

impl Filter {
    /// Every entry of the period.
    pub const ALL: Filter = Filter(Vec::new());

    /// Reads the one form of an expression.
    pub fn parse(text: &str) -> Result<Filter, FilterRefusal> {
        if text == "all" {
            return Ok(Filter::ALL);
        }
        let mut clauses = Vec::new();
        for clause in text.split(" and ") {
            if clauses.len() == limits::FILTER_CLAUSES_MAX {
                return Err(FilterRefusal::TooMany);
            }
            clauses.push(Clause::parse(clause)?);
        }
        let filter = Filter(clauses);
        if filter.to_string() == text { Ok(filter) } else { Err(FilterRefusal::Form) }
    }

    /// Whether an entry with these facts is listed.
    pub fn takes(&self, facts: &Facts<'_>) -> bool {
        self.0.iter().all(|clause| clause.holds(facts))
    }
}

impl Clause {
    fn parse(text: &str) -> Result<Clause, FilterRefusal> {
        let mut words = text.splitn(3, ' ');
        let (Some(field), Some(relation), Some(values)) = (words.next(), words.next(), words.next()) else {
            return Err(FilterRefusal::Clause);
        };
        let field = Field::from_name(field).ok_or(FilterRefusal::Field)?;
        let (relation, values): (_, Vec<&str>) = match relation {
            "=" => (Relation::Equals, vec![values]),
            "!=" => (Relation::Differs, vec![values]),
            "in" => (Relation::IsOneOf, values.split(',').collect()),
            _ => return Err(FilterRefusal::Clause),
        };
        if values.len() > limits::FILTER_VALUES_MAX {
            return Err(FilterRefusal::TooMany);
        }
        let values: Option<Vec<Value>> = values.into_iter().map(|value| Value::parse(field, value)).collect();
        Ok(Clause { field, relation, values: values.ok_or(FilterRefusal::Value)? })
    }

    fn holds(&self, facts: &Facts<'_>) -> bool {
        let found = self.values.iter().any(|value| has(facts, self.field, value));
        found != (self.relation == Relation::Differs)
    }
}

impl Value {
    fn parse(field: Field, text: &str) -> Option<Value> {
        match field {
            Field::Kind => Kind::from_name(text).map(Value::Kind),
            Field::Author => AUTHORS.iter().find(|(_, name)| *name == text).map(|(author, _)| Value::Author(*author)),
            Field::Source | Field::Stream | Field::Actor | Field::OnBehalfOf | Field::Responsible | Field::Object => {
                Ref::from_hex(text).map(Value::Ref)
            }
            Field::ActorKind => ActorKind::from_name(text).map(Value::ActorKind),
            Field::ActionType | Field::ResourceClass | Field::DataClass | Field::Environment => {
                Code::new(text).map(|code| Value::Code(code.as_str().to_owned()))
            }
            Field::Action | Field::Policy => Digest::from_hex(text).map(Value::Digest),
            Field::Outcome => Outcome::from_name(text).map(Value::Outcome),
            Field::Request | Field::Grant => SubjectId::from_hex(text).map(Value::Subject),
        }
    }
}

const AUTHORS: [(Author, &str); 3] =
    [(Author::Asker, "asker"), (Author::Witness, "witness"), (Author::Ledger, "ledger")];

/// Whether a field has a value, or for a list holds it.
fn has(facts: &Facts<'_>, field: Field, value: &Value) -> bool {
    let code = |code: Option<Code<'_>>, wanted: &str| code.is_some_and(|code| code.as_str() == wanted);
    match (field, value) {
        (Field::Kind, Value::Kind(kind)) => facts.kind == *kind,
        (Field::Author, Value::Author(author)) => facts.author() == *author,
        (Field::Source, Value::Ref(source)) => facts.source == *source,
        (Field::Stream, Value::Ref(stream)) => facts.stream == Some(*stream),
        (Field::Actor, Value::Ref(who)) => facts.actor.is_some_and(|actor| actor.who == *who),
        (Field::ActorKind, Value::ActorKind(kind)) => facts.actor.is_some_and(|actor| actor.kind == *kind),
        (Field::OnBehalfOf, Value::Ref(who)) => facts.on_behalf_of().any(|other| other == *who),
        (Field::Responsible, Value::Ref(who)) => facts.responsible == Some(*who),
        (Field::Object, Value::Ref(what)) => facts.objects().any(|object| object.what == *what),
        (Field::ActionType, Value::Code(wanted)) => code(facts.action_type, wanted),
        (Field::ResourceClass, Value::Code(wanted)) => code(facts.resource_class, wanted),
        (Field::DataClass, Value::Code(wanted)) => code(facts.data_class, wanted),
        (Field::Environment, Value::Code(wanted)) => code(facts.environment, wanted),
        (Field::Action, Value::Digest(digest)) => facts.action_digest == Some(*digest),
        (Field::Policy, Value::Digest(digest)) => facts.policy_digest == Some(*digest),
        (Field::Outcome, Value::Outcome(outcome)) => facts.outcome == Some(*outcome),
        (Field::Request, Value::Subject(request)) => facts.request_id == Some(*request),
        (Field::Grant, Value::Subject(grant)) => facts.grant_id == Some(*grant),
        (_, _) => false,
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("all");
        }
        for (at, clause) in self.0.iter().enumerate() {
            let relation = match clause.relation {
                Relation::Equals => "=",
                Relation::Differs => "!=",
                Relation::IsOneOf => "in",
            };
            write!(f, "{}{} {relation} ", if at == 0 { "" } else { " and " }, clause.field.name())?;
            for (at, value) in clause.values.iter().enumerate() {
                write!(f, "{}{value}", if at == 0 { "" } else { "," })?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Kind(kind) => f.write_str(kind.name()),
            Value::Author(author) => {
                f.write_str(AUTHORS.iter().find(|(known, _)| known == author).map_or("", |(_, name)| name))
            }
            Value::Ref(value) => value.fmt(f),
            Value::ActorKind(kind) => f.write_str(kind.name()),
            Value::Code(code) => f.write_str(code),
            Value::Digest(digest) => digest.fmt(f),
            Value::Outcome(outcome) => f.write_str(outcome.name()),
            Value::Subject(subject) => subject.fmt(f),
        }
    }
}
