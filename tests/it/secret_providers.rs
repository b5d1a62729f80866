//! Credentials that the operator keeps outside the host: in a file, or in a variable.

use std::path::PathBuf;

use cordon_cli::config::{Kept, SecretsEntry};
use cordon_model::Secret;
use cordon_secrets::Opened;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::client::Client;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::test_process::TestProcess;
use crate::support::upstream::{Reply, Upstream};

/// What the example's connection gives as its location.
const ARN: &str = "arn:aws:secretsmanager:Region:AccountId:secret:datagrail-apiproxy";

/// A file outside the host's directory.
struct Vault {
    directory: TempDir,
}

impl Vault {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("kept-outside.json")
    }

    /// Replaces the file in one step, as an agent does.
    fn put(&self, content: &Value) {
        let beside = self.directory.path().join("beside");
        std::fs::write(&beside, content.to_string()).unwrap();
        std::fs::rename(beside, self.path()).unwrap();
    }
}

fn entry(kept: Kept, tenants: &[&str], locations: &[&str]) -> SecretsEntry {
    let tenants = tenants.iter().map(|tenant| tenant.parse().unwrap()).collect();
    let locations = locations.iter().map(|location| (*location).to_owned()).collect();
    SecretsEntry { kept, opened: Opened { tenants, locations } }
}

/// A host whose operator opened the file as `crm`, and a variable's value as `erp`, which the
/// example's own location means too, to the tenant `default`.
async fn host_with(vault: &Vault) -> TestHost {
    let path = vault.path();
    TestHost::start_configured(move |config| {
        config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
        let value = Secret::new("from-the-variable".to_owned());
        let held = Kept::Environment([("credentials".to_owned(), value)].into());
        let entries = [
            ("crm".to_owned(), entry(Kept::File(path), &["default"], &[])),
            ("erp".to_owned(), entry(held, &["default"], &[ARN])),
        ];
        config.secrets.extend(entries);
    })
    .await
}

/// The example's connection with its credentials at another location.
fn at(location: &str, upstream: &Upstream) -> Value {
    let mut connection = seed::connection(upstream);
    connection["credentials_location"] = json!(location);
    connection
}

