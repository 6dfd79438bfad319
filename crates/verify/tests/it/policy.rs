//! Policy files: what C2SP tlog-policy allows is read, each rule has a file that breaks it alone, and quorums are
//! compared with a second evaluation.

use crate::encode::Key;
use crate::maker::{cosigner_vkey, vkey};
use deedbook_verify::limits;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::policy::{Policy, PolicyDefect};
use proptest::prelude::*;

fn log(name: &str) -> String {
    format!("log {}\n", vkey(name, &Key::named(name)))
}

fn witness(name: &str) -> String {
    format!("witness {name} {}\n", cosigner_vkey(&format!("{name}.example"), &Key::named(name)))
}

/// The example of the specification, with keys.
pub fn example() -> String {
    let witnesses = |names: [&str; 3]| names.map(witness).concat();
    log("ledger.example/a")
        + "\n"
        + &witnesses(["X1", "X2", "X3"])
        + "group X-witnesses 2 X1 X2 X3\n\n"
        + &witnesses(["Y1", "Y2", "Y3"])
        + "group Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
}

fn read(text: &str) -> Policy {
    Policy::parse(text.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}:\n{text}"))
}

#[test]
fn the_specifications_example_is_evaluated_as_it_says() {
    let policy = read(&example());
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
    for (cosigned, met) in [
        (vec![0, 1, 3], true),
        (vec![0, 2, 5], true),
        (vec![0, 1, 2], false),
        (vec![0, 3, 4, 5], false),
        (vec![], false),
        (vec![0, 1, 2, 3, 4, 5], true),
        (vec![0, 0, 3], false),
        (vec![0, 1, 77], false),
    ] {
        assert_eq!(policy.is_met_by(&cosigned), met, "{cosigned:?}");
    }
}

#[test]
fn what_the_specification_allows_is_read() {
    let spaced = "  # a comment\n\t\n \t witness \t w  ".to_owned()
        + &cosigner_vkey("w", &Key::named("w"))
        + "\thttps://w.example/~a?b \n quorum\tw \n# the end\n";
    let policy = read(&spaced);
    assert_eq!(policy.witnesses()[0].url.as_deref(), Some("https://w.example/~a?b"));
    assert!(policy.logs().is_empty() && policy.is_met_by(&[0]) && !policy.is_met_by(&[]));
    assert!(read("quorum none\n").is_met_by(&[]));
    // Definitions may follow the quorum; names are octets, whatever they spell.
    let octets = [witness("w").as_bytes(), b"quorum w\ngroup \xff\xfe any w\n", log("a").as_bytes()].concat();
    assert!(Policy::parse(&octets).is_ok());
    // A name may be a word of the language; a group may hold a group of one.
    let words = witness("log") + &witness("quorum") + "group all 1 log\ngroup any all all quorum\nquorum any\n";
    assert!(read(&words).is_met_by(&[0, 1]) && !read(&words).is_met_by(&[0]));
    let many: String = (0..limits::POLICY_ITEMS_MAX).map(|number| witness(&format!("w{number}"))).collect();
    assert_eq!(read(&(many + "quorum w3\n")).witnesses().len(), limits::POLICY_ITEMS_MAX);
}

