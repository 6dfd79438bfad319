//! A terminal in the demo's folder: runs this same program as a person would type it, and keeps what it printed. Nothing
//! of the environment that steers the program reaches it, but for the server's address.

use super::broken;
use crate::cli::errors::Failure;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where commands are typed.
pub struct Terminal {
    program: PathBuf,
    folder: PathBuf,
    server: Option<String>,
}

/// How a command ended, and what it printed.
pub struct Ran {
    /// Its exit status; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it said beside that.
    pub err: String,
}

impl Terminal {
    /// A terminal in a folder.
    pub fn open(folder: &Path) -> Result<Terminal, Failure> {
        let program = std::env::current_exe();
        let program = program.map_err(|error| Failure::failed(format!("this program's own file: {error}"), ""))?;
        Ok(Terminal { program, folder: folder.to_owned(), server: None })
    }

    /// Commands reach this server from now on, as by `export DEEDBOOK_SERVER=…`.
    pub fn set_server(&mut self, server: String) {
        self.server = Some(server);
    }

    /// The folder that commands run in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The auditor's program, if it stands beside this one.
    pub fn verifier(&self) -> Option<PathBuf> {
        Some(self.program.with_file_name("deedbook-verify")).filter(|path| path.is_file())
    }

    /// Runs a line that begins with `deedbook` or `deedbook-verify`. Words stand apart by spaces; `'…'` is one word.
    pub fn run(&self, line: &str) -> Result<Ran, Failure> {
        let words = words(line);
        let (first, rest) = words.split_first().ok_or_else(|| broken("an empty line"))?;
        let program = match first.as_str() {
            "deedbook" => Some(self.program.clone()),
            "deedbook-verify" => self.verifier(),
            _ => None,
        };
        let program = program.ok_or_else(|| broken(&format!("`{line}` is no command that is there")))?;
        let mut command = Command::new(&program);
        command.args(rest).current_dir(&self.folder).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DEEDBOOK_") {
                command.env_remove(name);
            }
        }
        command.envs(self.server.as_ref().map(|server| ("DEEDBOOK_SERVER", server)));
        let output = command.output().map_err(|error| Failure::file(&program, &error))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) })
    }

    /// What a command prints for programs, one value a line. It must end well.
    pub fn values(&self, line: &str) -> Result<Vec<Value>, Failure> {
        let ran = self.run(&format!("{line} --json"))?;
        let values: Result<Vec<Value>, _> = ran.out.lines().map(serde_json::from_str).collect();
        match values {
            Ok(values) if ran.code == Some(0) => Ok(values),
            Ok(_) | Err(_) => Err(broken(&format!("`{line}`: {}{}", ran.out, ran.err))),
        }
    }
}

/// The words of a line, as a shell would part these few.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    // Every other piece stands between quotes.
    for (number, piece) in line.split('\'').enumerate() {
        match number % 2 {
            0 => words.extend(piece.split_whitespace().map(str::to_owned)),
            _ => words.push(piece.to_owned()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_parted_into_words() {
        assert_eq!(
            words("deedbook deny 1a --reason 'not now' --json"),
            ["deedbook", "deny", "1a", "--reason", "not now", "--json"]
        );
    }
}
