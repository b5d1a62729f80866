//! `cordon demo`: the source document's example, for real, on one machine.
//!
//! Starts a real HTTP server that plays the acme API, a real host on a temporary store, creates
//! the example's connection with its URLs pointed at that server, and runs every kind of request
//! through the public HTTP API, showing what happens as it happens. Nothing here reaches into the
//! host: what the demo does, a user can do with curl.

pub mod acme;
mod api;
mod bundle;
mod narrator;

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use cordon_model::port::Clock;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::host::Host;
use acme::{Acme, PERSON};
use api::Api;
use narrator::Narrator;

/// The connection object of the source document, byte for byte.
const CONNECTION: &str = include_str!("demo/connection.json");
/// The host name in it, which the demo points at its own server.
const ACME: &str = "https://api.acme.com";
/// base64 of `demo:demo`; stored as the connection's secret, checked by the acme server.
const CREDENTIALS: &str = "ZGVtbzpkZW1v";

/// What the person answers, as a browser sends it; the badge was not found.
const ANSWER: &str = "--demo\r\n\
    Content-Disposition: form-data; name=\"phone_number\"\r\n\r\n+1 512 555 0142\r\n--demo\r\n\
    Content-Disposition: form-data; name=\"index_card\"; filename=\"card 17.txt\"\r\n\
    Content-Type: text/plain\r\n\r\nGibbons, Peter. Moved in 1998.\r\n--demo--\r\n";

/// Runs the demo. With `keep` everything stays up until Ctrl-C.
///
/// # Errors
/// When a part cannot be started, or a request does not come out as the document says.
pub async fn run(
    keep: bool,
    clock: Arc<dyn Clock>,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    let directory = tempfile::tempdir().context("no temporary directory can be made")?;
    let acme = Acme::start(CREDENTIALS, CancellationToken::new()).await?;
    let mut config = Config::new(directory.path().join("cordon-data"));
    config.listen.set_port(0);
    config.egress.development_networks = vec!["127.0.0.0/8".parse()?];
    let host = Host::start(config, clock).await?;
    let mut narrator = Narrator::new(out, acme.watch());
    narrator.title("Cordon demo")?;
    narrator.say(&format!(
        "acme API    http://{}  (a real HTTP server, plays the example)",
        acme.address
    ))?;
    narrator.say(&format!(
        "Cordon      http://{}  (store in {})",
        host.address(),
        directory.path().display()
    ))?;
    let played = play(&host, &acme, &mut narrator).await;
    if played.is_ok() && keep {
        stay(&host, &mut narrator).await?;
    }
    host.stop().await?;
    acme.shutdown().await;
    played
}

async fn play(host: &Host, acme: &Acme, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
    let api = Api::new(host)?;
    connect(&api, acme, narrator).await?;
    find(&api, narrator).await?;
    access(&api, narrator).await?;
    ask_a_person(&api, narrator).await?;
    erase(&api, narrator).await?;
    narrator.title("Done")?;
    narrator.say(&format!(
        "The connectors made {} HTTP requests and saw neither the person's",
        acme.calls().len()
    ))?;
    narrator.say("e-mail address, nor the credential, nor one returned record: they hold handles.")
}

async fn connect(api: &Api, acme: &Acme, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
    narrator.title("A connection: the example of the API Proxy document")?;
    let here = format!("http://{}", acme.address);
    let connection: Value = serde_json::from_str(&CONNECTION.replace(ACME, &here))?;
    let created = api.post(&["connections"], &connection).await?;
    narrator.say(&format!("created {}", text(&created, "/key")))?;
    let secrets = json!({ "credentials": CREDENTIALS });
    api.put(&["connections", "user-service", "secrets"], &secrets).await?;
    narrator.say("stored its secret: sealed, write-only, bound to that host and to headers")?;
    let test = api.tell(&["connections", "user-service", "test"]).await?;
    narrator.calls()?;
    ensure!(
        test.pointer("/healthy") == Some(&Value::Bool(true)),
        "the test of the connection failed"
    );
    narrator.say("tested: healthy")
}

async fn find(api: &Api, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
    narrator.title("An identifiers request")?;
    let request = finish(api, "identifiers", &json!({ "email": PERSON }), narrator).await?;
    let bundle = bundle::read(api.package(text(&request, "/id")).await?)?;
    narrator.block(&bundle.tree())?;
    narrator.block(bundle.file("identities.json")?)
}

async fn access(api: &Api, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
    narrator.title("An access request")?;
    let request = finish(api, "access", &json!({ "email": PERSON }), narrator).await?;
    let bundle = bundle::read(api.package(text(&request, "/id")).await?)?;
    narrator.block(&bundle.tree())?;
    for file in ["user-service/1.csv", "user-service/2.csv"] {
        narrator.say(file)?;
        narrator.block(bundle.file(file)?)?;
    }
    Ok(())
}

