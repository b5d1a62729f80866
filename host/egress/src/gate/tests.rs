//! The gate against a real server on the loopback interface.

mod authorities;
mod codings;
mod own;
mod policy;
mod proxy;
mod tls_upstream;
pub(crate) mod upstream;
mod webhooks;

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cordon_model::grant::{Grants, HttpGrant, Paths, SecretGrant};
use cordon_model::http_request::BodyUse;
use cordon_model::plan::Place;
use cordon_model::{ConnectionKey, Secret, TenantId};
use tokio::net::TcpListener;

use self::upstream::{Upstream, answer, gzip_answer};
use super::*;
use crate::inspect::tests::request;
use crate::render::render;
use crate::render::tests::Known;

/// Answers every question alike, and counts them.
struct FakeNames(Vec<IpAddr>, AtomicUsize);

#[async_trait]
impl Resolve for FakeNames {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.clone())
    }
}

fn development() -> Options {
    Options { development_networks: vec!["127.0.0.0/8".parse().unwrap()], ..Options::default() }
}

fn named(options: Options, addresses: &[&str]) -> (Gate, Arc<FakeNames>) {
    let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
    let names = Arc::new(FakeNames(addresses, AtomicUsize::new(0)));
    (Gate::with_resolver(options, Arc::<FakeNames>::clone(&names)).unwrap(), names)
}

/// One call with everything granted for its origin.
struct Call {
    request: HttpRequest,
    known: Known,
    body: BodyUse,
    timeout: Duration,
    tenant: &'static str,
    limits: EgressLimits,
    ca_bundle: Option<String>,
}

impl Call {
    fn get(url: &str) -> Self {
        Self {
            request: request("GET", url, &[], None),
            known: Known::default(),
            body: BodyUse::Bytes,
            timeout: Duration::from_secs(20),
            tenant: "default",
            limits: EgressLimits::default(),
            ca_bundle: None,
        }
    }

    fn with_secret(mut self, value: &str) -> Self {
        self.known.secrets.insert("credentials".to_owned(), Secret::new(value.to_owned()));
        let text = crate::inspect::tests::text("Bearer «credentials»");
        self.request.headers.push(("Authorization".to_owned(), text));
        self
    }

    fn grants(&self) -> Grants {
        let origin = render(&self.request, &self.known).unwrap().origin().to_owned();
        Grants {
            http: vec![HttpGrant {
                origin: origin.parse().unwrap(),
                methods: [self.request.method.clone()].into(),
                paths: Paths::all(),
                unverified_tls: false,
                raw: false,
            }],
            secrets: vec![SecretGrant {
                name: "credentials".to_owned(),
                origin: origin.parse().unwrap(),
                places: [Place::Header].into(),
            }],
            ..Grants::default()
        }
    }

    async fn send(&self, gate: &Gate) -> Result<Received, SendError> {
        self.send_with(gate, &self.grants()).await
    }

    async fn send_with(&self, gate: &Gate, grants: &Grants) -> Result<Received, SendError> {
        let rendered = render(&self.request, &self.known).unwrap();
        let tenant: TenantId = self.tenant.parse().unwrap();
        let connection: ConnectionKey = "crm".parse().unwrap();
        gate.send(Sending {
            tenant: &tenant,
            connection: &connection,
            grants,
            limits: &self.limits,
            ca_bundle: self.ca_bundle.as_deref(),
            rendered: &rendered,
            verify_tls: self.request.verify_tls,
            idempotency_key: Some("k-1"),
            timeout: self.timeout,
            body: self.body,
        })
        .await
    }
}

fn code(result: Result<Received, SendError>) -> (Stage, &'static str) {
    match result {
        Err(SendError::Denied { stage, code, .. }) => (stage, code),
        other => panic!("not denied: {other:?}"),
    }
}

