//! Cassettes of runs that wait, for a time or for a person, and of what a policy stores for a
//! connection: played against the examples and a plugin of the host.

use std::path::Path;

use serde_json::{Value, json};

use super::project::{Ran, author};

/// Waits for an export.
const EXPORTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/export_job.wasm"));
/// Asks a person.
const ACCOUNTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/asks_first.wasm"));

/// A plugin of the host whose form stands in the settings of a policy.
fn manual_webhook() -> &'static [u8] {
    let plugins = cordon_cli::built_in::plugins();
    plugins.into_iter().find(|plugin| plugin.name == "manual_webhook").unwrap().component
}

async fn played(component: &[u8], cassette: &Value) -> Ran {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("it.wasm"), component).unwrap();
    std::fs::write(place.path().join("cassette.json"), cassette.to_string()).unwrap();
    play(place.path()).await
}

async fn play(place: &Path) -> Ran {
    author(&["plugin", "test", "it.wasm", "--cassette", "cassette.json"], place).await
}

/// Fails unless the cassette passes.
async fn passes(component: &[u8], cassette: &Value) {
    let ran = played(component, cassette).await;
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

/// What a cassette that does not pass is said to differ in.
async fn differs(component: &[u8], cassette: &Value) -> String {
    let ran = played(component, cassette).await;
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    ran.stdout
}

fn connection(connector_type: &str, action: &str, origin: &str) -> Value {
    json!({
        "connector_type": connector_type, "capabilities": [format!("privacy/{action}")],
        "mode": "live", "config": { "origin": origin },
    })
}

fn request(label: &str, method: &str, url: &str) -> Value {
    let headers = json!({ "authorization": "Bearer {api_key}" });
    json!({ "label": label, "method": method, "url": url, "headers": headers })
}

/// An export that is begun, is not ready at first, and is fetched.
fn export() -> Value {
    let url = "https://exports.example/v1/exports";
    let mut start = request("access/start", "POST", url);
    start["body"] = json!({ "email": "{email}" });
    start["headers"]["content-type"] = "application/json".into();
    let poll = request("access/poll", "GET", &format!("{url}/e 17"));
    let fetch = request("access/fetch", "GET", &format!("{url}/e 17/records"));
    let found = json!([{ "id": 1, "email": "{email}" }]);
    let pending = json!({ "outcome": "pending" });
    json!({
        "connection": connection("exports", "access", "https://exports.example"),
        "action": "access",
        "identities": { "email": "ada@cassette.example" },
        "segments": [
            {
                "exchanges": [{
                    "request": start, "response": { "status": 202, "body": { "job": "e 17" } },
                }],
                "expect": pending,
            },
            {
                "exchanges": [{ "request": poll, "response": { "status": 202 } }],
                "expect": pending,
            },
            {
                "exchanges": [
                    { "request": poll, "response": { "status": 200 } },
                    { "request": fetch, "response": { "status": 200, "body": found } },
                ],
                "expect": { "outcome": "records", "records": [found] },
            },
        ],
    })
}

/// An account that is found, and deleted when a person has approved it.
fn deletion() -> Value {
    let url = "https://accounts.example/v1/accounts";
    let find = request("delete/find", "GET", &format!("{url}?email={{email}}"));
    let delete = request("delete/account", "DELETE", &format!("{url}/a-7"));
    let field = |name: &str, label: &str| {
        let types = ["string"];
        json!({ "name": name, "label": label, "types": types, "required": false })
    };
    let form = [
        field("Ticket that approves the deletion; none: it is not approved", "ticket"),
        field("Anything that should be kept with the request", "notes"),
    ];
    json!({
        "connection": connection("accounts", "delete", "https://accounts.example"),
        "action": "delete",
        "identities": { "email": "ada@cassette.example" },
        "segments": [
            {
                "exchanges": [{
                    "request": find, "response": { "status": 200, "body": { "id": "a-7" } },
                }],
                "expect": { "outcome": "requires_input", "form": form },
            },
            {
                "input": { "ticket": "LEGAL-1" },
                "exchanges": [{ "request": delete, "response": { "status": 204 } }],
                "expect": { "outcome": "done" },
            },
        ],
    })
}

/// A form that stands in the settings of a policy, and what a person answered.
fn by_hand() -> Value {
    let form = [
        json!({ "name": "Phone Number", "label": "phone_number", "types": ["string"] }),
        json!({ "name": "Badge-No", "label": "badge", "types": ["string"], "required": true }),
    ];
    json!({
        "connection": {
            "connector_type": "manual_webhook", "capabilities": ["privacy/access"], "mode": "live",
        },
        "action": "access",
        "identities": { "email": "ada@cassette.example" },
        "policy_settings": { "fields": [
            { "pii_field": "Phone Number" },
            { "pii_field": "Badge-No", "dsr_package_label": "badge", "required": true },
        ] },
        "segments": [
            { "expect": { "outcome": "requires_input", "form": form } },
            {
                "input": { "badge": "B-17" },
                "expect": {
                    "outcome": "records",
                    "records": [[{ "phone_number": null, "badge": "B-17" }]],
                },
            },
        ],
    })
}

#[tokio::test]
async fn a_run_that_waits_for_a_time_goes_on_in_its_next_segment() {
    passes(EXPORTS, &export()).await;
}

#[tokio::test]
async fn a_difference_in_a_later_segment_is_told_by_its_number() {
    let mut another_job = export();
    another_job["segments"][1]["exchanges"][0]["request"]["url"] =
        "https://exports.example/v1/exports/e 18".into();
    let said = differs(EXPORTS, &another_job).await;
    assert!(said.contains("/segments/1/exchanges/0/request: the connector sends"), "{said}");
    assert!(said.contains("+ https://exports.example/v1/exports/e 17\n"), "{said}");
    let mut gone = export();
    gone["segments"][2]["exchanges"][0]["response"]["status"] = 410.into();
    let said = differs(EXPORTS, &gone).await;
    let unsent = "/segments/2/exchanges/1: the last request of the cassette was not sent";
    assert!(said.contains(unsent), "{said}");
    assert!(said.contains("the run failed: query_failed at access/poll: "), "{said}");
    assert!(said.contains("410"), "the connector's own words: {said}");
}

#[tokio::test]
async fn a_run_that_asks_a_person_goes_on_with_what_the_person_gave() {
    passes(ACCOUNTS, &deletion()).await;
    let mut refused = deletion();
    refused["segments"][1] = json!({
        "input": { "notes": "legal hold" },
        "expect": { "outcome": "failed", "failure": { "code": "unsupported" } },
    });
    passes(ACCOUNTS, &refused).await;
    let mut other_form = deletion();
    other_form["segments"][0]["expect"]["form"][1]["required"] = true.into();
    let said = differs(ACCOUNTS, &other_form).await;
    assert!(said.contains("      expect/form/1/required\n"), "{said}");
    assert!(said.contains("- ") && !said.contains("Ticket"), "only what differs: {said}");
}

#[tokio::test]
async fn an_input_that_does_not_answer_the_form_is_said_to() {
    let mut unknown = deletion();
    unknown["segments"][1]["input"] = json!({ "tickett": "LEGAL-1" });
    let said = differs(ACCOUNTS, &unknown).await;
    assert!(said.contains("/segments/1: input: does not answer the form"), "{said}");
    let mut none = deletion();
    none["segments"][1].as_object_mut().unwrap().remove("input");
    let said = differs(ACCOUNTS, &none).await;
    assert!(said.contains("/segments/1/input: the run before asks for it"), "{said}");
}

#[tokio::test]
async fn what_a_policy_stores_for_a_connection_reaches_its_run() {
    passes(manual_webhook(), &by_hand()).await;
    let mut without = by_hand();
    without.as_object_mut().unwrap().remove("policy_settings");
    let said = differs(manual_webhook(), &without).await;
    let why = "the run failed: invalid_config: no policy says which fields to ask for";
    assert!(said.contains(why), "{said}");
}

#[tokio::test]
async fn settings_of_a_policy_that_a_host_would_refuse_are_refused_at_their_place() {
    let mut wrong = by_hand();
    wrong["policy_settings"]["fields"] = json!([]);
    let said = differs(manual_webhook(), &wrong).await;
    assert!(said.contains("/policy_settings/fields: At least one field is needed."), "{said}");
    // The connection is looked at like that of a host, whatever a policy stores for it.
    let mut wrong = by_hand();
    wrong["connection"]["queries"] = json!({});
    let said = differs(manual_webhook(), &wrong).await;
    assert!(said.contains("/connection/queries: "), "{said}");
}
