//! The declaration that a governing command is to take effect by the word of one administrator: nobody else can agree,
//! or those who could stay silent. It knows its form; when it holds is decided by `governance`. Why it was made stands
//! in the command's body.

use crate::bytes::{Defect, Fields, Malformed};
use crate::facts::{Facts, value};
use crate::kind::Kind;
use crate::limits;
use crate::tags;
use crate::words::Ref;

/// A break-glass declaration. Wire: the refs of those who stay silent, 16 bytes each, ascending, none twice; nothing
/// where nobody else could sign.
#[derive(Clone, Copy, Debug)]
pub struct BreakGlass<'a>(&'a [u8]);

impl<'a> BreakGlass<'a> {
    /// Takes the field from the facts of a kind that may carry it.
    pub(crate) fn parse(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Option<BreakGlass<'a>>, Malformed> {
        if !may_be_declared(facts.kind) {
            return Ok(None);
        }
        let Some(bytes) = fields.optional(tags::BREAK_GLASS)? else { return Ok(None) };
        let name = tags::BREAK_GLASS.name;
        if bytes.len() % Ref::BYTES != 0 {
            return Err(Malformed::new(name, Defect::Length(bytes.len())));
        }
        if bytes.len() / Ref::BYTES > limits::SILENT_MAX {
            return Err(Malformed::new(name, Defect::TooLarge(limits::SILENT_MAX)));
        }
        let declared = BreakGlass(bytes);
        let ascending = declared.silent().zip(declared.silent().skip(1)).all(|(one, two)| one < two);
        if !ascending {
            return Err(value(tags::BREAK_GLASS));
        }
        facts.need_body()?;
        Ok(Some(declared))
    }

    /// Whether it says that nobody else can sign, rather than that somebody stays silent.
    pub fn is_alone(&self) -> bool {
        self.0.is_empty()
    }

    /// The administrators who stay silent, ascending.
    pub fn silent(&self) -> impl Iterator<Item = Ref> + use<'a> {
        self.0.chunks_exact(Ref::BYTES).filter_map(|chunk| chunk.try_into().ok().map(Ref))
    }
}

/// Whether commands of this kind may be declared so: those that wait for a second administrator.
pub fn may_be_declared(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::KeyEnrolled
            | Kind::KeyRotated
            | Kind::KeyRevoked
            | Kind::PrincipalBound
            | Kind::PrincipalLinked
            | Kind::PrincipalDisabled
            | Kind::RoleGranted
            | Kind::RoleRevoked
            | Kind::PolicyPublished
            | Kind::PolicyRetired
            | Kind::RetentionSet
            | Kind::HoldPlaced
            | Kind::HoldReleased
            | Kind::BodyErased
    )
}
