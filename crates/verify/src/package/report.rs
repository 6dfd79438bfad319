//! What a verified package shows. Only `verify_package` and `verify_package_witnessed` make one.

use crate::package::custody::CustodyShown;
use crate::package::rendered::Rendered;
use crate::verdict::Witnessing;

/// A package that holds.
#[derive(Clone, Debug)]
pub struct PackageShown {
    /// What was rendered again, and is the same.
    pub rendered: Rendered,
    /// The verifier key that signed the checkpoints.
    pub key: String,
    /// Who witnessed the end checkpoint.
    pub witnessing: Witnessing,
    /// Who witnessed the start checkpoint, if there is one.
    pub start_witnessing: Option<Witnessing>,
    /// Names on signature lines that were not looked at.
    pub ignored: Vec<String>,
    /// Files whose hash alone was checked.
    pub unjudged: Vec<String>,
    /// What stands beside the package about who took it out.
    pub custody: CustodyShown,
}

impl PackageShown {
    /// What was proved, in words.
    pub fn proved(&self) -> Vec<&'static str> {
        let mut all = vec![
            "the files are those of the manifests, none missing and none too many",
            "every entry of the interval is there, in order, as it was signed: they lead exactly to the signed end",
            "population, samples, exceptions and verdicts follow from question and entries: all were computed again",
        ];
        if self.rendered.question.begins.0 == 0 {
            all.push("nothing stands before the interval: it begins with genesis");
        } else {
            all.push(
                "the interval begins at a signed checkpoint, and each governing entry shown before it is in that tree",
            );
        }
        if self.rendered.bodies.opened > 0 {
            all.push("every disclosed body opens the commitment of its entry");
        }
        all
    }

    /// What was not, in words.
    pub fn not_shown(&self) -> Vec<&'static str> {
        let mut all = self.rendered.not_shown();
        if !self.unjudged.is_empty() {
            all.push("what files for people and for other programs say: their hashes alone were checked; `deedbook audit` renders them again");
        }
        match (&self.custody.signed, &self.custody.exported) {
            (None, None) => all.push("who took the package out: nobody signed for it"),
            (_, Some(_)) => all.push("who had the package once it was taken out, and that no other package was"),
            (Some(_), None) => {
                all.push("that the ledger knows of the export: a signature stands beside it, and no receipt")
            }
        }
        all
    }
}