/// Policies that are wrong in one way: name, text, the line that is named, the defect.
fn wrong_definitions() -> Vec<(&'static str, Vec<u8>, usize, PolicyDefect)> {
    use PolicyDefect::*;
    let (a, b) = (witness("a"), witness("b"));
    let end = "quorum a\n";
    let text = |parts: &[&str]| parts.concat().into_bytes();
    vec![
        ("empty", Vec::new(), 0, QuorumMissing),
        ("quorum-missing", text(&[&a, &b]), 0, QuorumMissing),
        ("quorum-twice", text(&[&a, end, end]), 3, QuorumTwice),
        ("quorum-none-after-quorum", text(&[&a, end, "quorum none\n"]), 3, QuorumTwice),
        ("quorum-unknown", text(&[&a, "quorum b\n"]), 2, NameUnknown),
        ("quorum-before-its-witness", text(&[end, &a]), 1, NameUnknown),
        ("quorum-of-two", text(&[&a, &b, "quorum a b\n"]), 3, Words),
        ("quorum-of-nothing", text(&[&a, "quorum\n"]), 2, Words),
        ("keyword-unknown", text(&[&a, "wittness b\n", end]), 2, Keyword),
        ("keyword-in-capitals", text(&[&a, "QUORUM a\n"]), 2, Keyword),
        ("log-without-key", text(&["log\n", &a, end]), 1, Words),
        ("log-with-two-urls", text(&[&log("l").replace('\n', " u v\n"), &a, end]), 1, Words),
        ("log-key-of-a-witness", text(&["log ", &cosigner_vkey("l", &Key::named("l")), "\n", &a, end]), 1, LogKey),
        ("log-key-malformed", text(&["log l+00000000+AAAA\n", &a, end]), 1, LogKey),
        ("witness-without-name", text(&["witness ", &cosigner_vkey("w", &Key::named("w")), "\n", &a, end]), 1, Words),
        ("witness-key-of-a-log", text(&["witness w ", &vkey("w", &Key::named("w")), "\n", &a, end]), 1, WitnessKey),
        (
            "witness-key-hash-wrong",
            text(&["witness w w+00000000+", &cosigner_vkey("w", &Key::named("w"))[11..], "\n", &a, end]),
            1,
            WitnessKey,
        ),
        ("log-twice", text(&[&log("l"), &log("l"), &a, end]), 2, KeyTwice),
        ("witness-twice", text(&[&a, &a, end]), 2, KeyTwice),
        ("witness-key-under-two-names", text(&[&a, &a.replacen("witness a", "witness b", 1), end]), 2, KeyTwice),
        (
            "witness-key-under-two-key-names",
            text(&[&a, "witness b ", &cosigner_vkey("b", &Key::named("a")), "\n", end]),
            2,
            KeyTwice,
        ),
        ("witness-with-the-logs-key", text(&[&log("a"), &a, end]), 2, KeyTwice),
        ("name-twice", text(&[&a, "witness a ", &cosigner_vkey("x", &Key::named("x")), "\n", end]), 2, NameTaken),
        ("name-of-a-group-taken", text(&[&a, &b, "group a any b\n", end]), 3, NameTaken),
        (
            "name-none-for-a-witness",
            text(&[&a, "witness none ", &cosigner_vkey("x", &Key::named("x")), "\n", end]),
            2,
            NameTaken,
        ),
        ("name-none-for-a-group", text(&[&a, "group none any a\n", end]), 2, NameTaken),
        ("member-none", text(&[&a, "group g any none\n", end]), 2, NameUnknown),
        ("member-unknown", text(&[&a, "group g any a x\n", end]), 2, NameUnknown),
        ("member-defined-below", text(&["group g any a\n", &a, end]), 1, NameUnknown),
        ("member-itself", text(&[&a, "group g any a g\n", end]), 2, NameUnknown),
        ("member-twice-in-a-group", text(&[&a, "group g any a a\n", end]), 2, MemberTwice),
        ("member-in-two-groups", text(&[&a, "group g any a\ngroup h any a\n", end]), 3, MemberTwice),
    ]
}

/// The same for thresholds, octets and sizes.
fn wrong_numbers() -> Vec<(&'static str, Vec<u8>, usize, PolicyDefect)> {
    use PolicyDefect::*;
    let (a, b) = (witness("a"), witness("b"));
    let end = "quorum a\n";
    let text = |parts: &[&str]| parts.concat().into_bytes();
    let items = limits::POLICY_ITEMS_MAX + 1;
    let of_many = |one: &dyn Fn(usize) -> String| (0..items).map(one).collect::<String>() + "quorum none\n";
    vec![
        ("group-without-members", text(&[&a, "group g any\n", end]), 2, Words),
        ("threshold-zero", text(&[&a, "group g 0 a\n", end]), 2, Threshold),
        ("threshold-above-members", text(&[&a, &b, "group g 3 a b\n", end]), 3, Threshold),
        ("threshold-with-leading-zero", text(&[&a, "group g 01 a\n", end]), 2, Threshold),
        ("threshold-with-sign", text(&[&a, "group g +1 a\n", end]), 2, Threshold),
        ("threshold-a-word", text(&[&a, "group g most a\n", end]), 2, Threshold),
        ("threshold-beyond-u64", text(&[&a, "group g 18446744073709551617 a\n", end]), 2, Threshold),
        ("crlf", text(&[&a.replace('\n', "\r\n"), end]), 1, Octet),
        ("nul", text(&[&a, "# \0\n", end]), 2, Octet),
        ("del", text(&[&a, "# \x7f\n", end]), 2, Octet),
        ("form-feed-between-words", text(&[&a, "quorum\x0ca\n"]), 2, Octet),
        ("no-final-line-feed", text(&[&a, "quorum a"]), 0, Unended),
        ("url-not-utf8", [a.trim_end().as_bytes(), b" \xff\n", end.as_bytes()].concat(), 1, Url),
        ("logs-too-many", of_many(&|number| log(&format!("l{number}"))).into_bytes(), items, TooMany),
        ("witnesses-too-many", of_many(&|number| witness(&format!("w{number}"))).into_bytes(), items, TooMany),
        ("too-large", "#\n".repeat(limits::POLICY_BYTES_MAX).into_bytes(), 0, TooLarge),
    ]
}

