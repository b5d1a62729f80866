//! A hostile upstream: whatever it says, the call ends with a code that says what happened, memory
//! stays bounded, and the next call works.

use std::fmt::Write as _;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::client::Client;
use crate::support::hostile;
use crate::support::raw_upstream::{RawUpstream, json_answer};
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::test_process::TestProcess;

const KIB: u64 = 1024;
/// The connection under test.
const KEY: &str = "hostile";
/// Zeros in a gzip bomb.
const BOMB_BYTES: usize = 128 * 1024 * 1024;

/// A host with a connection to this upstream.
async fn connected_to(upstream: &RawUpstream) -> TestHost {
    let host = TestHost::start_configured(|config| {
        config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
        // Reached long before the time is up, on a busy machine too.
        config.egress.response_bytes_max = 1024 * KIB;
        config.runtime.attempt_timeout = Duration::from_secs(3);
        config.runtime.attempts_default = 2;
        config.runtime.retry_base = Duration::from_millis(5);
        config.runtime.retry_max = Duration::from_millis(20);
    })
    .await;
    connect(&host.operator(), upstream).await;
    host
}

/// Writes the connection: an access query to `/bad`, and a test query to `/good`.
async fn connect(operator: &Client, upstream: &RawUpstream) {
    let query = |path: &str| {
        json!({
            "url": upstream.url(path),
            "verb": "GET",
            "verify_ssl": "true",
            "headers": { "Authorization": "Basic {credentials}" },
        })
    };
    let connection = json!({
        "key": KEY,
        "name": KEY,
        "connector_type": "api_proxy",
        "capabilities": ["privacy/access"],
        "mode": "live",
        "credentials_location": "vault",
        "job_timeout_seconds": 20,
        "queries": { "test": [query("/good")], "access": [query("/bad")] },
    });
    let created = operator.post("/v1/connections", &connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let secrets = json!({ "credentials": seed::CREDENTIALS });
    let stored = operator.put(&format!("/v1/connections/{KEY}/secrets"), &secrets).await;
    assert_eq!(stored.status, 200, "{}", stored.json);
}

/// An upstream that is hostile on `/bad` only.
async fn upstream<F>(
    speak: impl Fn(String, TcpStream) -> F + Send + Sync + Clone + 'static,
) -> RawUpstream
where
    F: Future<Output = ()> + Send + 'static,
{
    RawUpstream::start(move |request, stream| {
        let speak = speak.clone();
        async move {
            if request.starts_with("GET /bad") {
                speak(request, stream).await;
            } else {
                hostile::say(stream, json_answer("[]").into_bytes()).await;
            }
        }
    })
    .await
}

/// The task of an access request that came to its end.
async fn access(operator: &Client) -> Value {
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let accepted = operator.post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    let mut request = operator.wait_until_it_rests(accepted.json["id"].as_str().unwrap()).await;
    request["tasks"][0].take()
}

/// A call to the hostile upstream ends with these codes, of the query and of the task, and a good
/// call after it works.
async fn ends_with<F>(
    speak: impl Fn(String, TcpStream) -> F + Send + Sync + Clone + 'static,
    outcome: &str,
    failure: &str,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let upstream = upstream(speak).await;
    let host = connected_to(&upstream).await;
    let task = access(&host.operator()).await;
    assert_eq!(task["queries"][0]["outcome"], outcome, "{task:#}");
    assert_eq!(task["failure"]["code"], failure, "{task:#}");
    assert!(!task.to_string().contains(seed::CREDENTIALS), "the secret is shown");
    works(&host.operator()).await;
}

/// The connection's test passes: nothing is held that another call would need.
async fn works(operator: &Client) {
    let tested = operator.post(&format!("/v1/connections/{KEY}/test"), &json!({})).await;
    assert_eq!(tested.json["healthy"], true, "{:#}", tested.json);
}

#[tokio::test]
async fn a_body_without_an_end_is_too_large() {
    ends_with(hostile::endless_body, "too_large", "query_failed").await;
}

#[tokio::test]
async fn a_small_body_that_unpacks_to_a_large_one_is_too_large() {
    let bomb = hostile::gzip_bomb(BOMB_BYTES);
    assert!(bomb.len() < BOMB_BYTES / 500);
    ends_with(move |_, stream| hostile::say(stream, bomb.clone()), "too_large", "query_failed")
        .await;
}

#[tokio::test]
async fn a_body_that_drips_is_a_timeout() {
    ends_with(hostile::drip, "timeout", "query_failed").await;
}

#[tokio::test]
async fn no_answer_at_all_is_a_timeout() {
    ends_with(hostile::hang, "timeout", "query_failed").await;
}

#[tokio::test]
async fn a_reset_in_mid_body_is_a_truncated_answer() {
    ends_with(hostile::reset_in_mid_body, "truncated", "query_failed").await;
}

#[tokio::test]
async fn a_body_shorter_than_it_says_is_truncated_even_if_it_parses() {
    ends_with(hostile::short_body, "truncated", "query_failed").await;
}

#[tokio::test]
async fn ten_thousand_headers_are_no_answer() {
    ends_with(hostile::ten_thousand_headers, "unreachable", "query_failed").await;
}

#[tokio::test]
async fn interim_answers_without_an_end_are_a_timeout() {
    ends_with(hostile::interim_answers, "timeout", "query_failed").await;
}

#[tokio::test]
async fn another_protocol_is_no_answer() {
    ends_with(hostile::empty_h2_frames, "unreachable", "query_failed").await;
}

#[tokio::test]
async fn json_that_is_nested_too_deep_is_malformed() {
    let deep = json_answer(&hostile::deep_json(100_000));
    let speak = move |_, stream| hostile::say(stream, deep.clone().into_bytes());
    ends_with(speak, "success", "malformed_response").await;
}

#[tokio::test]
async fn a_secret_that_comes_back_fails_the_call() {
    ends_with(hostile::repeat_secret_in_body, "secret_reflected", "secret_reflected").await;
    ends_with(hostile::repeat_secret_in_header, "secret_reflected", "secret_reflected").await;
}

#[tokio::test]
async fn memory_stays_bounded_through_one_hostile_answer_after_another() {
    const ROUNDS: usize = 20;
    /// One answer of the largest size, what its parser and its decoder take, and some air.
    const GROWTH_MAX: u64 = 192 * 1024 * KIB;
    let (bomb, calls) = (hostile::gzip_bomb(BOMB_BYTES), Arc::new(AtomicUsize::new(0)));
    let upstream = upstream(move |request, stream| {
        let (bomb, nth) = (bomb.clone(), calls.fetch_add(1, Ordering::SeqCst));
        async move {
            if nth % 2 == 0 {
                hostile::endless_body(request, stream).await;
            } else {
                hostile::say(stream, bomb).await;
            }
        }
    })
    .await;
    let process = TestProcess::start().await;
    let operator = process.operator();
    connect(&operator, &upstream).await;
    works(&operator).await;
    let before = peak(process.process_id());
    let mut codes = String::new();
    for _ in 0..ROUNDS {
        let task = access(&operator).await;
        write!(codes, "{} ", task["queries"][0]["outcome"]).unwrap();
    }
    let growth = peak(process.process_id()) - before;
    println!("FIGURE hostile_upstream answers={ROUNDS} peak_growth_kib={}", growth / KIB);
    assert_eq!(codes, "\"too_large\" ".repeat(ROUNDS));
    assert!(growth < GROWTH_MAX, "{growth} bytes more at the peak");
    works(&operator).await;
}

/// The most memory that a process ever held, in bytes.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * KIB
}
