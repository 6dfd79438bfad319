//! The files that are rendered once the interval is over: draws, results, controls, keys, policies, the summary. A file
//! is a function of entries and question alone, to the byte.

use crate::authority::KeyHistory;
use crate::calendar::rfc3339;
use crate::detail::RefusalReason;
use crate::entry::Entry;
use crate::frame::SignerRole;
use crate::governance::Authority;
use crate::limits;
use crate::package::bodies::BodyTally;
use crate::package::code::{PackageCode, PackageRefusal};
use crate::package::computed::{Basis, TestId, Verdict};
use crate::package::csv::Line;
use crate::package::draw::Seed;
use crate::package::exam::{Counts, Tables};
use crate::package::json::Json;
use crate::package::mapping::Mapping;
use crate::package::question::{PROGRAM, Question};
use crate::package::table::{Drawable, Drawn};
use crate::package::views::{Views, Written};
use crate::words::{Digest, Hash, Index, Micros};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The head of `data/population.csv`.
pub const LISTED_COLUMNS: &[u8] =
    b"index,event_id,leaf_hash,kind,source,actor,action_type,outcome,request,occurred,received,refused\r\n";

/// A line of `data/population.csv`. A command that was refused is told apart from one that had its effect.
pub fn list(line: &mut Line, (index, leaf): (Index, Hash), entry: &Entry<'_>, refused: Option<RefusalReason>) {
    let facts = &entry.facts;
    line.clear();
    line.numbers([index.0].into_iter());
    line.hex(&facts.event_id.0);
    line.hex(&leaf.0);
    line.plain(facts.kind.name());
    line.hex(&facts.source.0);
    line.hexes(facts.actor.iter().map(|actor| actor.who.0.as_slice()));
    line.cell(facts.action_type.map_or("", |code| code.as_str()));
    line.plain(facts.outcome.map_or("", |outcome| outcome.name()));
    line.hexes(facts.request_id.iter().map(|request| request.0.as_slice()));
    line.time(facts.occurred);
    line.time(entry.seal.received);
    line.plain(refused.map_or("", RefusalReason::name));
}

/// What was proved on the way, apart from what is rendered.
pub struct Proved {
    /// The root of the end checkpoint.
    pub root: Hash,
    /// Frames whose signatures held.
    pub frames: u64,
    /// What was shown of bodies.
    pub bodies: BodyTally,
}

/// Tables that are closed, and the files still to come.
pub struct Closing<'s> {
    pub question: Question,
    pub views: Views<'s>,
    pub counts: Counts,
    pub policies: BTreeSet<Digest>,
    pub listed: Drawable,
    pub closed: Vec<crate::package::computed::Closed>,
    pub reach: (Micros, Micros),
}

/// What was rendered, and what it says.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// Every rendered file, by path from the bag's folder.
    pub files: BTreeMap<String, Written>,
    /// The question.
    pub question: Question,
    /// What the entries add up to.
    pub counts: Counts,
    /// What was shown of bodies.
    pub bodies: BodyTally,
    /// Frames whose signatures held.
    pub frames: u64,
    /// The root of the end checkpoint.
    pub root: Hash,
    /// Received times of the first and the last entry.
    pub reach: (Micros, Micros),
    /// Verdict, rows and exceptions of each test.
    pub tests: Vec<(TestId, Verdict, u64, u64)>,
    /// Rows of each test that entries do not decide.
    pub indeterminate: BTreeMap<TestId, u64>,
    /// Controls by verdict.
    pub controls: Vec<(String, Verdict)>,
    /// Policy sets whose texts are there.
    pub policies: u64,
    /// Every key up to the interval's end.
    pub keys: Arc<KeyHistory>,
}