async fn create(client: &Client, connection: &Value) -> Value {
    let created = client.post("/v1/connections", connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    created.json
}

/// What the upstream was last told as authorization.
fn last_authorization(upstream: &Upstream) -> String {
    upstream.calls().last().unwrap().header("authorization").unwrap().to_owned()
}

#[tokio::test]
async fn a_connection_uses_the_file_that_the_operator_opened_and_each_run_its_newest_content() {
    let (upstream, vault) = (seed::upstream().await, Vault::new());
    vault.put(&json!({ "credentials": "first" }));
    let host = host_with(&vault).await;
    let created = create(&host.operator(), &at("file:crm", &upstream)).await;
    assert_eq!(created["credentials_source"], "file");
    assert_eq!(created["problems"], json!([]));
    assert_eq!(created.get("secrets"), None, "nothing is stored with the host");
    for content in ["first", "second-and-longer", "3rd"] {
        vault.put(&json!({ "credentials": content }));
        seed::complete(&host, "access").await;
        assert_eq!(last_authorization(&upstream), format!("Basic {content}"));
    }
    let operator = host.operator();
    let listed = operator.get("/v1/connections").await;
    assert_eq!(listed.json["items"][0]["credentials_source"], "file");
    let path = vault.path().display().to_string();
    assert!(!created.to_string().contains(&path), "{created}");
}

#[tokio::test]
async fn a_location_that_the_operator_mapped_is_the_entry_and_stays_as_it_was_written() {
    let (upstream, vault) = (seed::upstream().await, Vault::new());
    let host = host_with(&vault).await;
    let created = create(&host.operator(), &seed::connection(&upstream)).await;
    assert_eq!(created["credentials_source"], "env");
    assert_eq!(created["credentials_location"], ARN);
    seed::complete(&host, "access").await;
    assert_eq!(last_authorization(&upstream), "Basic from-the-variable");
}

#[tokio::test]
async fn the_program_takes_its_entries_from_its_configuration_and_a_variable_from_its_environment()
{
    let (upstream, vault) = (seed::upstream().await, Vault::new());
    vault.put(&json!({ "credentials": "from-the-file" }));
    let file = vault.path();
    let text = format!("[secrets.crm]\nfile = {file:?}\n[secrets.erp]\nenv = \"ERP_SECRETS\"\n");
    let configuration = vault.directory.path().join("cordon.toml");
    std::fs::write(&configuration, text).unwrap();
    let environment = [
        ("CORDON_CONFIG", configuration.to_str().unwrap()),
        ("ERP_SECRETS", r#"{"credentials": "from-the-environment"}"#),
    ];
    let process = TestProcess::start_in(&environment).await;
    let operator = process.operator();
    for (location, sent) in [("file:crm", "from-the-file"), ("env:erp", "from-the-environment")] {
        let path = "/v1/connections/user-service";
        operator.put(path, &at(location, &upstream)).await;
        let tested = operator.post(&format!("{path}/test"), &json!({})).await;
        assert_eq!(tested.json["healthy"], true, "{}", tested.json);
        assert_eq!(last_authorization(&upstream), format!("Basic {sent}"));
    }
    let logged = process.logged().join("\n");
    assert!(!logged.contains("from-the-") && !logged.contains("kept-outside"), "{logged}");
}

#[tokio::test]
async fn secrets_that_are_stored_with_the_host_go_before_the_operators_own() {
    let (upstream, vault) = (seed::upstream().await, Vault::new());
    vault.put(&json!({ "credentials": "from-the-file" }));
    let host = host_with(&vault).await;
    let operator = host.operator();
    create(&operator, &at("file:crm", &upstream)).await;
    let path = "/v1/connections/user-service";
    let secrets = json!({ "credentials": "from-the-vault" });
    assert_eq!(operator.put(&format!("{path}/secrets"), &secrets).await.status, 200);
    let shown = operator.get(path).await;
    assert_eq!(shown.json["credentials_source"], "vault");
    assert_eq!(shown.json["credentials_location"], "file:crm");
    seed::complete(&host, "access").await;
    assert_eq!(last_authorization(&upstream), "Basic from-the-vault");
}

#[tokio::test]
async fn an_entry_that_is_not_opened_to_a_tenant_does_not_exist_for_it() {
    let (upstream, vault) = (seed::upstream().await, Vault::new());
    vault.put(&json!({ "credentials": "of-the-default-tenant" }));
    let host = host_with(&vault).await;
    let globex = host.tenant("globex").await;
    let unknown = create(&globex, &at("file:nothing", &upstream)).await;
    assert_eq!(unknown["credentials_source"], "none");
    assert_eq!(unknown["problems"][0]["code"], "credentials_unavailable", "{unknown}");
    for location in ["file:crm", "env:erp", ARN] {
        let answer = globex.put("/v1/connections/user-service", &at(location, &upstream)).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        assert_eq!(answer.json["credentials_source"], "none", "{location}");
        assert_eq!(answer.json["problems"], unknown["problems"], "{location}");
    }
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let accepted = globex.post("/v1/privacy-requests", &body).await;
    let request = globex.wait_for_status(accepted.json["id"].as_str().unwrap(), "error").await;
    assert_eq!(request["tasks"][0]["failure"]["code"], "secrets_unavailable");
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn neither_a_path_nor_the_name_of_a_variable_is_taken_from_a_connection() {
    let (upstream, vault) = (seed::upstream().await, Vault::new());
    vault.put(&json!({ "credentials": "x" }));
    let host = host_with(&vault).await;
    let operator = host.operator();
    let path = format!("file:{}", vault.path().display());
    let locations = [
        path.as_str(),
        "file:/etc/passwd",
        "file:../crm",
        "file:erp",
        "env:PATH",
        "env:crm",
        "crm",
    ];
    for location in locations {
        let connection = at(location, &upstream);
        let written = operator.put("/v1/connections/user-service", &connection).await;
        assert_eq!(written.json["credentials_source"], "none", "{location}: {}", written.json);
    }
}

#[tokio::test]
async fn the_names_are_checked_against_the_file_when_a_connection_is_written() {
    let (upstream, vault) = (seed::upstream().await, Vault::new());
    vault.put(&json!({ "token": "value-of-the-token", "email": "value-of-the-email" }));
    let host = host_with(&vault).await;
    let operator = host.operator();
    let refused = operator.post("/v1/connections", &at("file:crm", &upstream)).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    let codes = refused.json["errors"].to_string();
    assert!(codes.contains("unknown_placeholder"), "{{credentials}} is in no file: {codes}");
    assert!(codes.contains("ambiguous_placeholder"), "{{email}} is both: {codes}");
    assert!(!codes.contains("value-of"), "{codes}");
    vault.put(&json!({ "credentials": "x" }));
    create(&operator, &at("file:crm", &upstream)).await;
}

#[tokio::test]
async fn a_file_that_is_missing_fails_the_run_by_the_name_of_its_entry_until_it_is_there() {
    let (upstream, vault) = (seed::upstream().await, Vault::new());
    let host = host_with(&vault).await;
    let operator = host.operator();
    let created = create(&operator, &at("file:crm", &upstream)).await;
    assert_eq!(created["problems"][0]["code"], "credentials_unavailable", "{created}");
    let id = seed::submit(&host, "access").await;
    let request = host.wait_for_status(&id, "error").await;
    let failure = &request["tasks"][0]["failure"];
    assert_eq!(failure["code"], "secrets_unavailable");
    let said = format!("{created} {request}");
    assert!(said.contains("the entry crm: "), "{said}");
    assert!(!said.contains("kept-outside"), "{said}");
    assert_eq!(upstream.calls().len(), 0);
    vault.put(&json!({ "credentials": "there-now" }));
    let path = format!("/v1/privacy-requests/{id}/retry");
    assert_eq!(operator.post(&path, &json!({})).await.status, 200);
    host.wait_for_status(&id, "complete").await;
    assert_eq!(last_authorization(&upstream), "Basic there-now");
}

#[tokio::test]
async fn a_secret_that_was_rotated_between_two_attempts_does_not_send_a_success_again() {
    let (upstream, vault) = (Upstream::start().await, Vault::new());
    upstream.on("POST", "/first", |_| Reply::status(200));
    upstream.on("POST", "/second", |_| Reply::status(200));
    upstream.script("POST", "/second", [Reply::status(500)]);
    vault.put(&json!({ "credentials": "before" }));
    let host = host_with(&vault).await;
    let operator = host.operator();
    let mut connection = at("file:crm", &upstream);
    let query = |path: &str| {
        json!({
            "url": upstream.url(path), "verb": "POST", "verify_ssl": "true",
            "headers": {
                "Authorization": "Basic {credentials}", "Content-Type": "application/json",
            },
            "body": r#"{{"email": "{email}"}}"#,
        })
    };
    connection["queries"]["optout"] = json!([query("/first"), query("/second")]);
    create(&operator, &connection).await;
    let id = seed::submit(&host, "optout").await;
    host.wait_for_status(&id, "error").await;
    vault.put(&json!({ "credentials": "after" }));
    let path = format!("/v1/privacy-requests/{id}/retry");
    assert_eq!(operator.post(&path, &json!({})).await.status, 200);
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["tasks"][0]["queries"][0]["outcome"], "replayed", "{request}");
    let sent: Vec<_> = upstream
        .calls()
        .iter()
        .map(|call| (call.path.clone(), call.header("authorization").unwrap().to_owned()))
        .collect();
    let expected = [("/first", "before"), ("/second", "before"), ("/second", "after")];
    assert_eq!(sent, expected.map(|(path, value)| (path.to_owned(), format!("Basic {value}"))));
}
