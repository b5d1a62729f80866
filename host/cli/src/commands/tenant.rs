//! `cordon tenant`.

mod remove;
mod update;

use clap::Subcommand;
use serde_json::{Value, json};

use super::body::segment;
use super::target::Target;
use super::{Outcome, PageArgs, cell, page_of};
use crate::client::{ApiPath, Client};
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
    /// List tenants, newest first
    List(PageArgs),
    /// Show one tenant
    Show {
        /// The tenant
        #[arg(value_parser = segment)]
        tenant: String,
    },
    /// Create a tenant
    Create {
        /// Its key: a-z, 0-9, _ and -
        name: String,
        /// Its name for people
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// A limit of its own, like calls_in_flight=8; may be repeated
        #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = update::limit)]
        limits: Vec<update::NewLimit>,
    },
    /// Change a tenant
    Update(update::Args),
    /// Remove a tenant with everything it has, for good
    Delete(remove::Args),
    /// Make the secret that callbacks are signed with; it is shown this once, and replaces the
    /// one before
    CallbackSecret {
        /// The tenant
        #[arg(value_parser = segment)]
        tenant: String,
    },
    /// API keys of a tenant
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a key; it is shown this once
    Create {
        /// The tenant
        #[arg(value_parser = segment)]
        tenant: String,
        /// A name for people and for the audit log
        #[arg(long)]
        name: String,
        /// What the key may do, like requests:read; may be repeated
        #[arg(long = "scope", required = true)]
        scopes: Vec<String>,
        /// After this it is not accepted any more, like 2030-01-31T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
    },
    /// List the keys, without their values
    List {
        /// The tenant
        #[arg(value_parser = segment)]
        tenant: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Revoke a key
    Delete {
        /// The tenant
        #[arg(value_parser = segment)]
        tenant: String,
        /// The id of the key
        #[arg(value_parser = segment)]
        id: String,
    },
}

pub(super) async fn run(
    args: Args,
    environment: &Environment,
    output: Output,
) -> anyhow::Result<Outcome> {
    let client = args.target.client(environment)?;
    match args.command {
        Command::List(page) => {
            output.answer(&client.get(page.of(ApiPath::new(["tenants"]))).await?, tenants)?;
        }
        Command::Show { tenant: id } => {
            output.answer(&client.get(ApiPath::new(["tenants", &id])).await?, tenant)?;
        }
        Command::Create { name, display_name, limits } => {
            let mut body = json!({ "name": name, "limits": update::object_of(&limits) });
            insert(&mut body, "display_name", display_name);
            let answer = client.post(ApiPath::new(["tenants"]), Some(body.to_string().into()));
            output.answer(&answer.await?, tenant)?;
        }
        Command::Update(args) => update::run(args, &client, output).await?,
        Command::Delete(args) => remove::run(args, &client, output).await?,
        Command::CallbackSecret { tenant } => {
            let path = ApiPath::new(["tenants", &tenant, "callback-secret"]);
            output.answer(&client.post(path, None).await?, |made| {
                View::fields([("secret", cell(made, "secret"))])
                    .and_line("the secret is not shown again")
            })?;
        }
        Command::Key(command) => run_key(command, &client, output).await?,
    }
    Ok(Outcome::Done)
}

async fn run_key(command: KeyCommand, client: &Client, output: Output) -> anyhow::Result<()> {
    match command {
        KeyCommand::Create { tenant, name, scopes, expires_at } => {
            let mut body = json!({ "name": name, "scopes": scopes });
            insert(&mut body, "expires_at", expires_at);
            let path = ApiPath::new(["tenants", &tenant, "api-keys"]);
            let answer = client.post(path, Some(body.to_string().into())).await?;
            output.answer(&answer, key)
        }
        KeyCommand::List { tenant, page } => {
            let path = ApiPath::new(["tenants", &tenant, "api-keys"]);
            output.answer(&client.get(page.of(path)).await?, keys)
        }
        KeyCommand::Delete { tenant, id } => {
            let path = ApiPath::new(["tenants", &tenant, "api-keys", &id]);
            let answer = client.delete(path).await?;
            output.answer(&answer, |_| View::line(format!("revoked {id}")))
        }
    }
}

fn insert(body: &mut Value, name: &str, value: Option<String>) {
    if let (Some(object), Some(value)) = (body.as_object_mut(), value) {
        object.insert(name.to_owned(), value.into());
    }
}

fn tenants(list: &Value) -> View {
    let rows = items(list, "items")
        .map(|item| ["name", "suspended", "display_name"].map(|name| cell(item, name)));
    page_of(list, View::table(["TENANT", "SUSPENDED", "NAME"], rows.collect()))
}

fn tenant(object: &Value) -> View {
    let fields =
        ["name", "display_name", "suspended", "created_at"].map(|name| (name, cell(object, name)));
    let kinds = ("identity_kinds", joined(object, "identity_kinds"));
    let set = object.get("limits").and_then(Value::as_object).into_iter().flatten();
    let set = set.filter(|(_, value)| !value.is_null());
    let set = set.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
    View::fields(fields.into_iter().chain([kinds, ("limits", set)]))
}

fn keys(list: &Value) -> View {
    let rows = items(list, "items").map(|item| {
        let [id, name, expires] = ["id", "name", "expires_at"].map(|name| cell(item, name));
        [id, name, expires, joined(item, "scopes")]
    });
    page_of(list, View::table(["ID", "NAME", "EXPIRES", "SCOPES"], rows.collect()))
}

fn key(object: &Value) -> View {
    let fields = ["id", "key", "name", "expires_at"].map(|name| (name, cell(object, name)));
    View::fields(fields.into_iter().chain([("scopes", joined(object, "scopes"))]))
        .and_line("the key is not shown again")
}
