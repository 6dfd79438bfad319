//! `serve --dev`: a ledger, its keys and an enrolled producer, made once, and the next three commands. Nothing here
//! is meant for production, where administrators and producers keep their own keys.

use crate::app::Addresses;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::Output;
use crate::cli::{key, producer};
use crate::clock::Clock;
use crate::ledger::{self, DataDir};
use crate::record::line::time;
use crate::record::{SigningKey, entropy};
use bytes::Bytes;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The name of the producer that `--dev` makes.
const PRODUCER: &str = "dev-producer";

/// A development ledger, made and not yet open.
pub struct Prepared {
    data: DataDir,
    signer: PathBuf,
}

/// Makes what is missing.
pub fn prepare(data: &DataDir) -> Result<Prepared, Failure> {
    if !data.verifier_key().exists() {
        let [a, b, c, d] = entropy::array::<4>()?;
        ledger::init(data, &format!("dev.local/{a:02x}{b:02x}{c:02x}{d:02x}"), &[], &Clock::system())?;
    }
    let signer = data.keys().join("dev-producer.key");
    if !signer.exists() {
        SigningKey::generate(PRODUCER)?.store(&signer)?;
    }
    Ok(Prepared { data: data.clone(), signer })
}

impl Prepared {
    /// Lets the producer in, once the server runs, and prints what to do next.
    pub async fn welcome(self, addresses: Addresses, output: Output) -> Result<(), Failure> {
        let mut client = Client::open(&format!("http://{}", addresses.grpc)).await?;
        let made = SigningKey::load(&self.signer)?;
        let keys = client.keys(Bytes::new(), false).await?;
        if !keys.iter().any(|key| key.key_id == made.public().id().as_bytes()[..]) {
            let admin = SigningKey::load(&self.data.admin_key())?;
            let admin = producer::introduce(&mut client, admin).await?;
            key::enroll_key(&mut client, &admin, made.public(), PRODUCER).await?;
        }
        let next_index = client.ledger().await?.head.map_or(0, |head| head.size);
        self.print(&addresses, next_index, output)
    }

    /// Prints the next three commands, with real paths, to be pasted into another terminal.
    fn print(&self, addresses: &Addresses, next_index: u64, output: Output) -> Result<(), Failure> {
        let program = std::env::args().next().unwrap_or_else(|| "deedbook".to_owned());
        let program = quoted(Path::new(&program));
        let server = match addresses.grpc.to_string() {
            usual if usual == "127.0.0.1:7420" => String::new(),
            address => format!(" --server http://{address}"),
        };
        let receipt = self.data.root().join(format!("first-{}.tlog-proof", next_index));
        let event = format!(
            r#"{{"kind":"execution.reported","stream":"action/first","occurred":"{}","facts":{{"actor":{{"kind":"agent","id":"my-agent"}},"outcome":"succeeded"}},"body":{{"note":"my first deed"}}}}"#,
            time::show(producer::now())
        );
        let commands = [
            format!("echo '{event}' | {program} append{server} --signer {} -", quoted(&self.signer)),
            format!("{program} receipt{server} {} --out {}", next_index, quoted(&receipt)),
            format!("{program} verify --vkey {} {}", quoted(&self.data.verifier_key()), quoted(&receipt)),
        ];
        if output.is_json() {
            return output.value(&json!({
                "grpc": addresses.grpc.to_string(), "http": addresses.http.to_string(), "origin": addresses.origin,
                "signer": self.signer.display().to_string(), "next": commands,
            }));
        }
        let [append, receipt, verify] = &commands;
        output.line(&format!(
            "This is a development ledger in {}. In another terminal:\n\n\
             1. append a signed event, and see its index:\n   {append}\n\n\
             2. fetch its receipt:\n   {receipt}\n\n\
             3. check the receipt without the server:\n   {verify}\n",
            self.data.root().display()
        ))
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
