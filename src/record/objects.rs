//! The objects of an event while they are gathered: things with their versions, as many as facts may hold.

use deedbook_verify::facts::Object;
use deedbook_verify::limits::OBJECTS_MAX;

/// At most `OBJECTS_MAX` objects: a thing that does not fit whole, and all
/// behind it, is counted instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    kept: Vec<Object>,
    omitted: u32,
}

impl Objects {
    /// How many are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether nothing more is kept.
    pub fn is_full(&self) -> bool {
        self.omitted > 0 || self.kept.len() >= OBJECTS_MAX
    }

    /// Takes one thing, its version behind it if it has one.
    pub fn add(&mut self, thing: &[Object]) {
        if self.omitted == 0 && self.kept.len().saturating_add(thing.len()) <= OBJECTS_MAX {
            self.kept.extend_from_slice(thing);
        } else {
            self.omit();
        }
    }

    /// Counts one more thing that is not kept, nor is any behind it.
    pub fn omit(&mut self) {
        self.omitted = self.omitted.saturating_add(1);
    }

    /// What is kept, and how many more there were.
    pub fn into_parts(self) -> (Vec<Object>, Option<u32>) {
        (self.kept, Some(self.omitted).filter(|count| *count > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DatasetText;
    use deedbook_verify::facts::ObjectRole;
    use deedbook_verify::hash::RefKey;

    #[test]
    fn a_pair_that_does_not_fit_is_left_out_whole() {
        let refs = RefKey([3; 32]);
        let pair = DatasetText::parse("orders@42").objects(ObjectRole::Input, &refs).unwrap();
        let mut objects = Objects::default();
        objects.add(pair.get(..1).unwrap());
        (0..OBJECTS_MAX / 2 + 1).for_each(|_| objects.add(&pair));
        objects.add(pair.get(..1).unwrap());
        let (kept, omitted) = objects.into_parts();
        assert_eq!((kept.len(), omitted), (OBJECTS_MAX - 1, Some(3)));
    }
}
