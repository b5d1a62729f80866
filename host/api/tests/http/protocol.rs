//! What holds for every route.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::host::Host;

const KEY: &str = "idempotency-key";

fn policy(name: &str) -> Value {
    json!({"name": name, "rules": [{"action": "access"}]})
}

#[tokio::test]
async fn nothing_but_health_and_the_document_answers_without_a_key() {
    let host = Host::start().await;
    let without =
        async |path: &str| host.send(Request::get(path).body(Body::empty()).unwrap()).await;
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(without(path).await.status, 200, "{path}");
    }
    for path in ["/metrics", "/v1/policies", "/v1/connections/x", "/v1/privacy-requests/x/package"]
    {
        let refused = without(path).await;
        assert_eq!(refused.problem(), (401, "unauthenticated"), "{path}");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
    assert_eq!(host.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn a_path_or_method_that_does_not_exist_is_a_problem_too() {
    let host = Host::start().await;
    let absent = host.get("/v2/anything").await;
    assert_eq!(absent.problem(), (404, "not_found"));
    assert_eq!(absent.header("content-type"), "application/problem+json");
    assert_eq!(absent.header("cache-control"), "no-store");
    assert_eq!(host.delete("/v1/policies").await.problem(), (405, "method_not_allowed"));
    assert_eq!(host.get("/v1/privacy-requests/nothing").await.problem(), (404, "not_found"));
    assert_eq!(host.get("/v1/policies?limt=1").await.problem(), (400, "invalid_query"));
}

#[tokio::test]
async fn a_list_is_read_page_by_page_newest_first() {
    let host = Host::start().await;
    for name in ["one", "two", "three"] {
        host.advance(Duration::from_secs(1));
        assert_eq!(host.post("/v1/policies", &policy(name)).await.status, 201);
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/policies?limit=2".to_owned());
    loop {
        let page = host.get(&path).await;
        for item in page.json["items"].as_array().unwrap() {
            seen.push(item["key"].as_str().unwrap().to_owned());
        }
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        path = format!("/v1/policies?limit=2&cursor={cursor}");
    }
    assert_eq!(seen.len(), 7);
    assert_eq!(seen[..3], ["three", "two", "one"]);
}

#[tokio::test]
async fn the_same_key_and_body_get_the_same_answer_and_the_work_is_done_once() {
    let host = Host::start().await;
    let headers = [(KEY, "k-1")];
    let first = host.call("POST", "/v1/policies", &headers, &policy("one")).await;
    let second = host.call("POST", "/v1/policies", &headers, &policy("one")).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!(first.json, second.json);
    for header in ["location", "etag", "content-type"] {
        assert_eq!(first.header(header), second.header(header), "{header}");
    }
    let other = host.call("POST", "/v1/policies", &headers, &policy("two")).await;
    assert_eq!(other.errors(), [("idempotency_key_reused", "")]);
    host.advance(Duration::from_hours(25));
    let forgotten = host.call("POST", "/v1/policies", &headers, &policy("two")).await;
    assert_eq!(forgotten.status, 201, "{}", forgotten.json);
}

#[tokio::test]
async fn the_key_of_a_refused_request_is_free_for_the_corrected_body() {
    let host = Host::start().await;
    let headers = [(KEY, "k-1")];
    let refused =
        host.call("POST", "/v1/policies", &headers, &json!({"key": "a", "rules": []})).await;
    assert_eq!(refused.problem(), (422, "invalid"));
    assert_eq!(host.call("POST", "/v1/policies", &headers, &policy("a")).await.status, 201);
}

#[tokio::test]
async fn many_repetitions_at_once_do_the_work_once() {
    let host = Host::start().await;
    let headers = [(KEY, "k-1")];
    let body = policy("one");
    let call = || host.call("POST", "/v1/policies", &headers, &body);
    let (a, b, c, d) = tokio::join!(call(), call(), call(), call());
    let mut created = 0;
    for answer in [a, b, c, d] {
        match answer.status.as_u16() {
            201 => created += 1,
            _ => assert_eq!(answer.problem(), (409, "idempotency_in_flight")),
        }
    }
    assert!(created >= 1);
    assert_eq!(host.get("/v1/policies").await.json["items"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_claim_that_was_never_answered_runs_out() {
    let host = Host::start().await;
    let tenant = cordon_model::TenantId::default_tenant();
    let begin = || host.services.begin_replay(Some(&tenant), "POST /v1/policies", "k", [1; 32]);
    assert!(begin().await.is_ok());
    assert!(begin().await.is_err(), "it is in flight");
    host.advance(Duration::from_secs(61));
    assert!(begin().await.is_ok(), "the host died over it, and the key is free again");
}

#[tokio::test]
async fn a_body_must_say_that_it_is_json_and_be_within_the_limit() {
    let host = Host::start().await;
    let send = async |content_type: &str, body: Vec<u8>| {
        let request = Request::post("/v1/policies")
            .header("authorization", format!("Bearer {}", host.operator_key()))
            .header("content-type", content_type)
            .body(Body::from(body))
            .unwrap();
        host.send(request).await
    };
    let text = send("text/plain", b"{}".to_vec()).await;
    assert_eq!(text.problem(), (415, "unsupported_media_type"));
    let large = send("application/json", vec![b' '; 2 * 1024 * 1024]).await;
    assert_eq!(large.problem(), (413, "body_too_large"));
    let twice = send("application/json", br#"{"key": "a", "key": "b"}"#.to_vec()).await;
    assert_eq!(twice.problem(), (400, "malformed_json"));
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_returns() {
    let host = Host::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let state =
        cordon_api::State::new(host.services.clone(), cordon_api::Options::default(), String::new);
    let stop = CancellationToken::new();
    let serving = tokio::spawn(cordon_api::serve(listener, state, stop.clone()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    stop.cancel();
    serving.await.unwrap().unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
}
