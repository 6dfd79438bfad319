//! What a policy set would have said to the actions that the log holds, and which actions ran under policies that had been
//! replaced: asked by an administrator who is about to publish.

use crate::support::stage::Stage;
use serde_json::{Value, json};

const STRICT: &str = r#"
@id("known") permit (principal, action, resource);
@id("reads") @requires_approval @quorum("2") @risk("70")
forbid (principal, action == Gov::Action::"data.read", resource)
unless { context.approval.granted && context.approval.distinct_approvers >= 2 };
@id("exports") forbid (principal, action == Gov::Action::"data.export", resource);
"#;
const LOOSE: &str = "@id(\"all\") permit (principal, action, resource);\n";

#[test]
fn an_administrator_sees_what_a_set_would_change_and_what_ran_under_another() {
    let (stage, server) = Stage::set();
    let file = |name: &str, text: &str| {
        std::fs::write(stage.path(name), text).unwrap();
        name.to_owned()
    };
    let read = file("read.json", r#"{"action":"data.read","resource":"dataset:customers"}"#);
    let (strict, loose) = (file("strict.cedar", STRICT), file("loose.cedar", LOOSE));
    let all = |words: &[&str]| stage.done(&mut stage.run(&server, "adm", words));
    let says = |who: &str, words: &[&str]| stage.says(&server, who, words);
    let id = |said: &Value| said["request_id"].as_str().unwrap().to_owned();
    let summary = |actions: u64, now: Value| {
        let changed: u64 = now.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        json!({"actions": actions, "changed": changed, "now": now, "unread": 0})
    };
    assert_eq!(all(&["policy", "test", &strict, "--past"]), [summary(0, json!({}))]);

    let export = stage.submit(&server);
    let reading = id(&says("agent", &["action", "submit", &read]));
    says("agent", &["action", "redeem", &reading, &read]);
    let told = all(&["policy", "test", &strict, "--past"]);
    let by =
        |request: &str| told.iter().find(|line| line["request_id"] == request).unwrap_or_else(|| panic!("{told:?}"));
    assert_eq!(by(&export)["then"]["outcome"], "require_approval");
    assert_eq!(by(&export)["now"]["outcome"], "deny");
    assert_eq!(
        (&by(&reading)["then"]["outcome"], &by(&reading)["now"]["reasons"]),
        (&json!("allow"), &json!(["reads"]))
    );
    assert_eq!(by(&reading)["now"]["requirement"]["risk"], 70);
    assert_eq!(told.last(), Some(&summary(2, json!({"deny": 1, "require_approval": 1}))));
    assert_eq!(all(&["policy", "test", &loose, "--past"]).last(), Some(&summary(2, json!({"allow": 1}))));
    let future = ["policy", "test", &strict, "--past", "--since", "2100-01-01T00:00:00Z"];
    assert_eq!(all(&future), [summary(0, json!({}))], "only what the stretch holds");

    // The read is still running when other policies come; the export is asked under one set, and runs under another.
    assert_eq!(all(&["policy", "drift"]), Vec::<Value>::new());
    says("bob", &["approve", &export, "--yes", "--reason", "fine"]);
    let published = says("adm", &["policy", "publish", &loose]);
    says("agent", &["action", "report", &reading, "--status", "succeeded"]);
    says("agent", &["action", "redeem", &export, "export.json"]);
    let drifted = all(&["policy", "drift"]);
    let of = |request: &str| drifted.iter().find(|line| line["request_id"] == request).unwrap();
    assert_eq!(drifted.len(), 2, "{drifted:?}");
    assert_eq!(
        (&of(&reading)["replaced_at_index"], &of(&export)["replaced_at_index"]),
        (&published["index"], &Value::Null)
    );
    assert_eq!(of(&export)["ran_under"], published["policy_digest"]);
    assert_ne!(of(&export)["asked_under"], of(&export)["ran_under"]);
}
