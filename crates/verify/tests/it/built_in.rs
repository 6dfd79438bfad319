//! The digest of the built-in policies, by which T01 knows them where nobody published any, follows from the tree's files.

use deedbook_verify::package::BUILT_IN_POLICIES;

#[test]
fn the_last_known_digest_is_that_of_the_tree() {
    let read = |name: &str| std::fs::read_to_string(format!("{}/../../src/policy/{name}", env!("CARGO_MANIFEST_DIR")));
    let (text, schema) = (read("default.cedar").unwrap(), read("gov.cedarschema").unwrap());
    // JCS of plain ASCII text without control characters but line feeds.
    assert!(text.chars().chain(schema.chars()).all(|c| matches!(c, '\n' | ' '..='~')));
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let body = format!(
        "{{\"cedar_schema\":\"{}\",\"schema\":\"deedbook.policy/1\",\"text\":\"{}\"}}",
        quoted(&schema),
        quoted(&text)
    );
    let digest = blake3::hash(body.as_bytes()).to_hex();
    assert_eq!(BUILT_IN_POLICIES.last().copied(), Some(digest.as_str()), "add the new digest behind the others");
}
