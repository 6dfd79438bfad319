//! Where the demo's story plays: a ledger with its server, the people and the agent, and the policy in force.

use super::{Part, Tale, broken};
use crate::app::Server;
use crate::cli::errors::Failure;
use crate::cli::output::write_new;
use crate::cli::stage::{AGENT, CHANGED, EXPORT, OWNER, POLICY, REVIEWERS};
use crate::ledger::{DataDir, Ledger, OpenOptions};
use crate::record::entropy;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use tokio::runtime::Runtime;

/// How commands of the administrator are signed.
pub const ADMINISTRATOR: &str = "--signer ledger/keys/admin.key";

/// A ledger that is being served by this process.
pub struct Served {
    ledger: Ledger,
    server: Server,
}

impl Served {
    /// Serves the demo's ledger on free ports.
    pub fn start(tale: &mut Tale, runtime: &Runtime) -> Result<Served, Failure> {
        let ledger = Ledger::open(&DataDir::new(tale.terminal.folder().join("ledger")), OpenOptions::default())?;
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = runtime.block_on(Server::start(ledger.clone(), free, free));
        let server =
            server.map_err(|error| Failure::failed(error.to_string(), "check that loopback ports are free"))?;
        let address = format!("http://{}", server.addresses().grpc);
        tale.say(&format!(
            "this process serves it, as `deedbook serve --data ledger` would; DEEDBOOK_SERVER={address}"
        ))?;
        tale.terminal.set_server(address);
        Ok(Served { ledger, server })
    }

    /// Stops the server and closes the ledger.
    pub fn stop(self, runtime: &Runtime) {
        runtime.block_on(self.server.stop());
        self.ledger.close();
    }
}

/// The ledger is born.
pub fn birth(tale: &mut Tale) -> Result<(), Failure> {
    tale.step(
        "A ledger",
        "Its first entry, genesis, names its keys; everything later is proved from there, with the one verifier key.",
    )?;
    let [a, b, c, d] = entropy::array::<4>()?;
    tale.done(&format!("deedbook init --data ledger --origin demo.local/{a:02x}{b:02x}{c:02x}{d:02x}"), Part::All)?;
    Ok(())
}

/// People and the agent are bound, and each keeps a key of their own.
pub fn cast(tale: &mut Tale) -> Result<(), Failure> {
    tale.step(
        "An agent, the person who answers for it, and two more",
        "Each keeps their own secret key. Who may decide is signed into the log, so nobody can make up an approver later.",
    )?;
    for name in [OWNER, AGENT].into_iter().chain(REVIEWERS) {
        // The first one is shown; the others are made alike.
        let part = if name == OWNER { Part::All } else { Part::Nothing };
        tale.done(&format!("deedbook key new --name {name} --out {name}.key"), part)?;
    }
    for person in [OWNER].into_iter().chain(REVIEWERS) {
        let who = format!("--kind human --id {person} --role reviewer --key {person}.key.pub");
        tale.done(&format!("deedbook principal add {who} {ADMINISTRATOR}"), Part::All)?;
    }
    let who = format!("--kind agent --id {AGENT} --responsible {OWNER} --key {AGENT}.key.pub");
    tale.done(&format!("deedbook principal add {who} {ADMINISTRATOR}"), Part::All)?;
    Ok(())
}

/// The policy is published.
pub fn policy(tale: &mut Tale) -> Result<(), Failure> {
    tale.step(
        "A policy that asks for people",
        "Exports to outside the company take two persons. The policy is an entry too: what was in force when is provable.",
    )?;
    file(tale, "policy.cedar", POLICY)?;
    let ran = tale.done(&format!("deedbook policy publish policy.cedar {ADMINISTRATOR}"), Part::All)?;
    match ran.out.contains("published at index") {
        true => Ok(()),
        false => Err(broken("the policy did not take effect")),
    }
}

/// What is asked for, what would rather be run, and the data.
pub fn props(tale: &Tale) -> Result<(), Failure> {
    let folder = tale.terminal.folder();
    write_new(&folder.join("changed.json"), CHANGED.as_bytes())?;
    write_new(&folder.join("orders.csv"), b"country,total\nAT,120\nCH,95\nSE,310\n")?;
    let partner = folder.join("partner");
    std::fs::create_dir(&partner).map_err(|error| Failure::file(&partner, &error))?;
    file(tale, "export.json", EXPORT)
}

/// Writes a file and shows it.
fn file(tale: &Tale, name: &str, text: &str) -> Result<(), Failure> {
    write_new(&tale.terminal.folder().join(Path::new(name)), text.as_bytes())?;
    tale.say(&format!("{name}:\n{}", text.trim_end().replace('\n', "\n  ").replacen("", "  ", 1)))
}
