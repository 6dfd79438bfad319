//! The stage that `demo` plays on and `serve --dev` sets for a person: one agent, who answers for it, who may decide, the
//! policy that asks for them, and the export that it asks about. Texts alone; what becomes of them is the ledger's.

/// The agent that asks.
pub const AGENT: &str = "exporter";
/// Who answers for the agent, and may therefore not decide, although a reviewer too.
pub const OWNER: &str = "ann";
/// Who may decide.
pub const REVIEWERS: [&str; 2] = ["bob", "carol"];

/// An export to outside the company takes two persons, each with a signature of their own.
pub const POLICY: &str = r#"@id("agents-may-export-own-data")
permit (principal, action == Gov::Action::"data.export", resource)
when { principal.tenant == resource.tenant };

@id("two-persons-before-data-leaves")
@requires_approval
@quorum("2")
@evidence("reviewer")
@risk("70")
@advice("Data leaves the company: look at the columns")
forbid (principal, action == Gov::Action::"data.export", resource)
when { context.destination_external }
unless { context.approval.granted && context.approval.distinct_approvers >= 2 };
"#;

/// What the agent asks for.
pub const EXPORT: &str = r#"{"action": "data.export", "resource": "dataset:orders",
 "params": {"columns": ["country", "total"]},
 "dataset_sources": ["dataset:orders@v42"], "destination": "partner/orders.csv"}
"#;

/// What it would rather run, once it was allowed to: one column more.
pub const CHANGED: &str = r#"{"action": "data.export", "resource": "dataset:orders",
 "params": {"columns": ["country", "total", "email"]},
 "dataset_sources": ["dataset:orders@v42"], "destination": "partner/orders.csv"}
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::canonical::Json;

    #[test]
    fn the_changed_export_differs_in_its_parameters_alone() {
        let read = |text: &str| match Json::parse(text.as_bytes(), text.len()) {
            Ok(Json::Object(members)) => members,
            other => panic!("{other:?}"),
        };
        let (mut export, mut changed) = (read(EXPORT), read(CHANGED));
        assert_ne!(export.remove("params"), changed.remove("params"));
        assert_eq!(export, changed);
    }
}
