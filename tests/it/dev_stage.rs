//! `serve --dev` sets a stage that a person can play on: each command that it prints is typed into a shell, in its order.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

struct Dev {
    child: Child,
    welcome: Value,
}

impl Drop for Dev {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn serve(home: &Path) -> Dev {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    command.args(["serve", "--dev", "--json", "--data", "my data"]);
    command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    command.env("DEEDBOOK_LOG", "off").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.current_dir(home).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Dev { child, welcome: serde_json::from_str(&line).unwrap() }
}

/// Exit status and output of a line in a shell.
fn typed(home: &Path, line: &str) -> (i32, String) {
    let output = Command::new("bash").args(["-c", line]).current_dir(home).stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn next(dev: &Dev) -> Vec<String> {
    dev.welcome["next"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_it_prints_can_be_typed_in_order() {
    let home = tempfile::tempdir().unwrap();
    let dev = serve(home.path());
    let lines = next(&dev);
    let expected = [
        (0, "0 of 2"),
        (3, "CONFLICT_OWNER"),
        (0, "\topen"),
        (0, "\tapproved"),
        (3, "ACTION_DIGEST_MISMATCH"),
        (0, "\tstarted"),
        (0, "bob: approve"),
    ];
    for (line, (code, says)) in lines.iter().zip(expected) {
        let (ended, said) = typed(home.path(), line);
        assert!(ended == code && said.contains(says), "{line}\n{ended}: {said}");
    }
    // The next one waits until somebody has decided.
    let (wait, rest) = lines.split_at(expected.len()).1.split_first().unwrap();
    // A process and no thread: whatever fails here, it ends with the server.
    let mut agent = Command::new("bash");
    agent.args(["-c", wait]).current_dir(home.path()).stdin(Stdio::null());
    let agent = agent.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let list = lines.first().unwrap();
    let waiting = crate::support::eventually("a request waits", || {
        let (_, said) = typed(home.path(), &format!("{list} --json"));
        let mut actions = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let found = actions.find_map(|action| action["request_id"].as_str().map(str::to_owned));
        found.or_else(|| {
            eprintln!("nothing waits: {said}");
            None
        })
    });
    let approve = lines.get(2).unwrap();
    let old: String = dev.welcome["request_id"].as_str().unwrap().chars().take(8).collect();
    let deny = approve.replace("approve", "deny").replace(&old, &waiting);
    let (ended, said) = typed(home.path(), &deny);
    assert_eq!(ended, 0, "{deny}: {said}");
    let agent = agent.wait_with_output().unwrap();
    let said = String::from_utf8([agent.stdout, agent.stderr].concat()).unwrap();
    assert!(said.contains("\tdenied"), "{said}");
    for line in rest {
        let (ended, said) = typed(home.path(), line);
        assert_eq!(ended, 0, "{line}\n{said}");
    }
    assert!(rest.last().unwrap().contains("verify"));
}

/// What a vote prints is what holds behind it: the screen on which it was cast, and how the request stood then, are beside it.
#[test]
fn a_vote_prints_how_the_request_stands_behind_it() {
    let home = tempfile::tempdir().unwrap();
    let dev = serve(home.path());
    let (lines, id) = (next(&dev), dev.welcome["request_id"].as_str().unwrap().to_owned());
    let [_, _, one, two, ..] = lines.as_slice() else { panic!("{lines:?}") };
    let result = |line: &str| typed(home.path(), &format!("{line} 2>/dev/null"));
    let beside = typed(home.path(), &format!("{one} 2>&1 >/dev/null")).1;
    assert!(beside.starts_with(&format!("open  {id}\n")) && beside.contains("0 of 2 approvals"), "{beside}");
    // A person counts once, however often they vote.
    assert_eq!(result(one), (0, format!("{id}\topen\t1 of 2 approvals\n")));
    assert_eq!(result(two), (0, format!("{id}\tapproved\t2 of 2 approvals\n")));
    // The same for programs, which get no screen.
    let again = lines.iter().find(|line| line.contains("action submit --wait")).unwrap().replace("--wait ", "");
    let asked: Value = serde_json::from_str(&result(&format!("{again} --json")).1).unwrap();
    let asked = asked["request_id"].as_str().unwrap().to_owned();
    let short = |id: &str| id.chars().take(8).collect::<String>();
    for (line, state, votes) in [(one, "open", 1), (two, "approved", 2)] {
        let (ended, said) = typed(home.path(), &format!("{} --json", line.replace(&short(&id), &short(&asked))));
        let action: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((ended, &action["state"]), (0, &Value::from(state)), "{said}");
        assert_eq!(action["votes"].as_array().map(Vec::len), Some(votes), "{said}");
    }
}

#[test]
fn it_sets_nothing_twice_and_leaves_what_a_person_changed() {
    let home = tempfile::tempdir().unwrap();
    let bound = |dev: &Dev| {
        let server = dev.welcome["grpc"].as_str().unwrap();
        let program = env!("CARGO_BIN_EXE_deedbook");
        typed(home.path(), &format!("{program} list --json --server http://{server}")).1
    };
    let kinds = |said: &str, kind: &str| said.lines().filter(|line| line.contains(&format!("\"{kind}\""))).count();
    let dev = serve(home.path());
    let (before, waiting) = (bound(&dev), dev.welcome["request_id"].clone());
    assert_eq!((kinds(&before, "principal.bound"), kinds(&before, "policy.published")), (4, 1), "{before}");
    drop(dev);
    std::fs::write(home.path().join("my data/dev/export.json"), "{}").unwrap();
    let dev = serve(home.path());
    assert_eq!(dev.welcome["request_id"], waiting);
    assert_eq!(bound(&dev).lines().count(), before.lines().count());
    assert_eq!(std::fs::read_to_string(home.path().join("my data/dev/export.json")).unwrap(), "{}");
}

#[test]
fn a_ledger_made_for_something_else_gets_no_people_to_play_with() {
    let home = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_deedbook");
    assert_eq!(typed(home.path(), &format!("{program} init --data d --origin test.example/real")).0, 0);
    let (ended, said) = typed(home.path(), &format!("{program} serve --dev --data d"));
    assert!(ended == 2 && said.contains("test.example/real, which is no development ledger"), "{ended}: {said}");
    assert!(!home.path().join("d/dev").exists());
}
