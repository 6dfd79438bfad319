//! Documents, and where their references by path lead. Nothing outside the folder of a document is opened, or outside the
//! bag that it stands in; nothing is fetched.

use super::{Code, Notes};
use crate::limits::{OSCAL_DOCUMENT_BYTES_MAX, OSCAL_IMPORTS_MAX};
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The models' names, which stand at the root of their documents.
const MODELS: [&str; 8] = [
    "catalog",
    "profile",
    "mapping-collection",
    "component-definition",
    "system-security-plan",
    "assessment-plan",
    "assessment-results",
    "plan-of-action-and-milestones",
];

/// A document that was read.
pub struct Document {
    /// Where it stands.
    pub path: PathBuf,
    /// Its model's name.
    pub model: &'static str,
    /// What stands below that.
    pub body: Value,
    /// The folder that nothing is opened outside of.
    root: PathBuf,
}

impl Document {
    /// Reads one. Error: why it is none.
    pub fn read(path: &Path) -> Result<Document, String> {
        let words = |error: std::io::Error| error.to_string();
        let real = path.canonicalize().map_err(words)?;
        let mut bytes = Vec::new();
        let bound = u64::try_from(OSCAL_DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
        File::open(&real).map_err(words)?.take(bound.saturating_add(1)).read_to_end(&mut bytes).map_err(words)?;
        if bytes.len() > OSCAL_DOCUMENT_BYTES_MAX {
            return Err(format!("more than {OSCAL_DOCUMENT_BYTES_MAX} bytes"));
        }
        let mut value: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        let found = MODELS.into_iter().find_map(|model| Some((model, value.get_mut(model)?.take())));
        let (model, body) = found.ok_or("no model of OSCAL stands at its root")?;
        let folder = real.parent().unwrap_or(Path::new("/"));
        let bag = folder.ancestors().find(|folder| folder.join("bagit.txt").is_file());
        let root = bag.unwrap_or(folder).to_owned();
        Ok(Document { path: real, model, body, root })
    }

    /// Its imports: where each is named, and the reference.
    fn imports(&self) -> Vec<(String, String)> {
        let named = ["import-ap", "import-ssp", "import-profile"].into_iter().filter_map(|member| {
            let href = self.body.get(member)?.get("href")?.as_str()?;
            Some((format!("/{}/{member}/href", self.model), href.to_owned()))
        });
        let listed = self.body.get("imports").and_then(Value::as_array).into_iter().flatten().enumerate();
        let listed = listed.filter_map(|(at, import)| {
            Some((format!("/{}/imports/{at}/href", self.model), import.get("href")?.as_str()?.to_owned()))
        });
        named.chain(listed).collect()
    }

    /// Its imports, and where each leads.
    fn followed(&self) -> Vec<(String, String, Followed)> {
        let imports = self.imports().into_iter();
        imports.map(|(at, href)| (at, href.clone(), self.follow(&href))).collect()
    }

    /// The reference behind a link to a resource of the document's own.
    fn resource(&self, uuid: &str) -> Option<&str> {
        let resources = self.body.get("back-matter")?.get("resources")?.as_array()?;
        let resource = resources.iter().find(|resource| resource.get("uuid").and_then(Value::as_str) == Some(uuid))?;
        resource.get("rlinks")?.as_array()?.iter().find_map(|link| link.get("href")?.as_str())
    }

    /// Where a reference leads.
    pub fn follow(&self, href: &str) -> Followed {
        let href = match href.strip_prefix('#') {
            None => href,
            Some(uuid) => match self.resource(uuid) {
                None => return Followed::Missing("no resource with a link has this UUID".to_owned()),
                Some(href) => href,
            },
        };
        let path = href.split('#').next().unwrap_or_default();
        if path.contains(':') || path.starts_with('/') || path.contains(['%', '?', '\\']) || path.is_empty() {
            return Followed::Elsewhere("no relative path");
        }
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        match folder.join(path).canonicalize() {
            Err(error) => Followed::Missing(error.to_string()),
            Ok(real) if real.starts_with(&self.root) => Followed::File(real),
            Ok(_) => Followed::Elsewhere("outside the document's folder, and no bag holds both"),
        }
    }

    /// A file's path from the folder that nothing is opened outside of.
    pub fn in_root(&self, file: &Path) -> Option<String> {
        Some(file.strip_prefix(&self.root).ok()?.to_str()?.replace('\\', "/"))
    }
}

/// Where a reference leads.
pub enum Followed {
    /// To this file, which is there.
    File(PathBuf),
    /// To a place that is not looked at, and why.
    Elsewhere(&'static str),
    /// To nothing, and why.
    Missing(String),
}

/// Everything that a document imports, and that its imports import.
#[derive(Default)]
pub struct Imports {
    /// The documents.
    pub documents: Vec<Document>,
    /// Whether one could not be read, so that nothing can be called unknown.
    pub cut: bool,
}

impl Imports {
    /// Of a document.
    pub fn of(document: &Document, notes: &mut Notes<'_>) -> Imports {
        let mut imports = Imports::default();
        imports.gather(document.followed(), notes);
        imports
    }

    fn gather(&mut self, followed: Vec<(String, String, Followed)>, notes: &mut Notes<'_>) {
        for (at, href, followed) in followed {
            match followed {
                Followed::Elsewhere(why) => {
                    self.cut = true;
                    notes.not_checked(&at, &format!("{href}: {why}"));
                }
                Followed::Missing(why) => {
                    self.cut = true;
                    notes.problem(Code::ImportMissing, &at, &format!("{href}: {why}"));
                }
                Followed::File(file) => self.take(&file, (&at, &href), notes),
            }
        }
    }

    fn take(&mut self, file: &Path, (at, href): (&str, &str), notes: &mut Notes<'_>) {
        if self.documents.iter().any(|known| known.path == file) {
            return;
        }
        let read = if self.documents.len() < OSCAL_IMPORTS_MAX {
            Document::read(file)
        } else {
            Err(format!("more than {OSCAL_IMPORTS_MAX} documents"))
        };
        match read {
            Err(why) => {
                self.cut = true;
                notes.problem(Code::ImportMissing, at, &format!("{href}: {why}"));
            }
            Ok(next) => {
                let (imports, path) = (next.followed(), next.path.clone());
                self.documents.push(next);
                self.gather(imports, &mut notes.of(&path));
            }
        }
    }
}