#[tokio::test]
async fn what_was_rendered_is_what_arrives() {
    let upstream = Upstream::answering(answer("[]")).await;
    let gate = Gate::new(development()).unwrap();
    let headers = [("Content-Type", "application/json"), ("X-A", "«email»")];
    let mut call = Call::get(&upstream.url("/v0/users?e=«email»"));
    call.request = request(
        "DELETE",
        &upstream.url("/v0/users?e=«email»"),
        &headers,
        Some(r#"{"e":"«email»"}"#),
    );
    call.known.identities.insert("email".to_owned(), "p+x@y.example".to_owned());
    let received = call.send(&gate).await.unwrap();
    assert_eq!((received.status, received.body.as_deref()), (200, Some(b"[]".as_slice())));
    let seen = upstream.request();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("DELETE /v0/users?e=p%2Bx%40y.example HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: {}", upstream.address)), "{head}");
    assert!(head.contains("x-a: p+x@y.example"), "{head}");
    assert!(head.contains("idempotency-key: k-1"), "{head}");
    assert!(head.contains("user-agent: cordon/"), "{head}");
    assert!(!head.contains("referer") && !head.contains("cookie"), "{head}");
    assert_eq!(body, r#"{"e":"p+x@y.example"}"#);
}

#[tokio::test]
async fn a_status_is_an_answer_and_a_redirect_is_not_followed() {
    let other = Upstream::answering(answer("stolen")).await;
    for status in [204, 301, 302, 303, 307, 308, 404, 500] {
        let head = format!(
            "HTTP/1.1 {status} X\r\nlocation: {}\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n",
            other.url("/")
        );
        let upstream = Upstream::answering(head).await;
        let received =
            Call::get(&upstream.url("/")).send(&Gate::new(development()).unwrap()).await.unwrap();
        assert_eq!(received.status, status);
        assert_eq!(received.retry_after, Some(crate::RetryAfter::Seconds(7)));
        assert_eq!(upstream.connections.load(Ordering::SeqCst), 1);
    }
    assert_eq!(other.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn loopback_is_not_dialed_unless_the_operator_opened_it() {
    let upstream = Upstream::answering(answer("[]")).await;
    let port = upstream.address.port();
    let closed = Gate::new(Options::default()).unwrap();
    let call = Call::get(&upstream.url("/"));
    assert_eq!(code(call.send(&closed).await), (Stage::Address, "address_denied"));
    let local = Call::get(&format!("http://localhost:{port}/"));
    assert_eq!(code(local.send(&closed).await), (Stage::Policy, "host_reserved"));
    let (closed, _) = named(Options::default(), &["127.0.0.1"]);
    let public = Call::get(&format!("http://api.acme.com:{port}/"));
    assert_eq!(code(public.send(&closed).await), (Stage::Resolve, "address_denied"));
    let mapped = Call::get(&format!("http://[::ffff:7f00:1]:{port}/"));
    assert_eq!(code(mapped.send(&closed).await), (Stage::Address, "address_denied"));
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 0);
    assert!(local.send(&Gate::new(development()).unwrap()).await.is_ok());
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_with_one_bad_address_is_refused_whole() {
    let upstream = Upstream::answering(answer("[]")).await;
    let url = format!("http://api.acme.com:{}/", upstream.address.port());
    let (gate, names) = named(development(), &["127.0.0.1", "10.0.0.1"]);
    assert_eq!(code(Call::get(&url).send(&gate).await), (Stage::Resolve, "address_denied"));
    assert_eq!(names.1.load(Ordering::SeqCst), 1, "one question for a connection");
    let (gate, _) = named(development(), &[]);
    assert_eq!(code(Call::get(&url).send(&gate).await), (Stage::Resolve, "no_address"));
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 0);
    let (gate, names) = named(development(), &["127.0.0.1"]);
    assert!(Call::get(&url).send(&gate).await.is_ok());
    assert_eq!(names.1.load(Ordering::SeqCst), 1);
    assert!(upstream.request().contains("host: api.acme.com:"));
}

#[tokio::test]
async fn an_absent_grant_denies_and_says_what_is_missing() {
    let upstream = Upstream::answering(answer("[]")).await;
    let gate = Gate::new(development()).unwrap();
    let call = Call::get(&upstream.url("/v0/users")).with_secret("long enough");
    let all = call.grants();
    let denied = async |change: &dyn Fn(&mut Grants)| {
        let mut grants = all.clone();
        change(&mut grants);
        code(call.send_with(&gate, &grants).await).1
    };
    assert_eq!(denied(&|g| g.http.clear()).await, "origin_not_granted");
    assert_eq!(
        denied(&|g| g.http[0].methods = ["PUT".to_owned()].into()).await,
        "method_not_granted"
    );
    assert_eq!(
        denied(&|g| g.http[0].paths = Paths::Under("/v1".parse().unwrap())).await,
        "path_not_granted"
    );
    assert_eq!(denied(&|g| g.secrets[0].places = [Place::Url].into()).await, "secret_not_granted");
    assert_eq!(
        denied(&|g| g.secrets[0].origin = "https://b.example".parse().unwrap()).await,
        "secret_not_granted"
    );
    let mut unverified = Call::get(&upstream.url("/"));
    unverified.request.verify_tls = false;
    assert_eq!(code(unverified.send(&gate).await), (Stage::Policy, "tls_unverified_not_granted"));
    let strict = Gate::new(Options { allow_unverified_tls: false, ..development() }).unwrap();
    assert_eq!(code(unverified.send(&strict).await), (Stage::Config, "tls_unverified_forbidden"));
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 0);
    assert!(call.send(&gate).await.is_ok());
}

