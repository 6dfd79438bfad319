//! Names that are part of the formats: PROV's own, and those under which the log's own things stand in an export.

/// The namespace of PROV.
pub(super) const PROV: &str = "http://www.w3.org/ns/prov#";
/// The namespace of XML Schema, as PROV-JSON uses it.
pub(super) const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
/// The namespace of attributes of XML Schema's instances.
pub(super) const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance#";
/// Prefixes that need no declaration.
pub(super) const BUILT_IN: [(&str, &str); 3] = [("prov", PROV), ("xsd", XSD), ("xsi", XSI)];
/// The prefix that stands for names without one.
pub(super) const DEFAULT: &str = "default";

/// Classes and attributes of lineage that PROV has no word for.
pub(super) const LIN: &str = "urn:deedbook:lineage:";
/// What the entity is that says that a file is an export, of which log, as of when.
pub(super) const EXPORT: &str = "Export";
/// What the entity of a lifted bundle names: the document that had it inside, and its name there.
pub(super) const INSIDE: &str = "lin:inside";
/// See [`INSIDE`].
pub(super) const INSIDE_AS: &str = "lin:inside_as";
