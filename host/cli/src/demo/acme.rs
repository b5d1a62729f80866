//! The API of the source document's example, as a real HTTP server on loopback.
//!
//! `cordon demo` sends its requests to it, so that a person can watch a whole privacy request
//! without an account anywhere. It knows one person, forgets them when it is told to, and
//! remembers every call. It is no mock: credentials, queries and bodies are read as any API would
//! read them. It keeps nothing on disk and speaks no TLS. Called by the demo.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

/// The one person this API knows.
pub const PERSON: &str = "peter@initech.example";

const PHONE: &str = r#"[{"primary_phone_number": "+1 512 555 0142"}]"#;

const RECORDS: &str = r#"[
  {"first_name": "Peter", "last_name": "Gibbons", "company": "Initech", "friends": ["Samir", "Michael"]},
  {"address_type": "Home", "address": {"street": "191 N. Lamar", "city": "Flander", "state": "Illinois", "zip_code": "77070"}}
]"#;

/// Longest body that is read.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How many calls are remembered; later ones are answered and shown, but not kept.
const CALLS_MAX: usize = 10_000;
/// How far a watcher may fall behind before it loses calls.
const WATCHER_LAG_MAX: usize = 1024;
/// How many connections are served at once; others wait.
const CONNECTIONS_MAX: usize = 256;
/// How long to wait before the next connection is accepted when one could not be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a call that is under way may take to end when the server stops.
const SHUTDOWN_TIME: Duration = Duration::from_secs(2);

/// The running server. Stops when `shutdown` is called or its token is canceled.
pub struct Acme {
    /// Where it listens.
    pub address: SocketAddr,
    api: Arc<Api>,
    cancel: CancellationToken,
    server: JoinHandle<()>,
}

/// One HTTP request that the server answered. Holds no value that could name a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The path, and the names of the query's parameters: `/v0/users?email=…`.
    pub path: String,
    /// What was answered.
    pub status: u16,
    /// Whether the request had an `Idempotency-Key`.
    pub idempotency_key: bool,
}

impl Acme {
    /// Listens on a free port of loopback. `credentials` is what a client must send after
    /// `Authorization: Basic`, the base64 of user and password.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(credentials: &str, cancel: CancellationToken) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("the demo API cannot listen on loopback")?;
        let address = listener.local_addr().context("the demo API has no address")?;
        let api = Arc::new(Api {
            authorization: format!("Basic {credentials}"),
            state: Mutex::default(),
            watchers: broadcast::Sender::new(WATCHER_LAG_MAX),
        });
        let cancel = cancel.child_token();
        let server = tokio::spawn(serve(listener, Arc::clone(&api), cancel.clone()));
        Ok(Self { address, api, cancel, server })
    }

    /// Every call so far, in the order of the answers.
    pub fn calls(&self) -> Vec<Call> {
        self.api.state().calls.clone()
    }

    /// Gets each call from now on, as it is answered.
    pub fn watch(&self) -> broadcast::Receiver<Call> {
        self.api.watchers.subscribe()
    }

    /// Knows its person again, as on the first day, and forgets its calls.
    pub fn reset(&self) {
        *self.api.state() = State::default();
    }

    /// Stops listening, lets calls that are under way end, and closes every connection.
    pub async fn shutdown(self) {
        self.cancel.cancel();
        // A server that panicked is stopped too.
        let _ = self.server.await;
    }
}

async fn serve(listener: TcpListener, api: Arc<Api>, cancel: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = cancel.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                match accepted {
                    Ok((stream, _)) => {
                        let api = Arc::clone(&api);
                        connections.spawn(serve_connection(stream, api, cancel.clone()));
                    }
                    // Most likely out of descriptors; some are free again in a moment.
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                }
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    // What has not ended by then is aborted with the set.
    let _ = tokio::time::timeout(SHUTDOWN_TIME, ended).await;
}

