//! `cordon plugin`.

mod activate;
mod build;
mod dev;
mod inspect;
mod install;
mod list;
mod new;
mod project;
mod remove;
mod sandbox;
mod show;
mod test;

use clap::Subcommand;
use serde_json::Value;

use super::body::segment;
use super::target::Target;
use super::{Outcome, cell};
use crate::config::Environment;
use crate::output::{Output, View, items, joined, problem_line};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a connector: a small complete project to begin with; needs no running host
    New(new::Args),
    /// Make the component of a project; needs no running host
    Build(build::Args),
    /// Run a component against cassettes, or record one; needs no running host
    Test(Box<test::Args>),
    /// Build, test and install a connector into a host whenever its sources change: for the tenant
    /// that --tenant names or whose key it is, else for all; each round as the active version
    /// VERSION-dev.N
    Dev(dev::Args),
    /// List plugins
    List,
    /// Show one version of a plugin
    Show(Version),
    /// Install a component: for the tenant of the key, or for all with an operator's key
    Install(install::Args),
    /// Switch to a version of a plugin, forwards or back
    Activate(activate::Args),
    /// Remove a version that nothing uses
    Remove(Version),
    /// Show what a component is and needs; needs no running host
    Inspect(inspect::Args),
}

/// One version of a plugin.
#[derive(Debug, clap::Args)]
struct Version {
    /// The name of the plugin
    #[arg(value_parser = segment)]
    name: String,
    /// Its version
    #[arg(value_parser = segment)]
    version: String,
}

pub(super) async fn run(
    args: Args,
    environment: &Environment,
    output: Output,
) -> anyhow::Result<Outcome> {
    let Args { target, command } = args;
    let command = match command {
        Command::New(args) => return new::run(args, output).map(|()| Outcome::Done),
        Command::Build(args) => return build::run(args, output).await.map(|()| Outcome::Done),
        Command::Test(args) => return Box::pin(test::run(*args, output)).await,
        Command::Inspect(args) => return inspect::run(args, output).await,
        command => command,
    };
    let client = target.client(environment)?;
    match command {
        Command::Dev(args) => dev::run(args, &client, output).await,
        Command::List => list::run(&client, output).await,
        Command::Show(version) => show::run(&version, &client, output).await,
        Command::Install(args) => install::run(args, &client, output).await,
        Command::Activate(args) => activate::run(args, &client, output).await,
        Command::Remove(version) => remove::run(&version, &client, output).await,
        Command::New(_) | Command::Build(_) | Command::Test(_) | Command::Inspect(_) => Ok(()),
    }?;
    Ok(Outcome::Done)
}

/// A plugin, a line a member.
fn plugin(object: &Value) -> View {
    let of = |name: &'static str| (name, cell(object, name));
    let list = |name: &'static str| (name, joined(object, name));
    let view = View::fields([
        of("name"),
        of("version"),
        of("digest"),
        of("connector_type"),
        of("display_name"),
        of("category"),
        list("actions"),
        ("asks to read", joined(object, "reads")),
        of("size"),
        of("tenant"),
        of("active"),
        of("state"),
        of("problem"),
        ("signed by", signed_by(object)),
        of("file"),
        of("installed_by"),
        of("installed_at"),
    ]);
    items(object, "imports")
        .filter_map(Value::as_str)
        .fold(view, |view, import| view.and_line(format!("imports  {import}")))
}

/// Who signed a plugin, with which key.
fn signed_by(object: &Value) -> String {
    let Some(signature) = object.get("signed_by") else { return String::new() };
    format!("{} (key {})", cell(signature, "publisher"), cell(signature, "key_id"))
}

/// What became of connections at a switch to the version `with`.
fn connections(object: &Value, with: &str) -> View {
    let count = |name| cell(object, name);
    let kept = count("kept_count");
    let mut view = View::line(format!("connections with it: {}", count("moved_count")));
    if kept != "0" {
        view = view.and_line(format!("connections that stay with another version: {kept}"));
    }
    for kept in items(object, "kept") {
        let [tenant, connection, version, reason] =
            ["tenant", "connection", "version", "reason"].map(|name| cell(kept, name));
        view = view.and_line(format!("  {tenant}/{connection} stays with {version}: {reason}"));
        if kept.get("missing").is_some() {
            view = view.and_line(format!(
                "    needs more; to grant it: cordon connection grants approve {connection} --with \
                 {with}"
            ));
        }
        for problem in items(kept, "problems") {
            view = view.and_line(format!("    {}", problem_line(problem)));
        }
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_connection_that_needs_more_is_told_with_the_command_that_grants_it() {
        let kept = json!({
            "tenant": "default", "connection": "crm", "version": "1.0", "reason": "needs_more",
            "missing": { "http": [] },
        });
        let of_type = json!({ "moved_count": 0, "kept_count": 1, "kept": [kept] });
        let expected = [
            "connections with it: 0",
            "connections that stay with another version: 1",
            "  default/crm stays with 1.0: needs_more",
            "    needs more; to grant it: cordon connection grants approve crm --with 1.1",
        ];
        assert_eq!(connections(&of_type, "1.1").lines(), expected);
    }
}
