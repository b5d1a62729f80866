//! A whole agent configuration, taken over in one go or not at all.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::seed;
use crate::support::test_host::{Response, TestHost};
use crate::support::test_process::TestProcess;
use crate::support::upstream::Upstream;

/// A whole `DataGrailAgentConfig`: the example's connection, one that no plugin serves, and every
/// other member that the format has.
const AGENT_CONFIG: &str = include_str!("../data/agent_config.json");
const PATH: &str = "/v1/import/datagrail";

fn agent_config() -> Value {
    serde_json::from_str(AGENT_CONFIG).unwrap()
}

/// The same, with the example's connection pointed at an upstream.
fn agent_config_of(upstream: &Upstream) -> Value {
    let here = upstream.url("");
    serde_json::from_str(&AGENT_CONFIG.replace("https://api.acme.com", &here)).unwrap()
}

fn texts<'j>(list: &'j Value, name: &str) -> Vec<&'j str> {
    list.as_array().unwrap().iter().map(|item| item[name].as_str().unwrap()).collect()
}

fn errors(refused: &Response) -> Vec<(&str, &str)> {
    let errors = refused.json["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| (error["code"].as_str().unwrap(), error["pointer"].as_str().unwrap()))
        .collect()
}

async fn stored(client: &Client) -> Vec<String> {
    let listed = client.get("/v1/connections").await.json;
    texts(&listed["items"], "key").into_iter().map(str::to_owned).collect()
}

async fn time_limit(client: &Client) -> Value {
    client.get("/v1/tenants/default").await.json["effective_limits"]["job_timeout_seconds"].clone()
}

#[tokio::test]
async fn a_whole_configuration_is_imported_and_serves_a_request() {
    let upstream = seed::upstream().await;
    let host = TestHost::start().await;
    let operator = host.operator();
    let imported = operator.post(PATH, &agent_config_of(&upstream)).await;
    assert_eq!(imported.status, 200, "{}", imported.json);
    let import = &imported.json;
    assert_eq!(texts(&import["created"], "key"), ["user-service"]);
    assert_eq!(import["created"][0]["uuid"], "44d9e703-b8cf-40a8-a138-3cc110319b0d");
    assert_eq!(import["created"][0]["connector_type"], "api_proxy");
    assert_eq!(import["unchanged"], json!([]));
    assert_eq!(import["dry_run"], false);
    assert_eq!(
        import["tenant"],
        json!({ "name": "default", "job_timeout_seconds": 600, "changed": true })
    );
    assert_eq!(time_limit(&operator).await, 600);
    assert_eq!(stored(&operator).await, ["user-service"]);

    let secrets = json!({ "credentials": seed::CREDENTIALS });
    let stored = operator.put("/v1/connections/user-service/secrets", &secrets).await;
    assert_eq!(stored.status, 200, "{}", stored.json);
    let request = seed::complete(&host, "access").await;
    assert_eq!(request["tasks"][0]["finding"]["count"], 2, "{request}");
}

#[tokio::test]
async fn what_has_no_effect_is_listed_with_the_reason_and_no_value_of_it() {
    let host = TestHost::start().await;
    let imported = host.operator().post(PATH, &agent_config()).await;
    let import = &imported.json;
    assert_eq!(
        texts(&import["unused"], "pointer"),
        [
            "/customer_domain",
            "/datagrail_agent_credentials_location",
            "/datagrail_credentials_location",
            "/redis_url",
            "/platform/credentials_manager",
            "/platform/storage_manager",
        ]
    );
    assert!(texts(&import["unused"], "reason").iter().all(|reason| !reason.is_empty()));
    let left_out = &import["not_imported"][0];
    assert_eq!(left_out["pointer"], "/connections/1");
    assert_eq!(left_out["name"], "Accounts Warehouse");
    assert_eq!(left_out["connector_type"], "Snowflake");
    assert!(left_out["reason"].as_str().unwrap().contains("api_proxy"), "{left_out}");
    assert!(!import.to_string().contains("cache-password"));
}

#[tokio::test]
async fn credentials_that_nothing_serves_are_a_problem_with_its_remedy() {
    let host = TestHost::start().await;
    let imported = host.operator().post(PATH, &agent_config()).await;
    let created = &imported.json["created"][0];
    assert_eq!(created["credentials_source"], "none");
    let problems = created["problems"].as_array().unwrap();
    let unserved = problems.iter().find(|p| p["code"] == "credentials_unavailable").unwrap();
    assert_eq!(unserved["pointer"], "/connections/0/credentials_location");
    let detail = unserved["detail"].as_str().unwrap();
    assert!(detail.contains("PUT /v1/connections/user-service/secrets"), "{detail}");
    let unknown = problems.iter().find(|p| p["code"] == "unknown_placeholder").unwrap();
    assert_eq!(unknown["pointer"], "/connections/0/queries/test/0/headers/Authorization");
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_writes_nothing() {
    let host = TestHost::start().await;
    let operator = host.operator();
    let path = format!("{PATH}?dry_run=true");
    let dry = operator.post_with(&path, &[("Idempotency-Key", "k")], &agent_config()).await;
    assert_eq!(dry.status, 200, "{}", dry.json);
    assert_eq!(dry.json["dry_run"], true);
    assert_eq!(texts(&dry.json["created"], "key"), ["user-service"]);
    assert_eq!(dry.json["tenant"]["job_timeout_seconds"], 600);
    assert!(stored(&operator).await.is_empty());
    assert_eq!(time_limit(&operator).await, 300);

    let headers = [("Idempotency-Key", "k")];
    let real = operator.post_with(PATH, &headers, &agent_config()).await;
    assert_eq!(real.json["dry_run"], false, "a dry run is no answer for the import itself");
    for part in ["created", "not_imported", "unused", "tenant"] {
        assert_eq!(dry.json[part], real.json[part], "{part}");
    }
    let again = operator.post_with(PATH, &headers, &agent_config()).await;
    assert_eq!(again.json, real.json, "the same key gets the same answer");
    let wrong = operator.post(&format!("{PATH}?dry_run=yes"), &agent_config()).await;
    assert_eq!((wrong.status, &wrong.json["code"]), (400, &json!("invalid_query")));
}

#[tokio::test]
async fn an_import_that_is_repeated_changes_nothing() {
    let host = TestHost::start().await;
    let operator = host.operator();
    operator.post(PATH, &agent_config()).await;
    let before = operator.get("/v1/connections/user-service").await;
    let mut same = agent_config();
    same["connections"][0]["connector_type"] = json!("api_proxy");
    for document in [agent_config(), same] {
        let again = operator.post(PATH, &document).await;
        assert_eq!(again.status, 200, "{}", again.json);
        assert_eq!(again.json["created"], json!([]));
        assert_eq!(texts(&again.json["unchanged"], "key"), ["user-service"]);
        assert_eq!(again.json["tenant"]["changed"], false);
    }
    let after = operator.get("/v1/connections/user-service").await;
    assert_eq!(before.header("etag"), after.header("etag"));
    assert_eq!(before.json, after.json);
}

#[tokio::test]
async fn one_wrong_connection_refuses_the_whole_import_with_every_problem() {
    let host = TestHost::start().await;
    let operator = host.operator();
    let mut document = agent_config();
    let mut second = document["connections"][0].clone();
    second["name"] = json!("Second");
    second["uuid"] = json!("not-a-uuid");
    second["queries"]["access"][0]["url"] = json!("https://api.acme.com/{email");
    second["queries"]["delete"][0]["verfy_ssl"] = json!("true");
    document["connections"].as_array_mut().unwrap().push(second);
    document["connections"].as_array_mut().unwrap().push(json!("a text"));
    document["redis_uri"] = json!("redis://:cache-password@cache");
    document["platform"]["storage_manager"]["buckt"] = json!("x");
    document["job_timeout_seconds"] = json!(0);
    let refused = operator.post(PATH, &document).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    let found = errors(&refused);
    for expected in [
        ("unknown_field", "/redis_uri"),
        ("unknown_field", "/platform/storage_manager/buckt"),
        ("out_of_range", "/job_timeout_seconds"),
        ("invalid_uuid", "/connections/2/uuid"),
        ("invalid_template", "/connections/2/queries/access/0/url"),
        ("unknown_field", "/connections/2/queries/delete/0/verfy_ssl"),
        ("wrong_type", "/connections/3"),
    ] {
        assert!(found.contains(&expected), "{expected:?} is not among {found:?}");
    }
    let text = refused.json.to_string();
    assert!(text.contains("did you mean redis_url?"), "{text}");
    assert!(text.contains("verify_ssl"), "{text}");
    assert!(!text.contains("cache-password"), "{text}");
    assert!(stored(&operator).await.is_empty());
    assert_eq!(time_limit(&operator).await, 300);
}

#[tokio::test]
async fn a_connection_that_is_there_and_differs_is_a_conflict_and_nothing_is_made() {
    let host = TestHost::start().await;
    let operator = host.operator();
    operator.post("/v1/connections", &agent_config()["connections"][0]).await;
    let mut document = agent_config();
    document["connections"][0]["mode"] = json!("test");
    let mut new = agent_config()["connections"][0].clone();
    new["name"] = json!("Another");
    new["uuid"] = json!("5a0c8f8e-5f0e-4b6e-9d67-1d5b5b1f8c11");
    document["connections"].as_array_mut().unwrap().push(new);
    let refused = operator.post(PATH, &document).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("exists")));
    let detail = refused.json["detail"].as_str().unwrap();
    assert!(detail.contains("user-service") && detail.contains("/connections/0"), "{detail}");
    assert_eq!(stored(&operator).await, ["user-service"]);
    assert_eq!(time_limit(&operator).await, 300);
    let shown = operator.get("/v1/connections/user-service").await;
    assert_eq!(shown.json["mode"], "live");
}

