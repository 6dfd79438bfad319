//! Whether there is an exception that somebody disposes of. The ledger takes the statement all the same: it keeps counts of
//! exceptions and no rows. So the command asks a package, whose rows name each, or the newest run, which counts them.

use crate::api::proto;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::{counted, remark};
use crate::evidence::Rows;
use deedbook_verify::detail::TestNumber;
use deedbook_verify::package::{Code, Directory, TestId};
use std::path::Path;

/// An exception as somebody names it.
pub struct Named<'a> {
    pub test: TestNumber,
    /// In upper case, as results write it.
    pub code: &'a str,
    pub index: u64,
}

/// What was asked.
#[derive(Clone, Copy)]
pub enum Checked {
    /// The rows of a package: this very exception stands there.
    Package,
    /// The newest run: the test has exceptions, and whether this is one of them was not asked.
    Counts,
}

impl Checked {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Checked::Package => "package",
            Checked::Counts => "counts",
        }
    }
}

/// Where ids are found.
const WHERE: &str = "`data/tests/TEST/exceptions.csv` of a package (`deedbook export`) has test, code and index of each \
                     exception; its report lists them, too";

/// Refuses what is no exception, as far as that can be known.
pub async fn check(client: &mut Client, named: &Named<'_>, package: Option<&Path>) -> Result<Checked, Failure> {
    let test = TestId::from_name(&named.test.to_string()).filter(|test| test.judges());
    let Some(test) = test else {
        return Err(Failure::usage(format!("{}: no test with exceptions has this name", named.test), WHERE));
    };
    if Code::from_name(named.code).is_none() {
        return Err(Failure::usage(format!("`--code {}`: no test gives such a code", named.code), WHERE));
    }
    match package {
        Some(folder) => in_package(test, named, folder).map(|()| Checked::Package),
        None => in_counts(client, test).await.map(|()| Checked::Counts),
    }
}

fn in_package(test: TestId, named: &Named<'_>, folder: &Path) -> Result<(), Failure> {
    let path = format!("data/tests/{}/exceptions.csv", test.name());
    let unread = |error: std::io::Error| {
        let message = format!("{}: {error}", folder.join(&path).display());
        Failure::usage(message, "name the folder of an evidence package with --package")
    };
    let mut rows = Rows::open(&Directory(folder.to_owned()), &path).map_err(unread)?;
    let column = |wanted: &str| rows.head().iter().position(|name| name == wanted);
    let (Some(at), Some(code)) = (column("index"), column("code")) else {
        return Err(Failure::usage(format!("{path} has no columns index and code"), WHERE));
    };
    let index = named.index.to_string();
    while let Some(row) = rows.read().map_err(unread)? {
        if row.get(at) == Some(&index) && row.get(code).is_some_and(|code| code == named.code) {
            remark("not checked: the package itself; `deedbook-verify package` does");
            return Ok(());
        }
    }
    let message = format!("{} has no exception {} at {index} in {}", test.name(), named.code, folder.display());
    Err(Failure::usage(message, format!("{path} there has code and index of each")))
}

async fn in_counts(client: &mut Client, test: TestId) -> Result<(), Failure> {
    let standing = client.controls().await?;
    let Some(run) = standing.last_run else {
        let next = format!("name a package that has it with --package DIR: {WHERE}");
        return Err(Failure::usage("the tests have not run here, so no exception is known", next));
    };
    let number = u32::from(test.number());
    let result: Option<&proto::TestResult> = run.results.iter().find(|result| result.test == number);
    let exceptions = result.map_or(0, |result| result.exceptions);
    if exceptions == 0 {
        let message = format!("the newest run, at index {}, found no exception of {}", run.index, test.name());
        return Err(Failure::usage(message, format!("if it is an older one, add --package DIR: {WHERE}")));
    }
    remark(&format!(
        "not checked: that this is one of the {} that the newest run counted for {}, since the ledger keeps no rows; add \
         --package DIR for that",
        counted(exceptions, "exception", "exceptions"),
        test.name()
    ));
    Ok(())
}
