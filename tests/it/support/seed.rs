//! The source document's example: its connection, and an upstream that answers as it says.

use serde_json::{Value, json};

use super::test_host::TestHost;
use super::upstream::{Reply, Upstream};

/// The connection object, byte for byte.
pub(crate) const CONNECTION: &str = include_str!("../../data/seed_connection.json");
/// The answer to an access request, with the values of the document.
pub(crate) const ACCESS: &str = r#"[
  {"first_name": "Peter", "last_name": "Gibbons", "company": "Initech", "friends": ["Samir", "Michael"]},
  {"address_type": "Home", "address": {"street": "191 N. Lamar", "city": "Flander", "state": "Illinois", "zip_code": "77070"}}
]"#;
/// The secret of the connection.
pub(crate) const CREDENTIALS: &str = "c2VjcmV0LXRva2VuOnBhc3N3b3Jk";
/// The person.
pub(crate) const EMAIL: &str = "peter.gibbons+dsr@initech.example";
/// What the identifiers query finds.
pub(crate) const PHONE: &str = "+1 512 555 0142";

/// The example's connection, pointed at an upstream; the host name is all that changes.
pub(crate) fn connection(upstream: &Upstream) -> Value {
    let here = upstream.url("");
    serde_json::from_str(&CONNECTION.replace("https://api.acme.com", &here)).unwrap()
}

/// An upstream that answers every query of the example.
pub(crate) async fn upstream() -> Upstream {
    let upstream = Upstream::start().await;
    upstream
        .on("GET", "/v0/health-check", |_| Reply::status(200))
        .on("GET", "/v0/identifiers/get-phone", |_| {
            Reply::json(json!([{ "primary_phone_number": PHONE }]).to_string())
        })
        .on("GET", "/v0/users", |_| Reply::json(ACCESS))
        .on("DELETE", "/v0/users", |_| Reply::status(200))
        .on("PUT", "/v0/users/optout", |_| Reply::status(201));
    upstream
}

/// A host with the example's connection and its secret.
pub(crate) async fn connected_to(upstream: &Upstream) -> TestHost {
    let host = TestHost::start().await;
    connect(&host, &connection(upstream)).await;
    host
}

/// Creates a connection and stores its secret.
pub(crate) async fn connect(host: &TestHost, connection: &Value) {
    let operator = host.operator();
    let created = operator.post("/v1/connections", connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let key = created.json["key"].as_str().unwrap();
    let secrets = json!({ "credentials": CREDENTIALS });
    let stored = operator.put(&format!("/v1/connections/{key}/secrets"), &secrets).await;
    assert_eq!(stored.status, 200, "{}", stored.json);
}

/// Submits a request for the person under a policy; its id.
pub(crate) async fn submit(host: &TestHost, policy: &str) -> String {
    let body = json!({ "policy": policy, "identities": { "email": EMAIL } });
    let accepted = host.operator().post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    accepted.json["id"].as_str().unwrap().to_owned()
}

/// Submits a request and waits until it is complete.
pub(crate) async fn complete(host: &TestHost, policy: &str) -> Value {
    let id = submit(host, policy).await;
    host.wait_for_status(&id, "complete").await
}
