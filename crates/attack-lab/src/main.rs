//! `make attack`: runs the lab and prints its table. Exit status: 0 when Deedbook keeps what it claims, 1 when it does
//! not or the lab cannot work, 2 for usage.

use deedbook_attack_lab::print;
use deedbook_attack_lab::verdict::{Lab, Row};
use std::io::Write as _;
use std::process::ExitCode;

const USAGE: &str = "usage: attack-lab [--json | --markdown]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let show: fn(&[Row]) -> String = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => |rows| format!("{}\n{}\n", print::text(rows), print::NOT_ANSWERED),
        ["--json"] => |rows| format!("{:#}\n", print::value(rows)),
        ["--markdown"] => print::markdown,
        _ => {
            let _ = writeln!(std::io::stderr(), "{USAGE}");
            return ExitCode::from(2);
        }
    };
    match carry_out(show) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            let _ = writeln!(std::io::stderr(), "attack-lab: an attack that Deedbook claims to withstand succeeded");
            ExitCode::FAILURE
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "attack-lab: {}", deedbook::domain::escape(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

/// Prints the table; whether Deedbook kept what it claims.
fn carry_out(show: fn(&[Row]) -> String) -> Lab<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let rows = runtime.block_on(deedbook_attack_lab::run())?;
    std::io::stdout().write_all(show(&rows).as_bytes())?;
    Ok(rows.iter().all(Row::is_kept))
}
