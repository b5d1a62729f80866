//! What the machine must allow for a host to keep its promises: looked at without a host, and
//! without changing anything.
//!
//! A check that cannot look says so and fails: a machine that was not examined is not fit. Called
//! by `cordon doctor`.

mod machine;
mod storage;

use cordon_runtime::Fitness;

use crate::config::Config;

/// What one check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) check: &'static str,
    /// Whether it will do.
    pub(crate) verdict: Verdict,
    /// What is there, and what is wanted.
    pub(crate) found: String,
    /// What to do about it.
    pub(crate) remedy: Option<String>,
}

/// Whether a machine will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It will.
    Ok,
    /// It will, but not for long or not under load.
    Warn,
    /// It will not.
    Fail,
}

impl Verdict {
    /// The word that is printed.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, found: found.into(), remedy: None }
    }

    fn warn(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { check, verdict: Verdict::Warn, found: found.into(), remedy }
    }

    fn fail(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, ..Self::warn(check, found, remedy) }
    }
}

/// Every check, in the order in which a host would fail.
pub(crate) async fn examine(config: &Config) -> Vec<Finding> {
    let calls = config.runtime.instances_max;
    let mut findings = vec![
        machine::mappings(calls),
        machine::open_files(calls),
        machine::memory(&config.runtime),
        storage::directory(&config.data_directory),
        storage::space(&config.data_directory),
        storage::clock(&config.data_directory),
    ];
    findings.push(sandbox(config));
    findings.push(compiler(config).await);
    findings
}

/// Builds the sandbox with its whole pool, as a start would.
fn sandbox(config: &Config) -> Finding {
    match Fitness::of_sandbox(&config.runtime) {
        Ok(()) => {
            let calls = config.runtime.instances_max;
            Finding::ok("sandbox", format!("has room for {calls} calls at the same time"))
        }
        Err(error) => {
            let remedy = "lift the limit on address space (ulimit -v), or lower the number of \
                          instances";
            Finding::fail("sandbox", error.to_string(), remedy)
        }
    }
}

/// Compiles the smallest component in a process of its own, as an upload would.
async fn compiler(config: &Config) -> Finding {
    match Fitness::of_compiler(&config.runtime).await {
        Ok(()) => Finding::ok("compiler", "compiles in a process of its own"),
        Err(error) => {
            let remedy = "this program must be able to start itself again";
            Finding::fail("compiler", error.to_string(), remedy)
        }
    }
}
