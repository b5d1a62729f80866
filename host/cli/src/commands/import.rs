//! `cordon import`.

use clap::Subcommand;
use serde_json::Value;

use super::body::JsonFile;
use super::target::Target;
use super::{Outcome, cell};
use crate::client::ApiPath;
use crate::config::Environment;
use crate::output::{Output, View, items, problem_line};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Import a DataGrailAgentConfig: all of its connections, or nothing
    Datagrail {
        #[command(flatten)]
        file: JsonFile,
        /// Check everything, show what would be made, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn run(
    args: Args,
    environment: &Environment,
    output: Output,
) -> anyhow::Result<Outcome> {
    let client = args.target.client(environment)?;
    let Command::Datagrail { file, dry_run } = args.command;
    let path = ApiPath::new(["import", "datagrail"]).with("dry_run", dry_run.then_some(true));
    output.answer(&client.post(path, Some(file.read()?.bytes)).await?, imported)?;
    Ok(Outcome::Done)
}

fn imported(import: &Value) -> View {
    let is = |object: &Value, name: &str| object.get(name).and_then(Value::as_bool) == Some(true);
    let dry_run = is(import, "dry_run");
    let mut view = View::default();
    for (list, word) in [("created", "create"), ("unchanged", "leave")] {
        for one in items(import, list) {
            let [key, kind, name] = ["key", "connector_type", "name"].map(|part| cell(one, part));
            let word = if dry_run { format!("would {word}") } else { done(word).to_owned() };
            view = view.and_line(format!("{word} {key} ({kind}, {name})"));
            view = items(one, "problems")
                .fold(view, |view, problem| view.and_line(format!("  {}", problem_line(problem))));
        }
    }
    for one in items(import, "not_imported") {
        let [pointer, name, kind, reason] =
            ["pointer", "name", "connector_type", "reason"].map(|part| cell(one, part));
        view = view.and_line(format!("not imported: {name} ({kind}, {pointer}): {reason}"));
    }
    for one in items(import, "unused") {
        let [pointer, reason] = ["pointer", "reason"].map(|part| cell(one, part));
        view = view.and_line(format!("not used: {pointer}: {reason}"));
    }
    let tenant = import.get("tenant").unwrap_or(&Value::Null);
    if is(tenant, "changed") {
        let [name, seconds] = ["name", "job_timeout_seconds"].map(|part| cell(tenant, part));
        let word = if dry_run { "would set" } else { "set" };
        view = view.and_line(format!("{word} the time limit of tenant {name} to {seconds} s"));
    }
    if dry_run { view.and_line("nothing was written") } else { view }
}

fn done(word: &str) -> &'static str {
    if word == "create" { "created" } else { "unchanged:" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_import_says_what_was_made_left_and_not_used() {
        let one = |key: &str| json!({"key": key, "connector_type": "api_proxy", "name": "N", "problems": []});
        let mut created = one("crm");
        created["problems"] = json!([{
            "severity": "warning", "pointer": "/connections/0/credentials_location", "detail": "store them",
        }]);
        let mut import = json!({
            "created": [created], "unchanged": [one("old")], "dry_run": false,
            "not_imported": [{"pointer": "/connections/2", "name": "DB", "connector_type": "SQL", "reason": "none"}],
            "unused": [{"pointer": "/redis_url", "reason": "not here"}],
            "tenant": {"name": "default", "job_timeout_seconds": 600, "changed": true},
        });
        let expected = [
            "created crm (api_proxy, N)",
            "  /connections/0/credentials_location: warning: store them",
            "unchanged: old (api_proxy, N)",
            "not imported: DB (SQL, /connections/2): none",
            "not used: /redis_url: not here",
            "set the time limit of tenant default to 600 s",
        ];
        assert_eq!(imported(&import).lines(), expected);
        import["dry_run"] = json!(true);
        let dry = imported(&import);
        assert_eq!(dry.lines()[0], "would create crm (api_proxy, N)");
        assert_eq!(dry.lines().last().unwrap(), "nothing was written");
    }
}