async fn ask_a_person(api: &Api, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
    narrator.title("An access request that waits for a person")?;
    let connection = json!({
        "key": "paper-archive",
        "name": "Paper archive",
        "uuid": "6f1f0a0e-5d8f-4f0e-9f43-0c8d5f1f9a11",
        "connector_type": "manual_webhook",
        "capabilities": ["privacy/access"],
        "mode": "live",
    });
    api.post(&["connections"], &connection).await?;
    let policy = json!({ "key": "with-archive", "name": "Access, with the archive", "rules": [{ "action": "access" }] });
    api.post(&["policies"], &policy).await?;
    let fields = json!([
        { "pii_field": "Phone number" },
        { "pii_field": "Badge" },
        { "pii_field": "Index card", "types": ["file"] },
    ]);
    let webhook = json!({ "connection": "paper-archive", "fields": fields });
    api.post(&["policies", "with-archive", "manual-webhooks"], &webhook).await?;
    let submission = json!({ "policy": "with-archive", "identities": { "email": PERSON } });
    let request = api.post(&["privacy-requests"], &submission).await?;
    let id = text(&request, "/id").to_owned();
    narrator.follow(api, &id, "requires_input").await?;
    narrator.say("nothing was sent so far, and it waits for as long as it takes; the form:")?;
    let forms = api.get(&["privacy-requests", &id, "manual-inputs"]).await?;
    let asked = forms.pointer("/items/0/form/fields").and_then(Value::as_array);
    for field in asked.into_iter().flatten() {
        let types = field.pointer("/types").unwrap_or(&Value::Null);
        let (label, name) = (text(field, "/label"), text(field, "/name"));
        narrator.block(&format!("{label:<12}  {name}  {types}"))?;
    }
    narrator.say("a person looks it up and answers, with a text and a file:")?;
    let inputs = ["privacy-requests", &id, "manual-inputs", "paper-archive"];
    api.put_form(&inputs, "demo", ANSWER).await?;
    let forms = api.get(&["privacy-requests", &id, "manual-inputs"]).await?;
    let (by, at) = (text(&forms, "/items/0/given_by"), text(&forms, "/items/0/given_at"));
    narrator.say(&format!("given by {by} at {at}; the ledger keeps who, when and which labels"))?;
    api.tell(&["privacy-requests", &id, "resume"]).await?;
    narrator.follow(api, &id, "complete").await?;
    let bundle = bundle::read(api.package(&id).await?)?;
    narrator.block(&bundle.tree())?;
    narrator.say("paper-archive/1.csv")?;
    narrator.block(bundle.file("paper-archive/1.csv")?)
}

async fn erase(api: &Api, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
    narrator.title("An opt-out request")?;
    finish(api, "optout", &json!({ "email": PERSON }), narrator).await?;
    narrator.title("A delete request: it waits for approval first")?;
    let submission = json!({ "policy": "delete", "identities": { "email": PERSON } });
    let request = api.post(&["privacy-requests"], &submission).await?;
    let id = text(&request, "/id").to_owned();
    narrator.follow(api, &id, "pending").await?;
    api.tell(&["privacy-requests", &id, "approve"]).await?;
    narrator.follow(api, &id, "complete").await?;
    narrator.title("The same person again: nothing is left")?;
    let request = finish(api, "access", &json!({ "email": PERSON }), narrator).await?;
    let bundle = bundle::read(api.package(text(&request, "/id")).await?)?;
    narrator.block(&bundle.tree())
}

/// Submits a request and follows it to its end.
async fn finish(
    api: &Api,
    policy: &str,
    identities: &Value,
    narrator: &mut Narrator<'_>,
) -> anyhow::Result<Value> {
    let submission = json!({ "policy": policy, "identities": identities });
    let request = api.post(&["privacy-requests"], &submission).await?;
    let id = text(&request, "/id").to_owned();
    narrator.follow(api, &id, "complete").await
}

async fn stay(host: &Host, narrator: &mut Narrator<'_>) -> anyhow::Result<()> {
    let (address, key) = (host.address(), host.operator_key_path().display().to_string());
    narrator.title("Everything is still running; Ctrl-C ends it")?;
    narrator.say(&format!("address     http://{address}"))?;
    narrator.say(&format!("key         {key}"))?;
    narrator.say("try:")?;
    let auth = format!("-H \"Authorization: Bearer $(cat {key})\"");
    narrator.block(&format!(
        "curl -s {auth} http://{address}/v1/connections/user-service\n\
         curl -s {auth} http://{address}/v1/privacy-requests\n\
         curl -s {auth} -H 'Content-Type: application/json' http://{address}/v1/privacy-requests \\\n  \
         -d '{{\"policy\": \"access\", \"identities\": {{\"email\": \"{PERSON}\"}}}}'\n",
    ))?;
    tokio::signal::ctrl_c().await.context("Ctrl-C cannot be heard")
}

/// The text at a pointer, or nothing.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