#[tokio::test]
async fn gzip_is_decoded_and_counted_after_decoding() {
    let upstream = Upstream::answering(gzip_answer(&[b'x'; 5000])).await;
    let gate = Gate::new(development()).unwrap();
    let received = Call::get(&upstream.url("/")).send(&gate).await.unwrap();
    assert_eq!((received.size, received.body.unwrap().len()), (5000, 5000));
    let small = Gate::new(Options { response_bytes_max: 4999, ..development() }).unwrap();
    let result = Call::get(&upstream.url("/")).send(&small).await;
    assert_eq!(result.unwrap_err(), SendError::TooLarge { status: 200 });
}

#[tokio::test]
async fn a_body_in_an_unknown_coding_is_not_kept() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\ncontent-encoding: rot13\r\ncontent-length: 1\r\n\r\nx",
    )
    .await;
    let gate = Gate::new(development()).unwrap();
    let result = Call::get(&upstream.url("/")).send(&gate).await;
    assert_eq!(result.unwrap_err(), SendError::Truncated { status: 200 });
}

#[tokio::test]
async fn a_truncated_or_oversized_body_fails_unless_nobody_looks_at_it() {
    let gate = Gate::new(Options { response_bytes_max: 10, ..development() }).unwrap();
    let mut half_gzip = gzip_answer(&[b'x'; 8]);
    half_gzip.truncate(half_gzip.len() - 6);
    let cases: [(Vec<u8>, SendError); 4] = [
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[]".to_vec(),
            SendError::Truncated { status: 200 },
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[]\r\n".to_vec(),
            SendError::Truncated { status: 200 },
        ),
        (half_gzip, SendError::Truncated { status: 200 }),
        (answer("01234567890").into_bytes(), SendError::TooLarge { status: 200 }),
    ];
    for (answer, expected) in cases {
        let upstream = Upstream::answering(answer).await;
        let mut call = Call::get(&upstream.url("/"));
        assert_eq!(call.send(&gate).await.unwrap_err(), expected);
        call.body = BodyUse::Discard;
        let received = call.send(&gate).await.unwrap();
        assert_eq!((received.status, received.body), (200, None));
    }
    let upstream = Upstream::answering(answer("0123456789")).await;
    assert_eq!(Call::get(&upstream.url("/")).send(&gate).await.unwrap().size, 10);
}

