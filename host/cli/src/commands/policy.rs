//! `cordon policy`.

use clap::Subcommand;
use serde_json::Value;

use super::body::{JsonFile, segment};
use super::target::Target;
use super::{Outcome, PageArgs, cell, manual_webhook, page_of, policy_webhook};
use crate::client::ApiPath;
use crate::config::Environment;
use crate::output::{Output, View, items, joined};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List policies, newest first
    List(PageArgs),
    /// Show one policy
    Show {
        /// Its key
        #[arg(value_parser = segment)]
        key: String,
    },
    /// Create or replace a policy; its key is the object's, else made of its name
    Apply(JsonFile),
    /// Delete a policy
    Delete {
        /// Its key
        #[arg(value_parser = segment)]
        key: String,
    },
    /// Manual webhooks: what a policy asks people for
    ManualWebhook(manual_webhook::Args),
    /// Webhooks: systems that are told before a request is worked on, or after
    Webhook(policy_webhook::Args),
}

pub(super) async fn run(
    args: Args,
    environment: &Environment,
    output: Output,
) -> anyhow::Result<Outcome> {
    let client = args.target.client(environment)?;
    match args.command {
        Command::List(page) => {
            let answer = client.get(page.of(ApiPath::new(["policies"]))).await?;
            output.answer(&answer, policies)?;
        }
        Command::Show { key } => {
            output.answer(&client.get(ApiPath::new(["policies", &key])).await?, policy)?;
        }
        Command::Apply(file) => {
            let file = file.read()?;
            let path = ApiPath::new(["policies", &file.key()?]);
            output.answer(&client.put(path, file.bytes).await?, policy)?;
        }
        Command::Delete { key } => {
            let answer = client.delete(ApiPath::new(["policies", &key])).await?;
            output.answer(&answer, |_| View::line(format!("deleted {key}")))?;
        }
        Command::ManualWebhook(args) => manual_webhook::run(args, &client, output).await?,
        Command::Webhook(args) => policy_webhook::run(args, &client, output).await?,
    }
    Ok(Outcome::Done)
}

fn policies(list: &Value) -> View {
    let rows = items(list, "items").map(|item| {
        let [key, approval, name] =
            ["key", "requires_approval", "name"].map(|name| cell(item, name));
        [key, rules(item), approval, name]
    });
    page_of(list, View::table(["KEY", "RULES", "APPROVAL", "NAME"], rows.collect()))
}

fn policy(object: &Value) -> View {
    let scalars = [
        "key",
        "name",
        "requires_approval",
        "auto_resume",
        "allow_unserved",
        "on_error",
        "retention_days",
    ];
    let fields = scalars.map(|name| (name, cell(object, name)));
    let deadline = [("deadline", deadline(object))];
    let lists = [("rules", rules(object)), ("connections", joined(object, "connections"))];
    View::fields(fields.into_iter().chain(deadline).chain(lists))
}

/// A law's word, or a number of days.
fn deadline(policy: &Value) -> String {
    match policy.get("deadline") {
        Some(days @ Value::Object(_)) => format!("{} days", cell(days, "days")),
        Some(_) | None => cell(policy, "deadline"),
    }
}

fn rules(policy: &Value) -> String {
    let rules = items(policy, "rules").map(|rule| {
        let action = cell(rule, "action");
        match cell(rule, "destination") {
            destination if destination.is_empty() || destination == "local" => action,
            destination => format!("{action} to {destination}"),
        }
    });
    rules.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_deadline_is_shown_in_words() {
        let shown = |of: Value| deadline(&json!({ "deadline": of }));
        assert_eq!(shown(json!("gdpr")), "gdpr");
        assert_eq!(shown(json!({ "days": 30 })), "30 days");
        assert_eq!(shown(Value::Null), "");
    }
}
