//! A connector that misbehaves is stopped, says nothing it should not, and harms no other call.

use serde_json::{Value, json};

use crate::support::package::Bundle;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::{Reply, Upstream};

/// A host with the scripted connector, behaving like this.
async fn behaving(behave: &str, upstream: &Upstream, more: Value) -> TestHost {
    let host = TestHost::start().await;
    let mut config = json!({ "behave": behave, "origin": upstream.url("") });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let connection = json!({
        "key": "scripted",
        "name": "Scripted",
        "connector_type": "scripted",
        "capabilities": ["privacy/access", "privacy/delete"],
        "mode": "live",
        "job_timeout_seconds": 2,
        "config": config,
    });
    let created = host.operator().post("/v1/connections", &connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    host
}

async fn upstream() -> Upstream {
    let upstream = Upstream::start().await;
    upstream.on("GET", "/planned", |_| Reply::json(r#"[{"a": 1}]"#));
    upstream
}

/// Runs an access request to its error; the failure's code and the whole request.
async fn failure_of(host: &TestHost) -> (String, Value) {
    let id = seed::submit(host, "access").await;
    let request = host.wait_for_status(&id, "error").await;
    let code = request["tasks"][0]["failure"]["code"].as_str().unwrap().to_owned();
    (code, request)
}

#[tokio::test]
async fn the_scripted_guest_is_a_connector_like_any_other_when_it_behaves() {
    let upstream = upstream().await;
    let host = behaving("well", &upstream, json!({})).await;
    let request = seed::complete(&host, "access").await;
    assert_eq!(request["tasks"][0]["finding"]["count"], 1);
}

#[tokio::test]
async fn a_spinning_guest_is_stopped_at_the_deadline_and_others_go_on() {
    let upstream = upstream().await;
    let host = behaving("spin", &upstream, json!({})).await;
    let spinning = seed::submit(&host, "access").await;

    let other = seed::upstream().await;
    let tenant = host.tenant("neighbor").await;
    let created = tenant.post("/v1/connections", &seed::connection(&other)).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let secrets = json!({ "credentials": seed::CREDENTIALS });
    tenant.put("/v1/connections/user-service/secrets", &secrets).await;
    for _ in 0..5 {
        let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
        let accepted = tenant.post("/v1/privacy-requests", &body).await;
        tenant.wait_for_status(accepted.json["id"].as_str().unwrap(), "complete").await;
    }
    let request = host.wait_for_status(&spinning, "error").await;
    assert_eq!(request["tasks"][0]["failure"]["code"], "deadline_passed");
}

#[tokio::test]
async fn a_guest_that_takes_too_much_memory_is_stopped() {
    let upstream = upstream().await;
    let host = behaving("grow", &upstream, json!({})).await;
    let (code, _) = failure_of(&host).await;
    assert!(["limit_reached", "plugin_trapped"].contains(&code.as_str()), "{code}");
}

#[tokio::test]
async fn a_guest_that_recurses_without_end_or_panics_is_stopped_and_not_quoted() {
    let upstream = upstream().await;
    for behave in ["recurse", "trap"] {
        let host = behaving(behave, &upstream, json!({})).await;
        let (code, request) = failure_of(&host).await;
        assert_eq!(code, "plugin_trapped", "{behave}");
        assert!(!request.to_string().contains("a secret of the guest"));
    }
}

#[tokio::test]
async fn a_guest_cannot_reach_an_origin_that_its_connection_was_not_granted() {
    let (upstream, elsewhere) = (upstream().await, upstream().await);
    let host =
        behaving("wander", &upstream, json!({ "elsewhere": elsewhere.url("/planned") })).await;
    let (code, _) = failure_of(&host).await;
    assert_eq!(code, "egress_denied");
    assert_eq!(elsewhere.calls().len(), 0);
}

#[tokio::test]
async fn a_guest_cannot_send_a_secret_where_its_plan_does_not_put_it() {
    let upstream = upstream().await;
    let host = behaving("smuggle", &upstream, json!({})).await;
    let (code, request) = failure_of(&host).await;
    assert!(
        ["egress_denied", "query_failed", "secrets_unavailable"].contains(&code.as_str()),
        "{request}"
    );
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn a_planned_query_is_sent_as_planned_or_not_at_all() {
    let upstream = upstream().await;
    let host = behaving("deviate", &upstream, json!({})).await;
    assert_eq!(failure_of(&host).await.0, "not_planned");
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn without_a_read_grant_nothing_can_be_read() {
    let upstream = upstream().await;
    for behave in ["read-identity", "read-response"] {
        let host = behaving(behave, &upstream, json!({})).await;
        let (code, request) = failure_of(&host).await;
        assert_eq!(code, "not_granted", "{behave}");
        assert!(!request.to_string().contains(seed::EMAIL));
    }
}

#[tokio::test]
async fn an_outcome_that_does_not_fit_the_action_is_refused() {
    let upstream = upstream().await;
    let host = behaving("forge", &upstream, json!({})).await;
    assert_eq!(failure_of(&host).await.0, "invalid_outcome");
}

#[tokio::test]
async fn a_deletion_without_a_recorded_call_is_unverified() {
    let upstream = upstream().await;
    let host = behaving("lie", &upstream, json!({})).await;
    let id = seed::submit(&host, "delete").await;
    host.operator().post(&format!("/v1/privacy-requests/{id}/approve"), &json!({})).await;
    let request = host.wait_for_status(&id, "complete").await;
    assert_eq!(request["tasks"][0]["finding"]["verified"], false);
}

#[tokio::test]
async fn a_flood_of_log_lines_costs_a_run_nothing_but_its_lines() {
    let upstream = upstream().await;
    let host = behaving("flood-log", &upstream, json!({})).await;
    seed::complete(&host, "access").await;
}

#[tokio::test]
async fn any_plugin_may_ask_a_person() {
    let upstream = upstream().await;
    let host = behaving("ask", &upstream, json!({})).await;
    let id = seed::submit(&host, "access").await;
    let waiting = host.wait_for_status(&id, "requires_input").await;
    let task = waiting["tasks"][0]["id"].as_str().unwrap();
    let path = format!("/v1/privacy-requests/{id}/tasks/{task}/input");
    let given = host.operator().put(&path, &json!({ "anything": "at all" })).await;
    assert_eq!(given.status, 200, "{}", given.json);
    host.operator().post(&format!("/v1/privacy-requests/{id}/resume"), &json!({})).await;
    host.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_plugin_gets_its_input_in_the_order_of_its_form_and_null_for_what_was_left_out() {
    let upstream = upstream().await;
    let mut host = behaving("ask", &upstream, json!({})).await;
    let id = seed::submit(&host, "access").await;
    let waiting = host.wait_for_status(&id, "requires_input").await;
    let task = waiting["tasks"][0]["id"].as_str().unwrap();
    let path = format!("/v1/privacy-requests/{id}/tasks/{task}/input");
    let given = host.operator().put(&path, &json!({ "badge": "17", "zone": "north" })).await;
    assert_eq!(given.status, 200, "{}", given.json);
    host.restart().await;
    host.operator().post(&format!("/v1/privacy-requests/{id}/resume"), &json!({})).await;
    host.wait_for_status(&id, "complete").await;
    let bundle = Bundle::of(&host, &id).await;
    assert_eq!(bundle.lines("scripted/1.csv"), ["zone,north", "anything,", "badge,17"]);
}

#[tokio::test]
async fn any_plugin_may_come_back_later_with_what_it_remembered() {
    let upstream = upstream().await;
    let host = behaving("later", &upstream, json!({})).await;
    let request = seed::complete(&host, "access").await;
    assert_eq!(request["tasks"][0]["finding"]["count"], 1);
}
