//! `cordon doctor`: see [`crate::doctor`].

use std::path::PathBuf;

use serde_json::json;

use super::{Outcome, compile_component};
use crate::config::{Config, Environment, Overrides};
use crate::doctor::{self, Finding, Verdict};
use crate::output::{Output, View};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration [env: CORDON_CONFIG] [default: cordon.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the data lies, instead of the configuration's data.directory [default: cordon-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(super) async fn run(
    args: Args,
    environment: &Environment,
    output: Output,
) -> anyhow::Result<Outcome> {
    let overrides = Overrides { file: args.config, data_directory: args.data, listen: None };
    let mut config = Config::load(&overrides, environment)?;
    config.runtime.compiler = Some(compile_component::process()?);
    let findings = doctor::examine(&config).await;
    print(&findings, output)?;
    let failed = findings.iter().any(|finding| finding.verdict == Verdict::Fail);
    Ok(if failed { Outcome::Failed } else { Outcome::Done })
}

fn print(findings: &[Finding], output: Output) -> anyhow::Result<()> {
    if output.json {
        let items: Vec<_> = findings
            .iter()
            .map(|finding| {
                json!({
                    "check": finding.check,
                    "verdict": finding.verdict.as_str(),
                    "found": finding.found,
                    "remedy": finding.remedy,
                })
            })
            .collect();
        return output.raw(&json!({ "items": items }).to_string().into());
    }
    let rows = findings.iter().map(|finding| {
        [finding.verdict.as_str().to_owned(), finding.check.to_owned(), finding.found.clone()]
    });
    let mut view = View::columns(rows);
    for finding in findings {
        if let Some(remedy) = &finding.remedy {
            view = view.and_line(format!("{}: {remedy}", finding.check));
        }
    }
    output.view(&view)
}