#[tokio::test]
async fn a_time_limit_that_was_set_to_something_else_is_a_conflict() {
    let host = TestHost::start().await;
    let operator = host.operator();
    let limit = |seconds: u64| json!({ "limits": { "job_timeout_seconds": seconds } });
    operator.patch_with("/v1/tenants/default", &[], &limit(120)).await;
    let refused = operator.post(PATH, &agent_config()).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("already_set")));
    assert!(refused.json["detail"].as_str().unwrap().contains("120"), "{}", refused.json);
    assert!(stored(&operator).await.is_empty());
    assert_eq!(time_limit(&operator).await, 120);

    operator.patch_with("/v1/tenants/default", &[], &limit(600)).await;
    let imported = operator.post(PATH, &agent_config()).await;
    assert_eq!(imported.status, 200, "{}", imported.json);
    assert_eq!(imported.json["tenant"]["changed"], false);
}

#[tokio::test]
async fn two_connections_of_a_document_cannot_share_a_key_or_a_uuid() {
    let host = TestHost::start().await;
    let mut document = agent_config();
    let twin = document["connections"][0].clone();
    document["connections"].as_array_mut().unwrap().push(twin);
    let refused = host.operator().post(PATH, &document).await;
    assert_eq!(
        errors(&refused),
        [("duplicate", "/connections/2/name"), ("duplicate", "/connections/2/uuid")]
    );
}