#[test]
fn each_rule_has_a_policy_that_breaks_it() {
    for (name, bytes, line, defect) in wrong_definitions().into_iter().chain(wrong_numbers()) {
        let refusal = Policy::parse(&bytes).err().unwrap_or_else(|| panic!("{name} was accepted"));
        assert_eq!((refusal.line, refusal.defect), (line, defect), "{name}: {refusal}");
    }
}

#[test]
fn a_policy_is_narrowed_to_one_log() {
    let key = |name: &str| VerifierKey::parse(&vkey(name, &Key::named(name))).unwrap();
    let of = |text: &str| read(&(text.to_owned() + "quorum none\n"));
    assert_eq!(of("").for_log(&key("a")).unwrap().logs().len(), 1);
    let both = log("a") + &log("b");
    assert_eq!(of(&both).for_log(&key("b")).unwrap().logs()[0].key, key("b"));
    assert_eq!(of(&both).for_log(&key("c")), None);
}

/// A random forest of groups over nine witnesses, as text and as a second evaluation.
#[derive(Clone, Debug)]
enum Tree {
    Leaf(usize),
    Group(usize, Vec<Tree>),
}

impl Tree {
    fn write(&self, text: &mut String, groups: &mut usize) -> String {
        let (threshold, members) = match self {
            Tree::Leaf(witness) => return format!("w{witness}"),
            Tree::Group(threshold, members) => (threshold, members),
        };
        let names: Vec<String> = members.iter().map(|member| member.write(text, groups)).collect();
        *groups += 1;
        *text += &format!("group g{groups} {threshold} {}\n", names.join(" "));
        format!("g{groups}")
    }

    fn is_met(&self, cosigned: &[usize]) -> bool {
        match self {
            Tree::Leaf(witness) => cosigned.contains(witness),
            Tree::Group(threshold, members) => {
                members.iter().filter(|member| member.is_met(cosigned)).count() >= *threshold
            }
        }
    }
}

/// Joins neighbours into groups until one tree is left; each choice is (members, threshold).
fn forest(choices: &[(usize, usize)]) -> Tree {
    let mut trees: Vec<Tree> = (0..9).map(Tree::Leaf).collect();
    for (count, threshold) in choices.iter().cycle() {
        if trees.len() == 1 {
            break;
        }
        let members: Vec<Tree> = trees.drain(..(*count).min(trees.len())).collect();
        let threshold = threshold % members.len() + 1;
        trees.push(Tree::Group(threshold, members));
    }
    trees.pop().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quorums_agree_with_a_second_evaluation(
        choices in prop::collection::vec((2_usize..5, 0_usize..5), 1..6),
        cosigned in prop::collection::vec(0_usize..9, 0..12),
    ) {
        static WITNESSES: std::sync::LazyLock<String> =
            std::sync::LazyLock::new(|| (0..9).map(|number| witness(&format!("w{number}"))).collect());
        let tree = forest(&choices);
        let (mut text, mut groups) = (WITNESSES.clone(), 0);
        let top = tree.write(&mut text, &mut groups);
        let policy = read(&(text + &format!("quorum {top}\n")));
        prop_assert_eq!(policy.is_met_by(&cosigned), tree.is_met(&cosigned));
    }
}
