//! The real binary as a child process: to be killed, stopped for a while, told to end, or to find a folder in use.

use deedbook::ledger::DataDir;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

/// A running `deedbook serve`; killed when dropped.
pub struct Serving {
    child: Child,
    pub address: String,
    /// Where it answers over HTTP.
    pub http: String,
    said: Option<JoinHandle<String>>,
}

/// How a server ended, and everything that it wrote for people.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub said: String,
}

/// The command line that serves a folder on free ports.
pub fn serve_command(dir: &DataDir) -> Command {
    serve_at(dir, "127.0.0.1:0")
}

/// The same, with gRPC on an address of the caller's.
pub fn serve_at(dir: &DataDir, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    command.args(["serve", "--listen", listen, "--http", "127.0.0.1:0", "--data"]).arg(dir.root());
    command.env("DEEDBOOK_LOG", "off").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

impl Serving {
    /// Starts it, and waits until it says where it listens.
    pub fn start(dir: &DataDir) -> Serving {
        Serving::try_start(dir).unwrap_or_else(|ended| panic!("the server did not start: {ended:?}"))
    }

    /// Starts it; or how it ended instead.
    pub fn try_start(dir: &DataDir) -> Result<Serving, Ended> {
        Serving::from_command(serve_command(dir))
    }

    /// As `try_start`, by a command line of the caller's.
    pub fn from_command(mut command: Command) -> Result<Serving, Ended> {
        let (address, http) = (String::new(), String::new());
        let mut serving = Serving { child: command.spawn().unwrap(), address, http, said: None };
        let mut lines = BufReader::new(serving.child.stderr.take().unwrap());
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap() == 0 {
                let status = serving.child.wait().unwrap();
                return Err(Ended { status, said });
            }
            said.push_str(&line);
            if let Some((_, rest)) = line.split_once(" on ")
                && line.starts_with("deedbook serving ")
            {
                serving.address = rest.split(',').next().unwrap().trim().to_owned();
                serving.http = rest.rsplit(' ').next().unwrap().trim().to_owned();
                // What it says later must not fill the pipe.
                serving.said = Some(std::thread::spawn(move || {
                    let _ = lines.read_to_string(&mut said);
                    said
                }));
                return Ok(serving);
            }
        }
    }

    /// Starts it, and returns before it has opened anything.
    pub fn spawn(dir: &DataDir) -> Serving {
        let child = serve_command(dir).stderr(Stdio::null()).spawn().unwrap();
        Serving { child, address: String::new(), http: String::new(), said: None }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops it in whatever it does; it stays alive and keeps all that it has.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Tells it to end as an operator does, and does not wait.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits until it has ended by itself.
    pub fn ended(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        let said = self.said.take().map_or_else(String::new, |said| said.join().unwrap());
        Ended { status, said }
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

/// A running `deedbook witness`; killed when dropped.
pub struct WitnessProcess {
    child: Child,
    pub address: SocketAddr,
}

impl WitnessProcess {
    /// Starts it over an existing memory, and waits until it says where it listens.
    pub fn start(memory: &Path, key: &Path, log: &Path) -> WitnessProcess {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
        command
            .args(["witness", "--listen", "127.0.0.1:0", "--data"])
            .arg(memory)
            .arg("--key")
            .arg(key)
            .arg("--log")
            .arg(log);
        command.env("DEEDBOOK_LOG", "off").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("submissions:") {
            if lines.read_line(&mut said).unwrap() == 0 {
                let mut error = String::new();
                child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
                panic!("the witness did not start: {said}{error}");
            }
        }
        let address = said.rsplit("http://").next().unwrap().trim().trim_end_matches('/').parse().unwrap();
        WitnessProcess { child, address }
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for WitnessProcess {
    fn drop(&mut self) {
        // Gone already after `kill`; an error says just that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program of the system to its end; what it said, when it did not end well.
pub fn system(program: &str, arguments: &[&std::ffi::OsStr]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(said) } else { Err(format!("{program}: {}: {said}", output.status)) }
}

/// Whether a program can be found.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(Path::new);
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        || usual.iter().any(|folder| folder.join(program).is_file())
}
