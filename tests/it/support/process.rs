//! The real binary as a child process: to be killed, or to find a folder in use.

use deedbook::ledger::DataDir;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// A running `deedbook serve`; killed when dropped.
pub struct Serving {
    child: Child,
    pub address: String,
}

/// The command line that serves a folder on free ports.
pub fn serve_command(dir: &DataDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"]).arg(dir.root());
    command.env("DEEDBOOK_LOG", "off").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

impl Serving {
    /// Starts it, and waits until it says where it listens.
    pub fn start(dir: &DataDir) -> Serving {
        let mut serving = Serving { child: serve_command(dir).spawn().unwrap(), address: String::new() };
        let mut lines = BufReader::new(serving.child.stderr.take().unwrap());
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap() == 0 {
                panic!("the server did not start: {said}{:?}", serving.child.wait());
            }
            if let Some((_, rest)) = line.split_once(" on ")
                && line.starts_with("deedbook serving ")
            {
                serving.address = rest.split(',').next().unwrap().trim().to_owned();
                // What it says later must not fill the pipe.
                std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
                return serving;
            }
            said.push_str(&line);
        }
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Gone already after `kill`; an error says just that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
