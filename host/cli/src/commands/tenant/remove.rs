//! `cordon tenant delete`.
//!
//! Cannot be undone, so a person confirms it by typing the name, and a script says `--yes`.

use std::io::{BufRead, IsTerminal as _, Write};

use anyhow::bail;

use super::super::body::segment;
use crate::client::{ApiPath, Client};
use crate::output::{Output, View};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant
    #[arg(value_parser = segment)]
    tenant: String,
    /// Stop and erase requests that are not final, too
    #[arg(long)]
    force: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(args: Args, client: &Client, output: Output) -> anyhow::Result<()> {
    let Args { tenant, force, yes } = args;
    if !yes {
        if !std::io::stdin().is_terminal() {
            bail!("removing a tenant cannot be undone; say --yes where nobody can be asked");
        }
        if !is_confirmed(&tenant, std::io::stdin().lock(), std::io::stderr().lock())? {
            bail!("nothing was removed");
        }
    }
    let path = ApiPath::new(["tenants", &tenant]).with("force", force.then_some(true));
    let answer = client.delete(path).await?;
    output.answer(&answer, |_| View::line(format!("removed {tenant} and everything it had")))
}

fn is_confirmed(
    tenant: &str,
    mut answers: impl BufRead,
    mut questions: impl Write,
) -> anyhow::Result<bool> {
    write!(
        questions,
        "This erases everything that the tenant {tenant} has, for good.\nType its name to go on: "
    )?;
    questions.flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(answer.trim() == tenant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_itself_confirms() {
        let answered = |text: &str| is_confirmed("acme", text.as_bytes(), Vec::new()).unwrap();
        assert!(answered("acme\n"));
        for other in ["", "\n", "y\n", "yes\n", "acme-2\n"] {
            assert!(!answered(other), "{other:?}");
        }
    }
}