/// Renders everything that is left.
pub fn render<'s>(
    tables: Tables<'s>,
    authority: &Authority,
    proved: Proved,
    mut policy: impl FnMut(Digest) -> std::io::Result<Option<Vec<u8>>>,
) -> Result<(Rendered, Views<'s>), PackageRefusal> {
    let Closing { question, mut views, counts, policies, listed, closed, reach } = tables.close(authority)?;
    let seed = |population: &Hash| Seed::new(&proved.root, population, question.nonce.as_ref());
    let drawn = listed.draw(&mut views, seed, question.sample)?;
    for digest in &policies {
        write_policy(&mut views, *digest, policy(*digest))?;
    }
    keys(&mut views, authority)?;
    let mut verdicts: BTreeMap<TestId, Verdict> = BTreeMap::new();
    let (mut tests, mut indeterminate) = (Vec::new(), BTreeMap::new());
    for test in closed {
        let (id, verdict) = (test.id, test.verdict());
        verdicts.insert(id, verdict);
        tests.push((id, verdict, test.tally.rows, test.tally.exceptions));
        indeterminate.insert(id, test.tally.indeterminate);
        let (tally, notes) = (test.tally, test.notes);
        let drawn = test.population.map(|population| population.draw(&mut views, seed, question.sample)).transpose()?;
        let json = result(id, verdict, Some((&tally, &notes)), drawn.as_ref());
        write_result(&mut views, id, &json)?;
    }
    for id in TestId::ALL.iter().filter(|id| matches!(id.basis(), Basis::Undecided(_))) {
        verdicts.insert(*id, Verdict::Indeterminate);
        tests.push((*id, Verdict::Indeterminate, 0, 0));
        write_result(&mut views, *id, &result(*id, Verdict::Indeterminate, None, None))?;
    }
    tests.sort_by_key(|(id, ..)| *id);
    let mapping = Mapping::of(question.framework);
    let controls = controls(&mut views, &mapping, &verdicts)?;
    let rendered = Rendered {
        files: BTreeMap::new(),
        policies: u64::try_from(policies.len()).unwrap_or(u64::MAX),
        bodies: proved.bodies,
        frames: proved.frames,
        root: proved.root,
        question,
        counts,
        reach,
        tests,
        indeterminate,
        controls,
        keys: Arc::clone(authority.keys()),
    };
    let summary = summary(&rendered, &mapping, &drawn);
    views.whole("data/package.json", PackageCode::Result, summary.as_bytes())?;
    Ok((Rendered { files: views.written().clone(), ..rendered }, views))
}

fn write_policy(
    views: &mut Views<'_>,
    digest: Digest,
    text: std::io::Result<Option<Vec<u8>>>,
) -> Result<(), PackageRefusal> {
    let path = policy_file(digest);
    let refuse = |found: &dyn std::fmt::Display| PackageRefusal::new(PackageCode::Policy, &path, found);
    let text = text.map_err(|error| refuse(&error))?.ok_or(refuse(&"it was in force, and its text is missing"))?;
    if text.len() > limits::POLICY_TEXT_BYTES_MAX {
        return Err(refuse(&"larger than a policy set can be"));
    }
    if *blake3::hash(&text).as_bytes() != digest.0 {
        return Err(refuse(&"the text has another BLAKE3"));
    }
    views.whole(&path, PackageCode::Policy, &text).map(|_| ())
}

/// Where the text of a policy set stands.
pub fn policy_file(digest: Digest) -> String {
    format!("data/policies/{digest}.json")
}

fn write_result(views: &mut Views<'_>, id: TestId, json: &str) -> Result<(), PackageRefusal> {
    let path = format!("data/tests/{}/result.json", id.name());
    views.whole(&path, PackageCode::Result, json.as_bytes()).map(|_| ())
}

fn result(
    id: TestId,
    verdict: Verdict,
    judged: Option<(&crate::package::computed::Tally, &Vec<String>)>,
    drawn: Option<&Drawn>,
) -> String {
    Json::object(|json| {
        json.text("test", id.name());
        json.text("title", id.title());
        json.text("program", PROGRAM);
        json.text("asks", id.asks());
        json.text("verdict", id.word(verdict));
        match id.basis() {
            Basis::Rows => json.text("population", "population.csv"),
            Basis::Entries => json.text("population", "../../entries.bin"),
            Basis::Undecided(why) => json.text("undecided", why),
        }
        if let Some((tally, notes)) = judged {
            json.number("rows", tally.rows);
            json.number("exceptions", tally.exceptions);
            json.number("indeterminate", tally.indeterminate);
            json.number("not_counted", tally.not_counted);
            json.member("codes", |json| tally.codes.iter().for_each(|(name, count)| json.number(name, *count)));
            json.member("rests_on", |json| tally.rests_on.iter().for_each(|(name, count)| json.number(name, *count)));
            json.texts("notes", notes.iter().map(String::as_str));
        }
        if let Some(drawn) = drawn {
            sample(json, drawn);
        }
        json.text("not_shown", id.limits());
    })
}

fn sample(json: &mut Json, drawn: &Drawn) {
    json.text("population_sha256", &drawn.population.to_string());
    json.text("seed", &drawn.seed.to_string());
    json.number("drawn", drawn.drawn);
}

/// Every key with its time, by key id.
fn keys(views: &mut Views<'_>, authority: &Authority) -> Result<(), PackageRefusal> {
    let mut view = views.create("data/keys.csv", PackageCode::Result)?;
    view.write(b"key_id,role,source,public_key,stated,from,until\r\n")?;
    let mut line = Line::default();
    for (id, tenure) in authority.keys().tenures() {
        line.clear();
        line.hex(&id.0);
        line.plain(match tenure.role {
            SignerRole::Source => "source",
            SignerRole::Head => "head",
            SignerRole::Sequencer => "sequencer",
        });
        line.hex(&tenure.source.0);
        line.hex(&tenure.key.to_wire());
        line.numbers([tenure.stated.0].into_iter());
        line.numbers([tenure.from.0].into_iter());
        line.numbers(tenure.until.iter().map(|until| until.0));
        view.write(line.end())?;
    }
    views.close(view).map(|_| ())
}

