//! How a policy's text looks at the approval. Only one form is published: a forbid that one conjunction of `unless` lifts,
//! of atoms that more votes can only make true. Then the second evaluation, with everything granted, tells the truth;
//! what annotation and text ask for is the same; and Cedar itself enforces it once more at redemption.

#![allow(clippy::wildcard_enum_match_arm, reason = "Cedar's trees may grow, and what is not named here is refused")]

use cedar_policy::pst::{BinaryOp, Clause, Expr, Literal, UnaryOp, Var};
use std::collections::BTreeSet;

/// What the text wants of an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Distinct persons: 1 where the text names no number.
    pub persons: i64,
    /// Teams that must be among those who agreed.
    pub teams: BTreeSet<String>,
}

/// How a policy looks at the approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Not at all.
    Blind,
    /// In the form that is published.
    Lifted(Wanted),
    /// In another one: what is wrong.
    Other(&'static str),
}

/// Judges the conditions of a policy.
pub(super) fn of(clauses: &[Clause]) -> Form {
    let mut lifting = None;
    for clause in clauses {
        let (Clause::When(condition) | Clause::Unless(condition)) = clause;
        match (clause, sight(condition)) {
            (_, Sight::None) => {}
            (_, Sight::WholeContext) => return Form::Other("uses `context` as a whole"),
            (Clause::When(_), Sight::Approval) => return Form::Other("looks at `context.approval` in `when`"),
            (Clause::Unless(_), Sight::Approval) if lifting.is_some() => {
                return Form::Other("looks at `context.approval` in two `unless`, either of which would lift it");
            }
            (Clause::Unless(condition), Sight::Approval) => lifting = Some(condition),
        }
    }
    lifting.map_or(Form::Blind, |condition| conjunction(condition))
}

enum Sight {
    None,
    Approval,
    WholeContext,
}

fn is_context(expr: &Expr) -> bool {
    matches!(expr, Expr::Var(Var::Context))
}

/// Whether an expression looks at the approval anywhere within it.
fn sight(expr: &Expr) -> Sight {
    let mut open = vec![expr];
    let mut found = Sight::None;
    while let Some(expr) = open.pop() {
        match expr {
            Expr::GetAttr { expr: base, attr } if is_context(base) => {
                if attr == "approval" {
                    found = Sight::Approval;
                }
            }
            Expr::HasAttr { expr: base, attrs } if is_context(base) => {
                if attrs.first() == "approval" {
                    found = Sight::Approval;
                }
            }
            other => {
                if is_context(other) || !children(other, &mut open) {
                    return Sight::WholeContext;
                }
            }
        }
    }
    found
}

/// What stands directly within an expression; false for one that a later Cedar may add, into which nobody looks.
fn children<'a>(expr: &'a Expr, open: &mut Vec<&'a Expr>) -> bool {
    match expr {
        Expr::UnaryOp { expr, .. }
        | Expr::GetAttr { expr, .. }
        | Expr::HasAttr { expr, .. }
        | Expr::Like { expr, .. } => {
            open.push(expr);
        }
        Expr::BinaryOp { left, right, .. } => open.extend([&**left, &**right]),
        Expr::Is { expr, in_expr, .. } => {
            open.push(expr);
            open.extend(in_expr.as_deref());
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => open.extend([&**cond, &**then_expr, &**else_expr]),
        Expr::Set(values) => open.extend(values.iter().map(|value| &**value)),
        Expr::Record(members) => open.extend(members.values().map(|value| &**value)),
        Expr::Literal(_) | Expr::Var(_) | Expr::Slot(_) | Expr::Unknown { .. } => {}
        _ => return false,
    }
    true
}

fn conjunction(condition: &Expr) -> Form {
    let mut wanted = Wanted { persons: 1, teams: BTreeSet::new() };
    let mut granted = false;
    let mut open = vec![condition];
    while let Some(expr) = open.pop() {
        if let Expr::BinaryOp { op: BinaryOp::And, left, right } = expr {
            open.extend([&**left, &**right]);
            continue;
        }
        match sight(expr) {
            Sight::None => continue,
            Sight::WholeContext => return Form::Other("uses `context` as a whole"),
            Sight::Approval => {}
        }
        match atom(expr) {
            Some(Atom::Granted) => granted = true,
            Some(Atom::Persons(persons)) => wanted.persons = wanted.persons.max(persons),
            Some(Atom::Teams(teams)) => wanted.teams.extend(teams),
            None => return Form::Other("looks at `context.approval` in a form that no annotation can say"),
        }
    }
    if granted { Form::Lifted(wanted) } else { Form::Other("never asks for `context.approval.granted`") }
}

enum Atom {
    Granted,
    Persons(i64),
    Teams(Vec<String>),
}

fn atom(expr: &Expr) -> Option<Atom> {
    if of_approval(expr) == Some("granted") {
        return Some(Atom::Granted);
    }
    match expr {
        Expr::BinaryOp { op: BinaryOp::GreaterEq, left, right } => persons(left, right, 0),
        Expr::BinaryOp { op: BinaryOp::Greater, left, right } => persons(left, right, 1),
        Expr::BinaryOp { op: BinaryOp::LessEq, left, right } => persons(right, left, 0),
        Expr::BinaryOp { op: BinaryOp::Less, left, right } => persons(right, left, 1),
        // The parser may have turned `a >= b` into `!(a < b)`.
        Expr::UnaryOp { op: UnaryOp::Not, expr } => match &**expr {
            Expr::BinaryOp { op: BinaryOp::Less, left, right } => persons(left, right, 0),
            Expr::BinaryOp { op: BinaryOp::LessEq, left, right } => persons(left, right, 1),
            _ => None,
        },
        Expr::BinaryOp { op: BinaryOp::Contains, left, right } if of_approval(left) == Some("groups") => {
            team(right).map(|team| Atom::Teams(vec![team]))
        }
        Expr::BinaryOp { op: BinaryOp::ContainsAll, left, right } if of_approval(left) == Some("groups") => {
            let Expr::Set(teams) = &**right else { return None };
            teams.iter().map(|expr| team(expr)).collect::<Option<Vec<String>>>().map(Atom::Teams)
        }
        _ => None,
    }
}

/// The attribute of the approval that this reads.
fn of_approval(expr: &Expr) -> Option<&str> {
    let Expr::GetAttr { expr: base, attr } = expr else { return None };
    match &**base {
        Expr::GetAttr { expr: context, attr: approval } if is_context(context) && approval == "approval" => {
            Some(attr.as_str())
        }
        _ => None,
    }
}

fn persons(count: &Expr, least: &Expr, beyond: i64) -> Option<Atom> {
    match (of_approval(count), least) {
        (Some("distinct_approvers"), Expr::Literal(Literal::Long(least))) => {
            least.checked_add(beyond).map(Atom::Persons)
        }
        _ => None,
    }
}

fn team(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(Literal::EntityUID(uid)) if uid.ty.to_string() == "Gov::Team" => Some(uid.eid.to_string()),
        _ => None,
    }
}
