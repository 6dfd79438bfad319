//! `serve --dev`: a ledger to play with, made once, and what to type next. Agent, people, their keys and an export that
//! waits for them are set by `play`. Nothing here is meant for production, where everybody keeps a key of their own.

mod play;

use crate::app::Addresses;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::Output;
use crate::cli::stage::{AGENT, OWNER, REVIEWERS};
use crate::cli::{key, producer};
use crate::clock::Clock;
use crate::ledger::{self, DataDir};
use crate::record::line::time;
use crate::record::{self, SigningKey, entropy};
use bytes::Bytes;
use deedbook_verify::words::{Index, SubjectId};
use play::{Props, Waiting};
use serde_json::json;
use std::path::{Path, PathBuf};

/// How the name of a development ledger begins.
const ORIGIN: &str = "dev.local/";
/// The name of the producer that `--dev` makes.
const PRODUCER: &str = "dev-producer";
/// Digits of a request's id that a person types.
const ID_DIGITS: usize = 8;

/// A development ledger, made and not yet open.
pub struct Prepared {
    data: DataDir,
    signer: PathBuf,
    props: Props,
}

/// What to type, and what it shows.
struct Step {
    shows: &'static str,
    command: String,
}

/// Makes what is missing. A ledger that was made for something else gets no people to play with, whose keys lie about.
pub fn prepare(data: &DataDir) -> Result<Prepared, Failure> {
    let vkey = data.verifier_key();
    if vkey.exists() {
        let known = record::load_public(&vkey)?;
        if !known.name().starts_with(ORIGIN) {
            let message = format!("{} holds {}, which is no development ledger", data.root().display(), known.name());
            return Err(Failure::usage(message, "leave --dev out, or name another folder with --data"));
        }
    } else {
        let [a, b, c, d] = entropy::array::<4>()?;
        ledger::init(data, &format!("{ORIGIN}{a:02x}{b:02x}{c:02x}{d:02x}"), &[], &Clock::system())?;
    }
    let signer = data.keys().join("dev-producer.key");
    if !signer.exists() {
        SigningKey::generate(PRODUCER)?.store(&signer)?;
    }
    Ok(Prepared { data: data.clone(), signer, props: Props::lay_out(&data.root().join("dev"))? })
}

impl Prepared {
    /// Lets the producer in and sets the stage, once the server runs, and prints what to do next.
    pub async fn welcome(self, addresses: Addresses, output: Output) -> Result<(), Failure> {
        let mut client = Client::open(&format!("http://{}", addresses.grpc)).await?;
        let admin = SigningKey::load(&self.data.admin_key())?;
        let admin = producer::introduce(&mut client, admin).await?;
        let made = SigningKey::load(&self.signer)?;
        let keys = client.keys(Bytes::new(), false).await?;
        if !keys.iter().any(|key| key.key_id == made.public().id().as_bytes()[..]) {
            key::enroll_key(&mut client, &admin, made.public(), PRODUCER).await?;
        }
        let waiting = self.props.set(&mut client, &admin).await?;
        self.print(&addresses, waiting, output)
    }

    /// Prints the next commands, with real paths, to be pasted into another terminal.
    fn print(&self, addresses: &Addresses, waiting: Option<Waiting>, output: Output) -> Result<(), Failure> {
        let program = quoted(Path::new(&std::env::args().next().unwrap_or_else(|| "deedbook".to_owned())));
        let server = match addresses.grpc.to_string() {
            usual if usual == "127.0.0.1:7420" => String::new(),
            address => format!(" --server http://{address}"),
        };
        let says = |command: &str| format!("{program} {command}{server}");
        let mut steps = waiting.map_or_else(Vec::new, |waiting| self.decide(waiting.request, &says));
        steps.push(Step {
            shows: "the agent asks again, and waits until people have decided",
            command: says(&format!("action submit --wait {} {}", self.props.file("export.json"), self.signer(AGENT))),
        });
        let event = format!(
            r#"{{"kind":"data.accessed","stream":"job/42","occurred":"{}","facts":{{"actor":{{"kind":"agent","id":"{AGENT}"}},"action_type":"dataset.read","outcome":"succeeded"}},"body":{{"note":"my first deed"}}}}"#,
            time::show(producer::now())
        );
        // Where nothing waits, genesis is as good as any.
        let index = waiting.map_or(Index(0), |waiting| waiting.index);
        let receipt = quoted(&self.data.root().join(format!("receipt-{index}.tlog-proof")));
        let vkey = quoted(&self.data.verifier_key());
        let logs = [
            (
                "a gateway states what happened; the index is printed",
                format!("echo '{event}' | {}", says(&format!("append --signer {} -", quoted(&self.signer)))),
            ),
            ("a receipt: proof of one entry", says(&format!("receipt {index} --out {receipt}"))),
            ("the receipt, checked without the server", format!("{program} verify --vkey {vkey} {receipt}")),
        ];
        steps.extend(logs.map(|(shows, command)| Step { shows, command }));
        if output.is_json() {
            let next: Vec<&str> = steps.iter().map(|step| step.command.as_str()).collect();
            return output.value(&json!({
                "grpc": addresses.grpc.to_string(), "http": addresses.http.to_string(), "origin": addresses.origin,
                "signer": self.signer.display().to_string(), "request_id": waiting.map(|waiting| waiting.request.to_string()),
                "next": next,
            }));
        }
        output
            .line(&format!("This is a development ledger in {}. In another terminal:\n", self.data.root().display()))?;
        steps
            .iter()
            .zip(1_usize..)
            .try_for_each(|(step, number)| output.line(&format!("{number}. {}:\n   {}\n", step.shows, step.command)))
    }

    /// How a waiting export is decided and run.
    fn decide(&self, request: SubjectId, says: &impl Fn(&str) -> String) -> Vec<Step> {
        let id = request.to_string();
        let short: String = id.chars().take(ID_DIGITS).collect();
        let approve = |who: &str| says(&format!("approve {short} --yes --reason 'ticket 4711' {}", self.signer(who)));
        let redeem = |file| says(&format!("action redeem {id} {} {}", self.props.file(file), self.signer(AGENT)));
        let [first, second] = REVIEWERS;
        let steps = [
            ("an agent's export waits for two persons", says("approvals list")),
            ("its owner may not approve it", approve(OWNER)),
            ("one person is not enough", approve(first)),
            ("two are: a grant is issued", approve(second)),
            ("for exactly what they saw, and not for one column more", redeem("changed.json")),
            ("the agent runs it, once; type it twice", redeem("export.json")),
            ("all that became of it", says(&format!("action show {id}"))),
        ];
        steps.map(|(shows, command)| Step { shows, command }).into()
    }

    fn signer(&self, who: &str) -> String {
        format!("--signer {}", self.props.file(&format!("{who}.key")))
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_a_shell() {
        assert_eq!(quoted(Path::new("./deedbook-data/a.key")), "./deedbook-data/a.key");
        assert_eq!(quoted(Path::new("my data/o'neil")), "'my data/o'\\''neil'");
    }
}
