//! How people and agents write a dataset in one text, `[dataset:][{NAMESPACE}]NAME[@VERSION]`. Nothing is normalised;
//! whether there is such a dataset is not asked.

use super::names::{NameError, dataset_ref, version_ref};
use deedbook_verify::facts::{Object, ObjectClass, ObjectRole};
use deedbook_verify::hash::RefKey;

/// A dataset as a text names it, and the version, if the text names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatasetText<'a> {
    /// What stands in braces in front of the name; empty if nothing does.
    pub namespace: &'a str,
    /// The name, never empty unless the text is.
    pub name: &'a str,
    /// What stands behind the last `@`.
    pub version: Option<&'a str>,
    /// Namespace and name as the text has them, braces included.
    pub full: &'a str,
}

impl<'a> DatasetText<'a> {
    /// Takes a text apart. A part that would be empty is none, and what looked like its mark belongs to the name.
    pub fn parse(text: &'a str) -> DatasetText<'a> {
        let rest = text.strip_prefix("dataset:").filter(|rest| !rest.is_empty()).unwrap_or(text);
        let split = rest.rsplit_once('@').filter(|(full, version)| !full.is_empty() && !version.is_empty());
        let (full, version) = split.map_or((rest, None), |(full, version)| (full, Some(version)));
        DatasetText { version, ..DatasetText::parse_name(full) }
    }

    /// Takes a text apart that names no version: an `@` belongs to the name.
    pub fn parse_name(full: &'a str) -> DatasetText<'a> {
        let braced = full.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (namespace, name) = braced.filter(|(_, name)| !name.is_empty()).unwrap_or(("", full));
        DatasetText { namespace, name, version: None, full }
    }

    /// The dataset, and behind it the version, in this role.
    pub fn objects(&self, role: ObjectRole, refs: &RefKey) -> Result<Vec<Object>, NameError> {
        let dataset = dataset_ref(refs, self.namespace, self.name)?;
        let mut objects = vec![Object { class: ObjectClass::Dataset, role, what: dataset }];
        if let Some(version) = self.version {
            let class = ObjectClass::DatasetVersion;
            objects.push(Object { class, role, what: version_ref(refs, class.name(), dataset, version)? });
        }
        Ok(objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_taken_apart() {
        let rows = [
            ("orders", ("", "orders", None)),
            ("dataset:orders@v42", ("", "orders", Some("v42"))),
            ("orders@42", ("", "orders", Some("42"))),
            ("a@b@42", ("", "a@b", Some("42"))),
            ("{postgres://db:5432}shop.orders@7", ("postgres://db:5432", "shop.orders", Some("7"))),
            ("dataset:{food_delivery}public.orders", ("food_delivery", "public.orders", None)),
            ("{}orders", ("", "orders", None)),
            ("orders@", ("", "orders@", None)),
            ("@42", ("", "@42", None)),
            ("dataset:", ("", "dataset:", None)),
            ("{food_delivery}", ("", "{food_delivery}", None)),
            ("{orders", ("", "{orders", None)),
        ];
        for (text, parts) in rows {
            let read = DatasetText::parse(text);
            assert_eq!((read.namespace, read.name, read.version), parts, "{text}");
        }
    }

    #[test]
    fn one_dataset_has_one_ref_however_it_is_written() {
        let refs = RefKey([3; 32]);
        let of = |text: &str| DatasetText::parse(text).objects(ObjectRole::Input, &refs).unwrap();
        let (plain, stated) = (of("orders"), of("dataset:orders@42"));
        assert_eq!((plain.len(), stated.len(), plain.first()), (1, 2, stated.first()));
        assert_eq!(stated.get(1).map(|object| object.class), Some(ObjectClass::DatasetVersion));
        assert_ne!(of("orders@42"), of("orders@43"));
        assert_ne!(of("orders@42").get(1), of("invoices@42").get(1), "a version is of its dataset");
    }
}
