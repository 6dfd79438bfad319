//! What decides about actions: bindings, recorded questions and policy sets, as they come from outside.

use deedbook::limits::BINDING_BYTES_MAX;
use deedbook::policy::{PolicySet, Question, Source};
use deedbook::record::binding::Binding;
use deedbook::record::canonical::Json;
use deedbook_verify::words::Ref;

/// A schema with one kind of request, so that judging a set by it takes microseconds.
const SCHEMA: &str = r#"namespace Gov {
    entity Team;
    entity Agent in [Team] = { tenant: String, model?: String };
    entity Dataset = { tenant: String, classification: String };
    type Approval = { granted: Bool, distinct_approvers: Long, groups: Set<Team> };
    action "data.export" appliesTo { principal: [Agent], resource: [Dataset], context: {
        approval: Approval, environment: String, destination_external: Bool, row_estimate?: Long } };
}"#;

const QUESTION: &str = r#"{"action":"data.export","dataset_sources":[],"environment":"production","nonce":"07070707070707070707070707070707","on_behalf_of":[],"params":{"rows":5},"principal":{"name":"agent:a1","teams":[],"tenant":"acme"},"resource":{"class":"dataset","classification":"secret","name":"customers","tenant":"acme"},"reversibility":"reversible","schema":"deedbook.question/1"}"#;

/// JSON of one form, and the three documents that are read with it: what is read is written back as it was.
pub fn documents(bytes: &[u8]) {
    if let Ok(json) = Json::parse(bytes, BINDING_BYTES_MAX) {
        let canonical = json.to_bytes();
        assert_eq!(Json::parse_canonical(&canonical, usize::MAX).as_ref(), Ok(&json));
        if let Ok(binding) = Binding::from_json(json.clone()) {
            let one_form = binding.to_bytes();
            assert_eq!(Binding::from_bytes(&one_form).as_ref(), Ok(&binding));
            assert_eq!(one_form, canonical);
        }
        if let Ok(question) = Question::from_json(json) {
            assert_eq!(Question::from_bytes(&question.to_bytes()), Ok(question));
        }
    }
    if let Ok(source) = Source::from_bytes(bytes) {
        assert_eq!(source.to_bytes(), bytes);
    }
}

/// The text of a policy set: it is refused with a remedy, or the same question has the same answer, and an error denies.
pub fn cedar(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let source = Source { text: text.to_owned(), schema: Some(SCHEMA.to_owned()) };
    match PolicySet::publish(&source, &|_| Ok(Ref([1; 16]))) {
        Err(lints) => {
            assert!(!lints.is_empty());
            assert!(lints.iter().all(|lint| !lint.problem.is_empty() && !lint.remedy.is_empty()), "{lints:?}");
        }
        Ok(set) => {
            let question = Question::from_bytes(QUESTION.as_bytes()).unwrap();
            let evaluation = set.evaluate(&question);
            assert_eq!(evaluation, set.evaluate(&question));
            let allowed = evaluation.verdict() != deedbook_verify::detail::Verdict::Deny;
            assert!(evaluation.errors.is_empty() || !allowed, "{evaluation:?}");
        }
    }
}
