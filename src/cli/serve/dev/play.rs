//! What `serve --dev` sets for a person to play: keys and files in a folder, the people and the agent bound in the ledger, a
//! policy, and an export that waits. Whatever is there already stays as it is.

use super::quoted;
use crate::api::proto;
use crate::cli::action::file::{self, Asked};
use crate::cli::action::step;
use crate::cli::approvals::screen;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::write_new;
use crate::cli::policy;
use crate::cli::principal::{self, AddArguments};
use crate::cli::producer::{self, Producer};
use crate::cli::stage::{AGENT, CHANGED, EXPORT, OWNER, POLICY, REVIEWERS};
use crate::record::SigningKey;
use crate::record::keys::public_path;
use deedbook_verify::words::{Index, SubjectId};
use std::path::{Path, PathBuf};

/// An export that waits for people.
#[derive(Clone, Copy)]
pub struct Waiting {
    /// Its request.
    pub request: SubjectId,
    /// Where it was asked for.
    pub index: Index,
}

impl Waiting {
    fn of(action: &proto::Action) -> Result<Waiting, Failure> {
        Ok(Waiting { request: step::id_of(action)?, index: Index(action.index) })
    }
}

/// The folder with keys and files.
pub struct Props {
    folder: PathBuf,
}

impl Props {
    /// Makes what is missing.
    pub fn lay_out(folder: &Path) -> Result<Props, Failure> {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
        let props = Props { folder: folder.to_owned() };
        for (name, text) in [("policy.cedar", POLICY), ("export.json", EXPORT), ("changed.json", CHANGED)] {
            let path = folder.join(name);
            if !path.exists() {
                write_new(&path, text.as_bytes())?;
            }
        }
        for name in [OWNER, AGENT].into_iter().chain(REVIEWERS) {
            let path = props.key(name);
            if !path.exists() {
                SigningKey::generate(name)?.store(&path)?;
            }
        }
        Ok(props)
    }

    fn key(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    /// A file of the folder, as a shell takes it.
    pub fn file(&self, name: &str) -> String {
        quoted(&self.folder.join(name))
    }

    /// Binds, publishes, and asks; what waits, unless the policy in force decided alone.
    pub async fn set(&self, client: &mut Client, administrator: &Producer) -> Result<Option<Waiting>, Failure> {
        for person in [OWNER].into_iter().chain(REVIEWERS) {
            let arguments = AddArguments::reviewer(person, public_path(&self.key(person)));
            principal::bind_once(client, administrator, &arguments).await?;
        }
        let arguments = AddArguments::agent(AGENT, OWNER, public_path(&self.key(AGENT)));
        principal::bind_once(client, administrator, &arguments).await?;
        policy::publish_first(client, administrator, POLICY).await?;
        let agent = producer::introduce(client, SigningKey::load(&self.key(AGENT))?).await?;
        let inbox = client.inbox().await?;
        if let Some(waiting) = inbox.iter().find(|action| action.actor == agent.source.as_bytes()[..]) {
            return Waiting::of(waiting).map(Some);
        }
        let asked = Asked { file: self.folder.join("export.json"), actor: None, on_behalf_of: Vec::new() };
        let binding = file::binding(client, &agent, &asked, file::read(&asked.file)?).await?;
        let action = step::submit(client, &agent, (&binding, None)).await?;
        if screen::is_decided(&action) { Ok(None) } else { Waiting::of(&action).map(Some) }
    }
}