fn controls(
    views: &mut Views<'_>,
    mapping: &Mapping,
    verdicts: &BTreeMap<TestId, Verdict>,
) -> Result<Vec<(String, Verdict)>, PackageRefusal> {
    let mut view = views.create("data/controls.csv", PackageCode::Result)?;
    view.write(b"control,verdict,tests,asks,population,passes_when\r\n")?;
    let (mut line, mut all) = (Line::default(), Vec::new());
    for control in &mapping.controls {
        let found = control.tests.iter().filter(|test| test.judges()).filter_map(|test| verdicts.get(test));
        let verdict = found.copied().max_by_key(|verdict| verdict.rank());
        let tests: Vec<&str> = control.tests.iter().map(|test| test.name()).collect();
        line.clear();
        line.plain(control.id);
        line.plain(verdict.map_or(control.unjudged(), Verdict::name));
        line.plain(&tests.join(" "));
        line.cell(control.asks);
        line.cell(control.population);
        line.cell(control.passes_when);
        view.write(line.end())?;
        all.extend(verdict.map(|verdict| (control.id.to_owned(), verdict)));
    }
    views.close(view)?;
    Ok(all)
}

fn summary(rendered: &Rendered, mapping: &Mapping, drawn: &Drawn) -> String {
    let Rendered { question, counts, bodies, .. } = rendered;
    Json::object(|json| {
        json.text("package", "deedbook.package/1");
        json.text("program", PROGRAM);
        json.text("ledger", &question.ledger.to_string());
        json.text("framework", question.framework.name());
        json.text("mapping", mapping.title);
        json.number("mapping_revision", mapping.revision);
        json.member("period", |json| {
            json.text("from", &rfc3339(question.period.from));
            json.text("to", &rfc3339(question.period.to));
            json.text("by", "received, which the ledger states and which never decreases");
            json.text("first_received", &rfc3339(rendered.reach.0));
            json.text("last_received", &rfc3339(rendered.reach.1));
            json.flag("cut_at_head", rendered.is_cut());
        });
        json.member("interval", |json| {
            json.number("from", question.begins.0);
            json.number("to", question.ends.0);
            json.text("root", &rendered.root.to_string());
            json.number("governing_before", counts.before);
        });
        json.member("entries", |json| {
            json.number("interval", counts.entries);
            json.number("period", counts.in_period);
            json.number("listed", counts.listed);
            json.number("not_listed", counts.entries.saturating_sub(counts.listed));
            json.number("frames", rendered.frames);
        });
        json.member("bodies", |json| {
            json.number("opened", bodies.opened);
            json.number("withheld", bodies.withheld);
            json.number("erased", bodies.erased);
        });
        json.text("filter", &question.filter.to_string());
        json.text("redact", question.redaction.name());
        json.member("sample", |json| {
            json.number("rows_of_each_stratum", u64::from(question.sample));
            json.optional("nonce", question.nonce.as_ref().map(ToString::to_string).as_deref());
            sample(json, drawn);
        });
        json.objects("tests", &rendered.tests, |json, (id, verdict, rows, exceptions)| {
            json.text("test", id.name());
            json.text("title", id.title());
            json.text("verdict", id.word(*verdict));
            json.number("rows", *rows);
            json.number("exceptions", *exceptions);
        });
        json.texts("not_shown", rendered.not_shown());
    })
}

impl Rendered {
    /// Whether the log ended before the period did.
    pub fn is_cut(&self) -> bool {
        self.reach.1 < self.question.period.to
    }

    /// What the package cannot show, in words.
    pub fn not_shown(&self) -> Vec<&'static str> {
        let mut all = vec!["that an event which never reached the log did not happen"];
        if self.question.begins.0 > 0 {
            all.push("that no governing entry before the interval was left out, such as a revocation: those that are there were proved to be in the log, their number was not; a package that begins with genesis shows it");
        }
        if self.is_cut() {
            all.push(
                "what was received behind the last entry: the log, or this package of it, ends before the period does",
            );
        }
        if self.question.nonce.is_none() {
            all.push("that the samples were not chosen: no nonce of the reader's went into the draw");
        }
        if self.bodies.withheld > 0 {
            all.push("the contents of bodies that were withheld");
        }
        if self.bodies.erased > 0 {
            all.push(
                "that bodies which are said to be erased were, where the entry that erased them is not in the interval",
            );
        }
        all.push("that the policies' evaluations follow from their texts: `deedbook audit` replays them");
        all.push("that others were not shown another tree, unless witnesses cosigned the checkpoints");
        all
    }
}