#[tokio::test]
async fn a_connection_may_name_what_another_of_the_document_finds() {
    let host = TestHost::start().await;
    let operator = host.operator();
    let mut document = agent_config();
    let mut finder = document["connections"][0].clone();
    finder["name"] = json!("Finder");
    finder["uuid"] = json!("5a0c8f8e-5f0e-4b6e-9d67-1d5b5b1f8c11");
    finder["queries"]["identifiers"] = json!({
        "loyalty_id": document["connections"][0]["queries"]["identifiers"]["primary_phone_number"],
    });
    document["connections"][0]["queries"]["access"][0]["url"] =
        json!("https://api.acme.com/v0/users?loyalty={loyalty_id}");
    document["connections"].as_array_mut().unwrap().push(finder);
    let imported = operator.post(PATH, &document).await;
    assert_eq!(imported.status, 200, "{}", imported.json);
    let problems = imported.json["created"].to_string();
    assert!(!problems.contains("{loyalty_id}"), "it is an identity: {problems}");
}

#[tokio::test]
async fn a_tenants_key_imports_for_its_own_tenant() {
    let host = TestHost::start().await;
    let acme = host.tenant("acme").await;
    let imported = acme.post(PATH, &agent_config()).await;
    assert_eq!(imported.status, 200, "{}", imported.json);
    assert_eq!(imported.json["tenant"]["name"], "acme");
    assert_eq!(stored(&acme).await, ["user-service"]);
    assert!(stored(&host.operator()).await.is_empty());
}

#[tokio::test]
async fn the_command_line_imports_a_file_and_says_what_became_of_it() {
    let process = TestProcess::start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("agent.json");
    std::fs::write(&file, AGENT_CONFIG).unwrap();
    let file = file.to_str().unwrap();
    let run = async |arguments: &[&str]| {
        let mut command = process.cordon(arguments).await;
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, dry, _) = run(&["import", "datagrail", file, "--dry-run"]).await;
    assert_eq!(code, Some(0));
    assert!(dry.starts_with("would create user-service (api_proxy, User Service)\n"), "{dry}");
    assert!(dry.contains("not imported: Accounts Warehouse (Snowflake, /connections/1)"), "{dry}");
    assert!(dry.contains("not used: /redis_url: "), "{dry}");
    assert!(dry.contains("would set the time limit of tenant default to 600 s"), "{dry}");
    assert!(dry.ends_with("nothing was written\n"), "{dry}");

    let (code, answer, _) = run(&["import", "datagrail", file, "--json"]).await;
    assert_eq!(code, Some(0));
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(texts(&answer["created"], "key"), ["user-service"]);

    std::fs::write(file, AGENT_CONFIG.replace("\"live\"", "\"test\"")).unwrap();
    let (code, _, problem) = run(&["import", "datagrail", file]).await;
    assert_eq!(code, Some(1));
    assert!(problem.contains("user-service already"), "{problem}");
    assert_eq!(run(&["import", "datagrail"]).await.0, Some(2));
}
