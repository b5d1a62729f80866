//! Needs, grants and what explains them: nothing goes out that was not asked for, granted and
//! allowed by the operator.

use cordon_cli::built_in::BuiltIn;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::{Reply, Upstream};

/// A connector that asks to read; see `tests/guests/reader`.
const READER: BuiltIn = BuiltIn {
    name: "reader",
    version: "0.1.0",
    component: include_bytes!(concat!(env!("OUT_DIR"), "/reader.wasm")),
    trusted: true,
};

const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

/// A host on which the scripted connector is a stranger's.
async fn with_a_stranger() -> TestHost {
    TestHost::start_configured(|config| {
        config.egress.development_networks = LOOPBACK.map(|net| net.parse().unwrap()).into();
        config.plugins.last_mut().unwrap().trusted = false;
    })
    .await
}

fn stranger(upstream: &Upstream, method: &str) -> Value {
    json!({
        "key": "stranger",
        "name": "Stranger",
        "connector_type": "scripted",
        "capabilities": ["privacy/access"],
        "mode": "live",
        "config": { "behave": "well", "origin": upstream.url(""), "method": method },
    })
}

async fn answering() -> Upstream {
    let upstream = Upstream::start().await;
    upstream.on("GET", "/planned", |_| Reply::json(r#"[{"a": 1}]"#));
    upstream.on("POST", "/planned", |_| Reply::json(r#"[{"a": 1}]"#));
    upstream
}

/// The body that a refusal says to send.
fn patch_in(detail: &Value) -> Value {
    let detail = detail.as_str().unwrap();
    let (before, body) = detail.split_once("/grants ").unwrap();
    assert!(before.ends_with("PUT /v1/connections/stranger"), "{detail}");
    serde_json::from_str(body).unwrap()
}

async fn grants_of(client: &Client, key: &str) -> Value {
    let answer = client.get(&format!("/v1/connections/{key}/grants")).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    answer.json
}

#[tokio::test]
async fn what_an_administrator_writes_for_a_built_in_connector_is_granted_and_shown() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let shown = host.operator().get("/v1/connections/user-service").await.json;
    assert_eq!(shown["approval"], "granted");
    let state = grants_of(&host.operator(), "user-service").await;
    assert_eq!(state["approval"], "granted");
    assert_eq!(state["needs"], state["granted"]);
    assert_eq!(state["granted"], state["effective"]);
    assert_eq!(state["granted"], shown["grants"]);
    assert_eq!(state["granted"]["http"][0]["origin"], upstream.url(""));
    assert_eq!(state["granted"]["secrets"][0]["places"], json!(["header"]));
    assert_eq!(state["granted"]["identities"], "handle");
    assert!(state.get("missing").is_none());
}

#[tokio::test]
async fn a_strangers_connection_waits_for_approval_and_says_exactly_what_to_grant() {
    let upstream = answering().await;
    let host = with_a_stranger().await;
    let operator = host.operator();
    let created = operator.post("/v1/connections", &stranger(&upstream, "GET")).await;
    assert_eq!(created.status, 201, "{}", created.json);
    assert_eq!(created.json["approval"], "waiting");
    let problem = &created.json["problems"][0];
    assert_eq!(problem["code"], "grant_missing");

    let tested = operator.post("/v1/connections/stranger/test", &json!({})).await;
    assert_eq!(tested.json["failure"]["code"], "not_granted", "{}", tested.json);
    let id = seed::submit(&host, "access").await;
    let request = host.wait_for_status(&id, "error").await;
    let failure = &request["tasks"][0]["failure"];
    assert_eq!(failure["code"], "not_granted");
    assert_eq!(patch_in(&failure["detail"]), patch_in(&problem["detail"]));
    assert_eq!(upstream.calls().len(), 0);

    let patch = patch_in(&problem["detail"]);
    let granted = operator.put("/v1/connections/stranger/grants", &patch).await;
    assert_eq!(granted.status, 200, "{}", granted.json);
    assert_eq!(granted.json["approval"], "granted");
    let shown = operator.get("/v1/connections/stranger").await.json;
    assert_eq!((&shown["approval"], &shown["problems"]), (&json!("granted"), &json!([])));
    operator.post(&format!("/v1/privacy-requests/{id}/retry"), &json!({})).await;
    host.wait_for_status(&id, "complete").await;
    assert_eq!(upstream.calls().len(), 1);
}

#[tokio::test]
async fn a_configuration_that_needs_more_than_was_granted_waits_again() {
    let upstream = answering().await;
    let host = with_a_stranger().await;
    let operator = host.operator();
    let created = operator.post("/v1/connections", &stranger(&upstream, "GET")).await;
    let patch = patch_in(&created.json["problems"][0]["detail"]);
    operator.put("/v1/connections/stranger/grants", &patch).await;
    seed::complete(&host, "access").await;

    let path = "/v1/connections/stranger";
    let renamed = json!({ "name": "Renamed" });
    let same = operator.patch_with(path, &[], &renamed).await;
    assert_eq!(same.json["approval"], "granted", "{}", same.json);
    let wider = operator.put(path, &stranger(&upstream, "POST")).await;
    assert_eq!(wider.json["approval"], "waiting", "{}", wider.json);
    let state = grants_of(&operator, "stranger").await;
    assert_eq!(state["missing"]["http"][0]["methods"], json!(["POST"]));
    assert_eq!(state["effective"]["http"], json!([]), "GET is granted and not needed any more");
    let id = seed::submit(&host, "access").await;
    host.wait_for_status(&id, "error").await;
    assert_eq!(upstream.calls().len(), 1);
}

#[tokio::test]
async fn reading_is_granted_explicitly_or_nothing_runs() {
    let upstream = answering().await;
    let host = TestHost::start_configured(|config| {
        config.egress.development_networks = LOOPBACK.map(|net| net.parse().unwrap()).into();
        config.plugins.push(READER);
    })
    .await;
    let operator = host.operator();
    let connection = json!({
        "key": "stranger",
        "name": "Reader",
        "connector_type": "reader",
        "capabilities": ["privacy/access"],
        "mode": "live",
        "config": { "url": upstream.url("/planned") },
    });
    let created = operator.post("/v1/connections", &connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    assert_eq!(created.json["approval"], "waiting", "although it came with the host");
    let state = grants_of(&operator, "stranger").await;
    let missing = &state["missing"];
    assert_eq!((&missing["identities"], &missing["http"]), (&json!("read"), &json!([])));
    let id = seed::submit(&host, "access").await;
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["tasks"][0]["failure"]["code"], "not_granted");
    assert_eq!(upstream.calls().len(), 0);

    let patch = patch_in(&created.json["problems"][0]["detail"]);
    assert_eq!((&patch["identities"], &patch["responses"]), (&json!("read"), &json!("read")));
    operator.put("/v1/connections/stranger/grants", &patch).await;
    operator.post(&format!("/v1/privacy-requests/{id}/retry"), &json!({})).await;
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["tasks"][0]["finding"]["count"], 1);
    let again = operator.put("/v1/connections/stranger", &connection).await;
    assert_eq!(again.json["approval"], "granted", "writing it again keeps what may be read");
}

#[tokio::test]
async fn what_is_taken_away_is_not_sent_any_more() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let operator = host.operator();
    let taken = operator.put("/v1/connections/user-service/grants", &json!({})).await;
    assert_eq!(taken.json["approval"], "waiting", "{}", taken.json);
    let id = seed::submit(&host, "access").await;
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["tasks"][0]["failure"]["code"], "not_granted");
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn nobody_grants_more_than_the_operator_allows() {
    let host = TestHost::start_configured(|config| {
        config.egress.allow = vec!["https://*.acme.com".parse().unwrap()];
        config.egress.deny = vec!["https://hr.acme.com".parse().unwrap()];
        config.egress.private_networks = vec!["10.20.0.0/16".parse().unwrap()];
        config.egress.allow_unverified_tls = false;
    })
    .await;
    let tenant = host.tenant("acme").await;
    let mut connection: Value = serde_json::from_str(seed::CONNECTION).unwrap();
    for (host_name, code) in
        [("hr.acme.com", "origin_denied"), ("evil.example", "origin_not_allowed")]
    {
        let mut other = connection.clone();
        other["queries"]["access"][0]["url"] = json!(format!("https://{host_name}/v0/users"));
        let refused = tenant.post("/v1/connections", &other).await;
        assert_eq!(refused.status, 422, "{}", refused.json);
        assert_eq!(refused.json["errors"][0]["code"], code);
        assert_eq!(refused.json["errors"][0]["pointer"], "/queries/access/0/url");
    }
    connection["key"] = json!("crm");
    let created = tenant.post("/v1/connections", &connection).await;
    assert_eq!(created.status, 201, "{}", created.json);

    let wide = json!({
        "http": [
            { "origin": "https://*.acme.com", "methods": ["GET"] },
            { "origin": "https://*", "methods": ["GET"] },
            { "origin": "https://api.acme.com", "methods": ["GET"], "unverified_tls": true },
        ],
        "private": ["10.20.3.0/24", "10.0.0.0/8"],
        "secrets": [
            { "name": "credentials", "origin": "https://hr.acme.com", "places": ["header"] },
        ],
    });
    let refused = tenant.put("/v1/connections/crm/grants", &wide).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    let errors: Vec<_> = refused.json["errors"].as_array().unwrap().iter().collect();
    let found: Vec<_> = errors.iter().map(|e| (&e["pointer"], &e["code"])).collect();
    let expected = [
        ("/http/1/origin", "origin_not_allowed"),
        ("/secrets/0/origin", "origin_denied"),
        ("/http/2/unverified_tls", "tls_unverified_forbidden"),
        ("/private/1", "network_not_allowed"),
    ]
    .map(|(pointer, code)| (json!(pointer), json!(code)));
    assert_eq!(found, expected.iter().map(|(p, c)| (p, c)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_grant_that_cannot_be_enforced_is_refused_with_the_remedy() {
    let host = TestHost::start().await;
    let connection: Value = serde_json::from_str(seed::CONNECTION).unwrap();
    host.operator().put("/v1/connections/crm", &connection).await;
    let put = async |body: Value| host.operator().put("/v1/connections/crm/grants", &body).await;
    for (origin, code) in [
        ("*", "invalid_scheme"),
        ("ftp://api.acme.com", "invalid_scheme"),
        ("https://api.acme.com/v0", "path_in_origin"),
        ("https://api.*.com", "invalid_wildcard"),
        ("https://*.com", "wildcard_too_wide"),
        ("https://u:p@api.acme.com", "userinfo_in_origin"),
        ("https://0x7f.1:8443", "invalid_host"),
    ] {
        let refused = put(json!({ "http": [{ "origin": origin, "methods": ["GET"] }] })).await;
        assert_eq!(refused.status, 422, "{origin}: {}", refused.json);
        assert_eq!(refused.json["errors"][0]["code"], code, "{origin}");
        assert!(!refused.json.to_string().contains("u:p"), "a value is not repeated");
    }
    for (network, code) in [
        ("169.254.0.0/16", "network_not_grantable"),
        ("127.0.0.0/8", "network_not_grantable"),
        ("0.0.0.0/0", "network_too_wide"),
        ("::/0", "network_too_wide"),
        ("10.20.3.4/16", "host_bits_set"),
    ] {
        let refused = put(json!({ "private": [network] })).await;
        assert_eq!(refused.json["errors"][0]["code"], code, "{network}");
    }
    for (paths, pointer, code) in [
        (json!({ "path": "/v0/*" }), "/http/0/path", "invalid_path"),
        (json!({ "path_prefix": "/v0/*" }), "/http/0/path_prefix", "invalid_path_prefix"),
        (json!({ "path": "/v0", "path_prefix": "/v0" }), "/http/0/path", "path_and_path_prefix"),
    ] {
        let mut grant = json!({ "origin": "https://api.acme.com", "methods": ["GET"] });
        grant.as_object_mut().unwrap().extend(paths.as_object().unwrap().clone());
        let refused = put(json!({ "http": [grant] })).await;
        let error = &refused.json["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)));
    }
    let unknown = put(json!({ "htpp": [] })).await;
    assert_eq!(unknown.json["errors"][0]["code"], "unknown_field", "{}", unknown.json);
}

#[tokio::test]
async fn grants_are_replaced_by_who_read_them_last() {
    let host = TestHost::start().await;
    let connection: Value = serde_json::from_str(seed::CONNECTION).unwrap();
    host.operator().put("/v1/connections/crm", &connection).await;
    let path = "/v1/connections/crm/grants";
    let read = host.operator().get(path).await;
    let etag = read.header("etag").unwrap().to_owned();
    let put = async |tag: &str| {
        let headers = [("if-match", tag)];
        host.operator().put_with(path, &headers, &json!({})).await
    };
    let first = put(&etag).await;
    assert_eq!(first.status, 200, "{}", first.json);
    assert_ne!(first.header("etag"), Some(etag.as_str()));
    assert_eq!(put(&etag).await.status, 412);
    let missing = host.operator().get("/v1/connections/nobody/grants").await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn a_private_address_needs_the_operator_and_a_grant_of_its_own() {
    let literal = |host: &TestHost| {
        let mut connection: Value = serde_json::from_str(seed::CONNECTION).unwrap();
        let text = connection.to_string().replace("https://api.acme.com", "https://10.20.3.4:8443");
        connection = serde_json::from_str(&text).unwrap();
        let operator = host.operator();
        async move { operator.put("/v1/connections/crm", &connection).await }
    };
    let closed = TestHost::start_closed().await;
    let refused = literal(&closed).await;
    assert_eq!(
        (refused.status, &refused.json["errors"][0]["code"]),
        (422, &json!("address_denied"))
    );

    let host = TestHost::start_configured(|config| {
        config.egress.private_networks = vec!["10.20.0.0/16".parse().unwrap()];
    })
    .await;
    let created = literal(&host).await;
    assert_eq!((created.status, &created.json["approval"]), (201, &json!("waiting")));
    let state = grants_of(&host.operator(), "crm").await;
    assert_eq!(state["missing"]["private"], json!(["10.20.3.4/32"]));
    let url = "https://10.20.3.4:8443/v0/users";
    let denied = explain(&host.operator(), "crm", "GET", url).await;
    assert_eq!((&denied["stage"], &denied["code"]), (&json!("address"), &json!("address_denied")));
    assert_eq!(denied["missing_grant"]["private"], json!(["10.20.3.4/32"]));

    let mut wanted = state["granted"].clone();
    wanted["private"] = json!(["10.20.3.0/24"]);
    let granted = host.operator().put("/v1/connections/crm/grants", &wanted).await;
    assert_eq!(granted.json["approval"], "granted", "{}", granted.json);
    let allowed = explain(&host.operator(), "crm", "GET", url).await;
    assert_eq!(allowed["decision"], "allow", "{allowed}");
    assert_eq!(allowed["addresses"], json!(["10.20.3.4"]));
    let again = literal(&host).await;
    assert_eq!(again.json["approval"], "granted", "writing it again keeps what was granted");
}

async fn explain(client: &Client, connection: &str, method: &str, url: &str) -> Value {
    let body = json!({ "connection": connection, "method": method, "url": url });
    let answer = client.post("/v1/egress/explain", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    answer.json
}

#[tokio::test]
async fn an_explanation_names_the_stage_the_rule_and_the_missing_grant_and_sends_nothing() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let operator = host.operator();
    let url = upstream.url("/v0/users");
    let allowed = explain(&operator, "user-service", "GET", &url).await;
    assert_eq!((&allowed["decision"], &allowed["stage"]), (&json!("allow"), &json!("address")));
    assert!(allowed["rule"].as_str().unwrap().contains(&upstream.url("")), "{allowed}");
    assert_eq!(allowed["addresses"], json!(["127.0.0.1"]));

    for (method, url, stage, code) in [
        ("PURGE", url.as_str(), "policy", "method_not_granted"),
        ("GET", "https://evil.example/", "policy", "origin_not_granted"),
        ("GET", "http://u:p@127.0.0.1/", "parse", "url_userinfo"),
        ("GET", "not a url", "parse", "url_character"),
        ("CONNECT", url.as_str(), "parse", "verb_refused"),
    ] {
        let denied = explain(&operator, "user-service", method, url).await;
        assert_eq!(denied["decision"], "deny", "{denied}");
        assert_eq!((&denied["stage"], &denied["code"]), (&json!(stage), &json!(code)), "{denied}");
        let named = denied.get("missing_grant").is_some();
        assert_eq!(named, code.ends_with("_not_granted"), "{denied}");
    }
    let purge = explain(&operator, "user-service", "PURGE", &url).await;
    assert_eq!(purge["missing_grant"]["http"][0]["path"], "/v0/users");
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn a_tenant_is_told_no_address_and_nothing_of_another_tenant() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let tenant = host.tenant("acme").await;
    let body = json!({ "connection": "user-service", "method": "GET", "url": upstream.url("/") });
    assert_eq!(tenant.post("/v1/egress/explain", &body).await.status, 404);
    tenant.post("/v1/connections", &seed::connection(&upstream)).await;
    let allowed = explain(&tenant, "user-service", "GET", &upstream.url("/v0/users")).await;
    assert_eq!(allowed["decision"], "allow", "{allowed}");
    assert!(allowed.get("addresses").is_none(), "{allowed}");
}

#[tokio::test]
async fn an_explanation_says_that_a_connection_waits_and_what_it_does_not_need() {
    let upstream = answering().await;
    let host = with_a_stranger().await;
    let operator = host.operator();
    operator.post("/v1/connections", &stranger(&upstream, "GET")).await;
    let url = upstream.url("/planned");
    let denied = explain(&operator, "stranger", "GET", &url).await;
    assert_eq!(denied["code"], "origin_not_granted");
    let wide = json!({ "http": [{ "origin": upstream.url(""), "methods": ["GET", "PUT"] }] });
    operator.put("/v1/connections/stranger/grants", &wide).await;
    assert_eq!(explain(&operator, "stranger", "GET", &url).await["decision"], "allow");
    let unneeded = explain(&operator, "stranger", "PUT", &url).await;
    assert_eq!(unneeded["code"], "not_needed", "{unneeded}");
}
