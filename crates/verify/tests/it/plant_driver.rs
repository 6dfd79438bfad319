//! Runs tests of the binary that it is compiled into, each with a bug planted, and demands that it fails. Shared with
//! the server's tests; which test catches which bug stands in the `plants` module of each.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A bug by the name that `DEEDBOOK_PLANT` takes, and the full name of the test that catches it.
pub type Plant = (&'static str, &'static str);

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    NotOne(String),
    Hung,
}

const POLL: Duration = Duration::from_millis(20);
/// Two minutes: the slowest of them takes some seconds.
const POLLS_MAX: u32 = 6_000;

/// Insists that each test passes as it is and fails with its bug planted.
pub fn each_is_caught(plants: &[Plant]) {
    let mut runs: Vec<(&str, Option<&str>)> = plants.iter().map(|(bug, test)| (*test, Some(*bug))).collect();
    let tests: BTreeSet<&str> = plants.iter().map(|(_, test)| *test).collect();
    runs.extend(tests.iter().map(|test| (*test, None)));
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((test, bug)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let wanted = if bug.is_some() { Outcome::Failed } else { Outcome::Passed };
            let found = run(test, *bug);
            if found != wanted {
                wrong.lock().unwrap().push(format!("{test} with {bug:?}: {found:?}"));
            }
        }
    };
    std::thread::scope(|scope| [(); 2].map(|()| scope.spawn(work)).map(|thread| thread.join().unwrap()));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "bugs that no test catches, or tests that fail without one:\n{}", wrong.join("\n"));
    println!("cases: plants {}", plants.len());
}

fn run(test: &str, bug: Option<&str>) -> Outcome {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--test-threads", "1"]).env_remove("DEEDBOOK_TEST_SCALE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    match bug {
        Some(bug) => command.env("DEEDBOOK_PLANT", bug),
        None => command.env_remove("DEEDBOOK_PLANT"),
    };
    let mut child = command.spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let said = std::thread::spawn(move || {
        let mut said = Vec::new();
        output.read_to_end(&mut said).map(|_| String::from_utf8_lossy(&said).into_owned())
    });
    let mut polls = 0;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if polls == POLLS_MAX => {
                child.kill().unwrap();
                child.wait().unwrap();
                return Outcome::Hung;
            }
            None => std::thread::sleep(POLL),
        }
        polls += 1;
    };
    let said = said.join().unwrap().unwrap();
    if !said.contains("running 1 test\n") {
        return Outcome::NotOne(said);
    }
    if status.success() { Outcome::Passed } else { Outcome::Failed }
}
