//! Requests that wait for a person: their hosts, their forms, and what is given for them.

use serde_json::{Value, json};

use super::client::{Client, Response};
use super::seed;
use super::test_host::TestHost;

/// The key of the manual webhook's connection, unless a test needs several.
pub(crate) const ARCHIVE: &str = "paper-archive";
/// The policy that it belongs to.
pub(crate) const POLICY: &str = "by-hand";

/// A connection of type `manual_webhook`.
pub(crate) fn connection(key: &str) -> Value {
    json!({
        "key": key,
        "name": key,
        "connector_type": "manual_webhook",
        "capabilities": ["privacy/access"],
        "mode": "live",
    })
}

/// A person is asked for a phone number and a badge.
pub(crate) fn fields() -> Value {
    json!([
        { "pii_field": "Phone Number" },
        { "pii_field": "Badge-No", "dsr_package_label": "badge" },
    ])
}

/// Makes a policy that asks a person by these connections, for the same fields each.
pub(crate) async fn ask_by(operator: &Client, connections: &[&str], auto_resume: bool) {
    let policy = json!({
        "key": POLICY, "rules": [{ "action": "access" }], "auto_resume": auto_resume,
    });
    created(operator.post("/v1/policies", &policy).await);
    for key in connections {
        created(operator.post("/v1/connections", &connection(key)).await);
        link(operator, POLICY, key, &json!({ "fields": fields() })).await;
    }
}

/// Creates or replaces a manual webhook.
pub(crate) async fn link(operator: &Client, policy: &str, connection: &str, webhook: &Value) {
    let path = format!("/v1/policies/{policy}/manual-webhooks/{connection}");
    let linked = operator.put(&path, webhook).await;
    assert!(matches!(linked.status, 200 | 201), "{}", linked.json);
}

/// Fails unless something was created.
pub(crate) fn created(response: Response) -> Value {
    assert_eq!(response.status, 201, "{}", response.json);
    response.json
}

/// A host whose policy asks a person by one connection.
pub(crate) async fn host_with_archive(auto_resume: bool) -> TestHost {
    let host = TestHost::start().await;
    ask_by(&host.operator(), &[ARCHIVE], auto_resume).await;
    host
}

/// Submits a request and waits until it waits; its id.
pub(crate) async fn waiting_request(host: &TestHost) -> String {
    let id = seed::submit(host, POLICY).await;
    host.wait_for_status(&id, "requires_input").await;
    id
}

/// Where the input for a connection goes.
pub(crate) fn input_of(id: &str, connection: &str) -> String {
    format!("/v1/privacy-requests/{id}/manual-inputs/{connection}")
}

/// Gives input that must be accepted.
pub(crate) async fn give(host: &TestHost, id: &str, connection: &str, values: &Value) -> Value {
    let given = host.operator().put(&input_of(id, connection), values).await;
    assert_eq!(given.status, 200, "{}", given.json);
    given.json
}

/// Where the forms of a request stand.
pub(crate) async fn forms(host: &TestHost, id: &str) -> Vec<Value> {
    let forms = host.operator().get(&format!("/v1/privacy-requests/{id}/manual-inputs")).await;
    assert_eq!(forms.status, 200, "{}", forms.json);
    forms.json["items"].as_array().unwrap().clone()
}

/// Asks for a request to go on.
pub(crate) async fn resume(host: &TestHost, id: &str) -> Response {
    host.operator().post(&format!("/v1/privacy-requests/{id}/resume"), &json!({})).await
}

/// Every event of a request, in order.
pub(crate) async fn events(host: &TestHost, id: &str) -> Vec<Value> {
    let events = host.operator().get(&format!("/v1/privacy-requests/{id}/events?limit=200")).await;
    assert_eq!(events.status, 200, "{}", events.json);
    events.json["items"].as_array().unwrap().clone()
}

/// A part of a form: name, filename and media type, content.
pub(crate) type Part<'a> = (&'a str, Option<(&'a str, &'a str)>, &'a [u8]);

/// Gives input as `multipart/form-data`.
pub(crate) async fn give_form(operator: &Client, path: &str, parts: &[Part<'_>]) -> Response {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        body.extend(format!("--x-y-z\r\nContent-Disposition: form-data; name=\"{name}\"").bytes());
        if let Some((file, media_type)) = file {
            body.extend(format!("; filename=\"{file}\"\r\nContent-Type: {media_type}").bytes());
        }
        body.extend(b"\r\n\r\n");
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--x-y-z--\r\n");
    let media_type = "multipart/form-data; boundary=x-y-z";
    operator.call("PUT", path, &[], Some((media_type, body.into()))).await
}

/// Code and pointer of every problem of a refusal.
pub(crate) fn problems(refused: &Response) -> Vec<(String, String)> {
    assert_eq!(refused.status, 422, "{}", refused.json);
    let text = |problem: &Value, name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let problems = refused.json["errors"].as_array().unwrap();
    problems.iter().map(|problem| (text(problem, "code"), text(problem, "pointer"))).collect()
}