async fn serve_connection(stream: TcpStream, api: Arc<Api>, cancel: CancellationToken) {
    let service = service_fn(move |request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(api.answer(request).await) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // An error is a client that went away in the middle of a message.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = cancel.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// What all connections share.
struct Api {
    authorization: String,
    state: Mutex<State>,
    watchers: broadcast::Sender<Call>,
}

#[derive(Default)]
struct State {
    deleted: bool,
    opted_out: bool,
    calls: Vec<Call>,
}

impl State {
    fn knows(&self, email: &str) -> bool {
        email == PERSON && !self.deleted
    }
}

/// A status and a JSON body.
type Answer = (StatusCode, &'static str);

impl Api {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done when a holder of the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let query = head.uri.query().unwrap_or_default();
        let (status, text) = match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) if self.is_authorized(&head.headers) => {
                self.route(&head.method, head.uri.path(), query, &body.to_bytes())
            }
            Ok(_) => (StatusCode::UNAUTHORIZED, r#"{"error": "unauthorized"}"#),
            Err(_) => (StatusCode::PAYLOAD_TOO_LARGE, r#"{"error": "body too large"}"#),
        };
        self.note(Call {
            method: head.method.to_string(),
            path: without_values(head.uri.path(), query),
            status: status.as_u16(),
            idempotency_key: head.headers.contains_key("idempotency-key"),
        });
        let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
        }
        response
    }

    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let mut sent = headers.get_all(header::AUTHORIZATION).iter();
        let first = sent.next().is_some_and(|value| value == self.authorization.as_str());
        first && sent.next().is_none()
    }

    fn route(&self, method: &Method, path: &str, query: &str, body: &[u8]) -> Answer {
        match (method, path) {
            (&Method::GET, "/v0/health-check") => (StatusCode::OK, r#"{"status": "ok"}"#),
            (&Method::GET, "/v0/identifiers/get-phone") => self.find(query, PHONE),
            (&Method::GET, "/v0/users") => self.find(query, RECORDS),
            (&Method::DELETE, "/v0/users") => self.change(body, |state| {
                state.deleted = true;
                (StatusCode::OK, r#"{"deleted": true}"#)
            }),
            (&Method::PUT, "/v0/users/optout") => self.change(body, |state| {
                let before = std::mem::replace(&mut state.opted_out, true);
                let status = if before { StatusCode::OK } else { StatusCode::CREATED };
                (status, r#"{"opted_out": true}"#)
            }),
            _ => (StatusCode::NOT_FOUND, r#"{"error": "no such endpoint"}"#),
        }
    }

    fn find(&self, query: &str, found: &'static str) -> Answer {
        // Decodes `%40`, and reads a bare `+` as a space, as every form decoder does.
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        match pairs.find(|(name, _)| name == "email") {
            Some((_, email)) if self.state().knows(&email) => (StatusCode::OK, found),
            Some(_) => (StatusCode::OK, "[]"),
            None => (StatusCode::BAD_REQUEST, r#"{"error": "email is missing"}"#),
        }
    }

    fn change(&self, body: &[u8], change: impl FnOnce(&mut State) -> Answer) -> Answer {
        let body = serde_json::from_slice::<serde_json::Value>(body).ok();
        let Some(email) = body.as_ref().and_then(|body| body.get("email")?.as_str()) else {
            return (
                StatusCode::BAD_REQUEST,
                r#"{"error": "the body must be an object with an email"}"#,
            );
        };
        let mut state = self.state();
        if state.knows(email) {
            change(&mut state)
        } else {
            (StatusCode::NOT_FOUND, r#"{"error": "no such user"}"#)
        }
    }

    fn note(&self, call: Call) {
        let mut state = self.state();
        if state.calls.len() < CALLS_MAX {
            state.calls.push(call.clone());
        }
        // Under the lock, so that watchers see calls in the same order. Nobody may be watching.
        let _ = self.watchers.send(call);
    }
}

/// The path and the names of the parameters.
fn without_values(path: &str, query: &str) -> String {
    let mut shown = path.to_owned();
    for (index, (name, _)) in form_urlencoded::parse(query.as_bytes()).enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        shown.push_str(&name);
        shown.push_str("=…");
    }
    shown
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const CREDENTIALS: &str = "YWNtZTpzZWNyZXQ=";

    async fn acme() -> Acme {
        Acme::start(CREDENTIALS, CancellationToken::new()).await.unwrap()
    }

    /// Sends bytes as they are; gives the status and the body.
    async fn raw(acme: &Acme, message: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(acme.address).await.unwrap();
        stream.write_all(message.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    async fn send(acme: &Acme, method: &str, target: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let message = format!(
            "{method} {target} HTTP/1.1\r\nHost: acme\r\nConnection: close\r\n\
             Authorization: Basic {CREDENTIALS}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        raw(acme, &message).await
    }

    #[tokio::test]
    async fn the_known_person_is_found_and_nobody_else() {
        let acme = acme().await;
        assert_eq!(send(&acme, "GET", "/v0/health-check", "").await.0, 200);
        let found = send(&acme, "GET", "/v0/users?email=peter%40initech.example", "").await;
        assert_eq!(found, (200, RECORDS.to_owned()));
        let found =
            send(&acme, "GET", "/v0/identifiers/get-phone?email=peter@initech.example", "").await;
        assert_eq!(found, (200, PHONE.to_owned()));
        for other in ["milton%40initech.example", "peter%2B1%40initech.example", ""] {
            let found = send(&acme, "GET", &format!("/v0/users?email={other}"), "").await;
            assert_eq!(found, (200, "[]".to_owned()), "{other}");
        }
        assert_eq!(send(&acme, "GET", "/v0/users", "").await.0, 400);
        acme.shutdown().await;
    }

    #[tokio::test]
    async fn a_deleted_person_is_gone_until_a_reset() {
        let acme = acme().await;
        let body = r#"{"email": "peter@initech.example"}"#;
        assert_eq!(send(&acme, "PUT", "/v0/users/optout", body).await.0, 201);
        assert_eq!(send(&acme, "PUT", "/v0/users/optout", body).await.0, 200);
        assert_eq!(send(&acme, "DELETE", "/v0/users", r#"{"email": "x@y.example"}"#).await.0, 404);
        assert_eq!(send(&acme, "DELETE", "/v0/users", body).await.0, 200);
        assert_eq!(send(&acme, "DELETE", "/v0/users", body).await.0, 404);
        assert_eq!(send(&acme, "PUT", "/v0/users/optout", body).await.0, 404);
        let target = "/v0/users?email=peter%40initech.example";
        assert_eq!(send(&acme, "GET", target, "").await.1, "[]");
        acme.reset();
        assert!(acme.calls().is_empty());
        assert_eq!(send(&acme, "GET", target, "").await.1, RECORDS);
        acme.shutdown().await;
    }

    #[tokio::test]
    async fn every_endpoint_wants_the_credentials() {
        let acme = acme().await;
        for (method, path) in [
            ("GET", "/v0/health-check"),
            ("GET", "/v0/users?email=x"),
            ("DELETE", "/v0/users"),
            ("GET", "/nowhere"),
        ] {
            for authorization in
                ["X-None: 1", "Authorization: Basic d3Jvbmc6", "Authorization: Bearer x"]
            {
                let message = format!(
                    "{method} {path} HTTP/1.1\r\nHost: acme\r\nConnection: close\r\n{authorization}\r\n\r\n"
                );
                assert_eq!(raw(&acme, &message).await.0, 401, "{method} {path} {authorization}");
            }
        }
        assert_eq!(send(&acme, "GET", "/nowhere", "").await.0, 404);
        assert_eq!(send(&acme, "POST", "/v0/users", "").await.0, 404);
        acme.shutdown().await;
    }

    #[tokio::test]
    async fn a_body_that_names_nobody_changes_nothing() {
        let acme = acme().await;
        for body in ["", "{", "[]", "{}", r#"{"email": 7}"#, r#"{{"email": "x"}}"#] {
            assert_eq!(send(&acme, "DELETE", "/v0/users", body).await.0, 400, "{body}");
        }
        let long = format!(r#"{{"email": "{}"}}"#, "x".repeat(BODY_BYTES_MAX));
        assert_eq!(send(&acme, "DELETE", "/v0/users", &long).await.0, 413);
        acme.shutdown().await;
    }

    #[tokio::test]
    async fn calls_are_remembered_and_watched_without_values() {
        let acme = acme().await;
        let mut watcher = acme.watch();
        send(&acme, "GET", "/v0/users?email=peter%40initech.example&page=2", "").await;
        let message = format!(
            "GET /v0/health-check HTTP/1.1\r\nHost: acme\r\nConnection: close\r\n\
             Authorization: Basic {CREDENTIALS}\r\nIdempotency-Key: k\r\n\r\n"
        );
        raw(&acme, &message).await;
        let call = |path: &str, idempotency_key| Call {
            method: "GET".to_owned(),
            path: path.to_owned(),
            status: 200,
            idempotency_key,
        };
        let expected =
            vec![call("/v0/users?email=…&page=…", false), call("/v0/health-check", true)];
        assert_eq!(acme.calls(), expected);
        assert_eq!(vec![watcher.recv().await.unwrap(), watcher.recv().await.unwrap()], expected);
        acme.shutdown().await;
        assert!(watcher.recv().await.is_err(), "the channel ends with the server");
    }

    #[tokio::test]
    async fn a_shutdown_closes_idle_connections_and_the_port() {
        let acme = acme().await;
        let address = acme.address;
        let mut idle = TcpStream::connect(address).await.unwrap();
        // Answered once, so that the server holds the connection.
        let message = "GET /v0/health-check HTTP/1.1\r\nHost: acme\r\n\r\n";
        idle.write_all(message.as_bytes()).await.unwrap();
        let mut first = [0; 12];
        idle.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 401");
        acme.shutdown().await;
        let mut rest = Vec::new();
        idle.read_to_end(&mut rest).await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn canceling_the_token_stops_the_server() {
        let cancel = CancellationToken::new();
        let acme = Acme::start(CREDENTIALS, cancel.clone()).await.unwrap();
        cancel.cancel();
        acme.server.await.unwrap();
        assert!(TcpStream::connect(acme.address).await.is_err());
    }
}