#[tokio::test]
async fn bytes_after_the_body_are_not_read() {
    let upstream = Upstream::answering(
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]HTTP/1.1 200 OK\r\n\r\n",
    )
    .await;
    let gate = Gate::new(development()).unwrap();
    for _ in 0..2 {
        let received = Call::get(&upstream.url("/")).send(&gate).await.unwrap();
        assert_eq!(received.body.as_deref(), Some(b"[]".as_slice()));
    }
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_header_block_over_the_cap_is_refused() {
    let gate = Gate::new(Options { response_header_bytes_max: 1000, ..development() }).unwrap();
    let large =
        format!("HTTP/1.1 200 OK\r\nx-large: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(1000));
    let upstream = Upstream::answering(large).await;
    let result = Call::get(&upstream.url("/")).send(&gate).await;
    assert_eq!(result.unwrap_err(), SendError::TooLarge { status: 200 });
    let many = format!("HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n", "a: b\r\n".repeat(101));
    let upstream = Upstream::answering(many).await;
    let result = Call::get(&upstream.url("/")).send(&gate).await;
    assert_eq!(result.unwrap_err(), SendError::Unreachable { sent: true });
}

#[tokio::test]
async fn interim_answers_are_passed_over_and_a_flood_of_them_lasts_until_the_deadline() {
    let gate = Gate::new(development()).unwrap();
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(1000);
    let upstream = Upstream::answering(hints.clone() + &answer("[]")).await;
    assert_eq!(Call::get(&upstream.url("/")).send(&gate).await.unwrap().status, 200);
    let upstream = Upstream::start(hints.into(), false).await;
    let mut call = Call::get(&upstream.url("/"));
    call.timeout = Duration::from_millis(200);
    assert_eq!(call.send(&gate).await.unwrap_err(), SendError::Timeout { sent: true });
}

#[tokio::test]
async fn an_answer_that_repeats_a_secret_is_refused() {
    let secret = "c2VjcmV0/LXRva2Vu+";
    let gate = Gate::new(development()).unwrap();
    let json = serde_json::json!([{ "echo": secret }]).to_string();
    let gzip = gzip_answer(json.as_bytes());
    let header = format!(
        "HTTP/1.1 401 X\r\nwww-authenticate: Basic x=\"{secret}\"\r\ncontent-length: 0\r\n\r\n"
    );
    let hex = answer(&hex::encode(secret));
    for (answer, status) in [
        (answer(&json).into_bytes(), 200),
        (gzip, 200),
        (header.into_bytes(), 401),
        (hex.into_bytes(), 200),
    ] {
        let upstream = Upstream::answering(answer).await;
        let mut call = Call::get(&upstream.url("/")).with_secret(secret);
        assert_eq!(call.send(&gate).await.unwrap_err(), SendError::SecretReflected { status });
        call.body = BodyUse::Discard;
        assert_eq!(call.send(&gate).await.unwrap_err(), SendError::SecretReflected { status });
        assert!(Call::get(&upstream.url("/")).send(&gate).await.is_ok(), "it was not sent here");
    }
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout_and_the_request_may_have_arrived() {
    let upstream = Upstream::silent().await;
    let gate = Gate::new(development()).unwrap();
    let mut call = Call::get(&upstream.url("/"));
    call.timeout = Duration::from_millis(200);
    assert_eq!(call.send(&gate).await.unwrap_err(), SendError::Timeout { sent: true });
    let dripping = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[";
    let upstream = Upstream::start(dripping.into(), false).await;
    let mut call = Call::get(&upstream.url("/"));
    call.timeout = Duration::from_millis(200);
    assert_eq!(call.send(&gate).await.unwrap_err(), SendError::Timeout { sent: true });
    call.body = BodyUse::Discard;
    assert_eq!(call.send(&gate).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_connection_that_was_never_made_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let gate = Gate::new(development()).unwrap();
    let refused = Call::get(&format!("http://{address}/")).send(&gate).await;
    assert_eq!(refused.unwrap_err(), SendError::Unreachable { sent: false });
    let hanging_up = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = hanging_up.local_addr().unwrap();
    tokio::spawn(async move { while hanging_up.accept().await.is_ok() {} });
    let handshake = Call::get(&format!("https://{address}/")).send(&gate).await;
    assert_eq!(handshake.unwrap_err(), SendError::Unreachable { sent: false });
    let impatient = Options { connect_timeout: Duration::from_millis(200), ..development() };
    let silent = Upstream::silent().await;
    let handshake = Call::get(&format!("https://{}/", silent.address));
    let result = handshake.send(&Gate::new(impatient).unwrap()).await;
    assert_eq!(result.unwrap_err(), SendError::Timeout { sent: false });
    let upstream = Upstream::answering("").await;
    let closed = Call::get(&upstream.url("/")).send(&gate).await;
    assert_eq!(closed.unwrap_err(), SendError::Unreachable { sent: true });
}

#[tokio::test]
async fn an_empty_body_may_name_a_coding() {
    let gate = Gate::new(development()).unwrap();
    for (method, head) in [
        ("GET", "404 X\r\ncontent-encoding: gzip\r\ncontent-length: 0"),
        ("GET", "204 X\r\ncontent-encoding: gzip"),
        ("HEAD", "200 X\r\ncontent-encoding: gzip\r\ncontent-length: 20"),
    ] {
        let upstream = Upstream::answering(format!("HTTP/1.1 {head}\r\n\r\n")).await;
        let mut call = Call::get(&upstream.url("/"));
        call.request.method = method.to_owned();
        let received = call.send(&gate).await.unwrap();
        assert_eq!(received.body.as_deref(), Some(b"".as_slice()), "{method} {head}");
    }
}

#[test]
fn proxy_variables_are_ignored() {
    let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let proxy = format!("http://{}", canary.local_addr().unwrap());
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "gate::tests::what_was_rendered_is_what_arrives"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        child.env(name, &proxy);
    }
    let output = child.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert_eq!(canary.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn tenants_do_not_share_connections() {
    let upstream = Upstream::start(answer("[]").into_bytes(), false).await;
    let gate = Gate::new(development()).unwrap();
    for tenant in ["a", "b"] {
        let mut call = Call::get(&upstream.url("/"));
        call.tenant = tenant;
        call.send(&gate).await.unwrap();
    }
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_request_that_grows_beyond_a_cap_is_refused() {
    let options = Options {
        url_bytes_max: 100,
        request_body_bytes_max: 100,
        request_header_bytes_max: 100,
        ..development()
    };
    let gate = Gate::new(options).unwrap();
    let upstream = Upstream::answering(answer("[]")).await;
    let url = upstream.url("/");
    let long = "x".repeat(101);
    for request in [
        request("GET", &format!("{url}?a={long}"), &[], None),
        request("GET", &url, &[("X-A", &long)], None),
        request("POST", &url, &[], Some(&long)),
    ] {
        let mut call = Call::get(&url);
        call.request = request;
        assert_eq!(code(call.send(&gate).await), (Stage::Render, "request_too_large"));
    }
}

#[test]
fn an_inspection_by_the_gate_counts_the_operators_settings() {
    let codes = |gate: &Gate, url: &str, verify_tls: bool| {
        let mut request = request("GET", url, &[], None);
        request.verify_tls = verify_tls;
        let problems = gate.inspect(&request).err().unwrap_or_default();
        problems.into_iter().map(|p| (p.part, p.code)).collect::<Vec<_>>()
    };
    let strict = Gate::new(Options { allow_unverified_tls: false, ..Options::default() }).unwrap();
    assert_eq!(codes(&strict, "http://10.0.0.1/", true), [("/url".to_owned(), "address_denied")]);
    assert_eq!(codes(&strict, "http://crm/", true), [("/url".to_owned(), "host_reserved")]);
    let unverified = [("/verify_ssl".to_owned(), "tls_unverified_forbidden")];
    assert_eq!(codes(&strict, "https://api.acme.com/", false), unverified);
    assert_eq!(codes(&strict, "https://api.acme.com/", true), []);
    let open = Gate::new(development()).unwrap();
    assert_eq!(codes(&open, "http://localhost:1/", false), []);
}
