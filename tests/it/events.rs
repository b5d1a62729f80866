//! What happened to a request, as it happens.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::event_stream::{EventStream, StreamEvent};
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::{Gate, Reply, Upstream};

fn loopback(config: &mut cordon_cli::config::Config) {
    config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
}

/// The events of a request as the list has them.
async fn listed(host: &TestHost, id: &str) -> Vec<Value> {
    let path = format!("/v1/privacy-requests/{id}/events?limit=200");
    host.operator().get(&path).await.json["items"].as_array().unwrap().clone()
}

/// Leaves the final event out, which no list has.
fn told(events: &[StreamEvent]) -> Vec<Value> {
    events.iter().filter(|event| event.event != "end").map(|event| event.data.clone()).collect()
}

/// An upstream whose access query is held by a gate.
async fn gated() -> (Upstream, Gate) {
    let (upstream, gate) = (seed::upstream().await, Gate::new());
    let held = gate.clone();
    upstream.on("GET", "/v0/users", move |_| Reply::json(seed::ACCESS).held_by(&held));
    (upstream, gate)
}

#[tokio::test]
async fn a_stream_tells_what_happens_while_it_happens_and_says_when_it_is_over() {
    let (upstream, gate) = gated().await;
    let host = seed::connected_to(&upstream).await;
    let id = seed::submit(&host, "access").await;
    let mut stream = EventStream::open(&host.operator(), &id, None).await;
    assert_eq!(stream.status, 200);
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    assert_eq!(stream.header("cache-control"), Some("no-store"));

    let mut events = Vec::new();
    while events.last().is_none_or(|e: &StreamEvent| e.event != "request.task_started") {
        events.push(stream.next().await.unwrap());
    }
    upstream.wait_for_calls(1).await;
    gate.open();
    events.extend(stream.rest().await);

    let end = events.last().unwrap();
    assert_eq!((end.event.as_str(), end.id), ("end", None));
    assert_eq!(end.data, json!({ "status": "complete" }));
    assert_eq!(told(&events), listed(&host, &id).await, "data is the list's item");
    for event in &events[..events.len() - 1] {
        assert_eq!(event.data["sequence"], event.id.unwrap());
        assert_eq!(event.data["event"], event.event);
    }
    assert!(events.iter().all(|event| !event.data.to_string().contains(seed::EMAIL)));
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event_without_loss_or_repetition() {
    let (upstream, gate) = gated().await;
    let host = seed::connected_to(&upstream).await;
    let id = seed::submit(&host, "access").await;
    let operator = host.operator();
    let mut seen = Vec::new();
    let mut last = String::new();
    // The connection breaks after every event.
    for n in 0.. {
        if n == 2 {
            gate.open();
        }
        let from = Some(last.as_str()).filter(|last| !last.is_empty());
        let mut stream = EventStream::open(&operator, &id, from).await;
        let event = stream.next().await.unwrap();
        if event.event == "end" {
            break;
        }
        last = event.id.unwrap().to_string();
        seen.push(event);
    }
    assert_eq!(told(&seen), listed(&host, &id).await);

    let mut again = EventStream::open(&operator, &id, None).await;
    let all = again.rest().await;
    assert_eq!(all.len(), seen.len() + 1, "a finished request is told from the first to the end");
    let refused = EventStream::open(&operator, &id, Some("the last one")).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_stream_that_has_nothing_to_say_says_that_it_is_there() {
    let upstream = seed::upstream().await;
    let host = TestHost::start_configured(|config| {
        loopback(config);
        config.api.event_keep_alive = Duration::from_millis(20);
    })
    .await;
    seed::connect(&host, &seed::connection(&upstream)).await;
    let id = seed::submit(&host, "delete").await;
    let mut stream = EventStream::open(&host.operator(), &id, None).await;
    assert_eq!(stream.next().await.unwrap().event, "request.submitted");
    stream.wait_for_comments(3).await;
    let deny = format!("/v1/privacy-requests/{id}/deny");
    assert_eq!(host.operator().post(&deny, &json!({})).await.status, 200);
    let words: Vec<String> = stream.rest().await.into_iter().map(|event| event.event).collect();
    assert_eq!(words, ["request.denied", "request.status_changed", "end"]);
}

#[tokio::test]
async fn a_tenant_follows_so_many_requests_at_a_time_and_no_more() {
    let upstream = seed::upstream().await;
    let host = TestHost::start_configured(|config| {
        loopback(config);
        config.engine.followers_per_tenant_max = 2;
        config.engine.followers_max = 3;
    })
    .await;
    seed::connect(&host, &seed::connection(&upstream)).await;
    let id = seed::submit(&host, "delete").await;
    let operator = host.operator();
    let one = EventStream::open(&operator, &id, None).await;
    let two = EventStream::open(&operator, &id, None).await;
    assert_eq!((one.status, two.status), (200, 200));
    let third = EventStream::open(&operator, &id, None).await;
    assert_eq!((third.status, third.header("retry-after")), (429, Some("1")));
    let path = format!("/v1/privacy-requests/{id}/events");
    let stream = [("Accept", "text/event-stream")];
    let refused = operator.call("GET", &path, &stream, None).await;
    assert_eq!(refused.json["code"], "too_many_streams");

    // Another tenant has places of its own, as long as the host has any.
    let other = host.tenant("other").await;
    let created = other.post("/v1/connections", &seed::connection(&upstream)).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let body = json!({ "policy": "delete", "identities": { "email": seed::EMAIL } });
    let accepted = other.post("/v1/privacy-requests", &body).await;
    let theirs = accepted.json["id"].as_str().unwrap();
    let fourth = EventStream::open(&other, theirs, None).await;
    assert_eq!(fourth.status, 200);
    let fifth = EventStream::open(&other, theirs, None).await;
    assert_eq!(fifth.status, 503, "the host has three places");

    drop(one);
    let opened = async { while EventStream::open(&operator, &id, None).await.status != 200 {} };
    tokio::time::timeout(Duration::from_secs(30), opened).await.expect("a place was given back");
}

#[tokio::test]
async fn a_revoked_key_hears_nothing_more() {
    let upstream = seed::upstream().await;
    let host = TestHost::start_configured(|config| {
        loopback(config);
        config.engine.follow_tick = Duration::from_millis(20);
    })
    .await;
    seed::connect(&host, &seed::connection(&upstream)).await;
    let id = seed::submit(&host, "delete").await;
    let operator = host.operator();
    let body = json!({ "name": "reader", "scopes": ["requests:read"] });
    let made = operator.post("/v1/tenants/default/api-keys", &body).await;
    let reader = host.client(made.json["key"].as_str());
    let mut stream = EventStream::open(&reader, &id, None).await;
    assert_eq!(stream.next().await.unwrap().event, "request.submitted");
    let key = made.json["id"].as_str().unwrap();
    let revoked = operator.delete(&format!("/v1/tenants/default/api-keys/{key}")).await;
    assert_eq!(revoked.status, 204);
    assert_eq!(stream.rest().await, [], "it ends, and does not say that the request did");
}

#[tokio::test]
async fn an_open_stream_does_not_hold_up_the_end_of_the_host() {
    let upstream = seed::upstream().await;
    let mut host = seed::connected_to(&upstream).await;
    let id = seed::submit(&host, "delete").await;
    let mut stream = EventStream::open(&host.operator(), &id, None).await;
    assert_eq!(stream.next().await.unwrap().event, "request.submitted");
    let stopped = tokio::time::timeout(Duration::from_secs(10), host.stop()).await;
    assert!(stopped.is_ok(), "it waits for nobody who only listens");
    assert_eq!(stream.rest().await, []);
}

#[tokio::test]
async fn a_stream_of_another_tenants_request_answers_like_one_of_an_absent_one() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let id = seed::submit(&host, "delete").await;
    let other = host.tenant("other").await;
    let theirs = EventStream::open(&other, &id, None).await;
    let absent = EventStream::open(&other, "0192f0c1-2345-7000-8000-000000000000", None).await;
    let headers = |stream: &EventStream| {
        let same = |(name, _): &&(String, String)| name != "date";
        stream.headers.iter().filter(same).cloned().collect::<Vec<_>>()
    };
    assert_eq!((theirs.status, absent.status), (404, 404));
    assert_eq!(headers(&theirs), headers(&absent));
}
