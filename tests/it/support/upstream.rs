//! An upstream for tests: a real HTTP server on a free port of loopback.
//!
//! A test says what a route answers, holds an answer back for as long as it likes, and waits for
//! calls without sleeping. The server decides nothing: a route without an answer is a 404 that
//! says so. It speaks HTTP/1.1 without TLS.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Response};
use axum::serve::{IncomingStream, Listener};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long `wait_for_calls` waits before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longest body that is read.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A running server; stops when it is dropped.
pub(crate) struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// One HTTP request, as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    /// As it was sent, still encoded; empty when there was none.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// The value of a header that was sent once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} was sent twice");
        Some(value.to_str().expect("a header of printable ASCII"))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of UTF-8")
    }
}

/// What a route answers.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    gate: Option<Gate>,
    hangs_up: bool,
}

impl Reply {
    /// A status without a body.
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), gate: None, hangs_up: false }
    }

    /// 200 and a JSON body.
    pub(crate) fn json(body: impl Into<Bytes>) -> Self {
        Self::status(200).header("content-type", "application/json").body(body)
    }

    /// Closes the connection after the request was read, without a byte of an answer: the client
    /// cannot know what became of it.
    pub(crate) fn hang_up() -> Self {
        Self { hangs_up: true, ..Self::status(200) }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Answers when the gate is open. The call is recorded before that.
    pub(crate) fn held_by(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }
}

/// Holds answers back until it is opened; stays open.
#[derive(Debug, Clone)]
pub(crate) struct Gate(watch::Sender<bool>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        // Cannot fail while this clone of the sender lives.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port of loopback");
        let address = listener.local_addr().expect("a bound listener");
        let shared =
            Arc::new(Shared { routes: Mutex::default(), calls: watch::Sender::new(Vec::new()) });
        let service = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared))
            .into_make_service_with_connect_info::<Line>();
        let server = tokio::spawn(async move {
            // Ends only when it is aborted.
            let _ = axum::serve(Lines(listener), service).await;
        });
        Self { address, shared, server }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path (with its query) of this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What a route answers to every call that has no scripted reply.
    pub(crate) fn on(
        &self,
        method: &str,
        path: &str,
        respond: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    ) -> &Self {
        self.shared.with_route(method, path, |route| route.respond = Some(Arc::new(respond)));
        self
    }

    /// What a route answers to its next calls, one reply each, in this order.
    pub(crate) fn script(
        &self,
        method: &str,
        path: &str,
        replies: impl IntoIterator<Item = Reply>,
    ) -> &Self {
        self.shared.with_route(method, path, |route| route.script.extend(replies));
        self
    }

    /// Every call so far, in the order of arrival.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.calls.borrow().clone()
    }

    /// Waits until this many calls have arrived, and gives all.
    pub(crate) async fn wait_for_calls(&self, count: usize) -> Vec<Call> {
        let mut calls = self.shared.calls.subscribe();
        let arrived = calls.wait_for(|calls| calls.len() >= count);
        match tokio::time::timeout(PATIENCE, arrived).await {
            Ok(arrived) => arrived.expect("the server holds the sender").clone(),
            Err(_) => panic!("{} of {count} calls arrived", self.calls().len()),
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Respond = Arc<dyn Fn(&Call) -> Reply + Send + Sync>;

#[derive(Default)]
struct Route {
    script: VecDeque<Reply>,
    respond: Option<Respond>,
}

struct Shared {
    routes: Mutex<HashMap<(String, String), Route>>,
    calls: watch::Sender<Vec<Call>>,
}

impl Shared {
    fn with_route<T>(&self, method: &str, path: &str, with: impl FnOnce(&mut Route) -> T) -> T {
        let key = (method.to_owned(), path.to_owned());
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        with(routes.entry(key).or_default())
    }

    fn reply_to(&self, call: &Call) -> Reply {
        let (scripted, respond) = self.with_route(&call.method, &call.path, |route| {
            (route.script.pop_front(), route.respond.clone())
        });
        // Outside the lock: what a test does here may ask this server something.
        scripted
            .or_else(|| respond.map(|respond| respond(call)))
            .unwrap_or_else(|| Reply::status(404).body("the test gave this route no answer"))
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        // The client went away, or sends more than any test does.
        line.cut();
        return Response::default();
    };
    let call = Call {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    let reply = shared.reply_to(&call);
    shared.calls.send_modify(|calls| calls.push(call));
    if let Some(gate) = &reply.gate {
        gate.passed().await;
    }
    if reply.hangs_up {
        line.cut();
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).expect("a reply of valid status and headers")
}

/// One connection, as far as `hang_up` is concerned.
#[derive(Debug, Clone, Default)]
struct Line(Arc<AtomicBool>);

impl Line {
    /// Nothing is written to the connection from now on.
    fn cut(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl Connected<IncomingStream<'_, Lines>> for Line {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.remote_addr().clone()
    }
}

/// Accepts connections that can be cut.
struct Lines(TcpListener);

impl Listener for Lines {
    type Io = Cuttable;
    type Addr = Line;

    async fn accept(&mut self) -> (Cuttable, Line) {
        let (stream, _) = Listener::accept(&mut self.0).await;
        let line = Line::default();
        (Cuttable { stream, line: line.clone() }, line)
    }

    fn local_addr(&self) -> io::Result<Line> {
        Ok(Line::default())
    }
}

struct Cuttable {
    stream: TcpStream,
    line: Line,
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Sends one request as it is written here; gives everything that comes back.
    async fn send(upstream: &Upstream, method: &str, target: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(upstream.address()).await.unwrap();
        let message = format!(
            "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Word: y\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(message.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn scripted_replies_come_before_the_route_and_each_once() {
        let upstream = Upstream::start().await;
        upstream.on("GET", "/a", |call| Reply::json(format!("{:?}", call.query))).script(
            "GET",
            "/a",
            [Reply::status(503).header("Retry-After", "1")],
        );
        let first = send(&upstream, "GET", "/a?x=%20", "").await;
        assert!(first.starts_with("HTTP/1.1 503"), "{first}");
        assert!(first.contains("retry-after: 1"), "{first}");
        let second = send(&upstream, "GET", "/a?x=%20", "").await;
        assert!(second.ends_with("\r\n\r\n\"x=%20\""), "{second}");
        assert!(send(&upstream, "PUT", "/a", "").await.starts_with("HTTP/1.1 404"));
        assert_eq!(upstream.url("/a"), format!("http://{}/a", upstream.address()));
    }

    #[tokio::test]
    async fn a_call_is_recorded_while_its_answer_is_held() {
        let upstream = Upstream::start().await;
        let gate = Gate::new();
        upstream.script("DELETE", "/users", [Reply::status(204).held_by(&gate)]);
        let (answer, ()) = tokio::join!(send(&upstream, "DELETE", "/users", "{}"), async {
            let calls = upstream.wait_for_calls(1).await;
            assert_eq!(calls[0].method, "DELETE");
            assert_eq!(calls[0].path, "/users");
            assert_eq!(calls[0].header("x-word"), Some("y"));
            assert_eq!(calls[0].header("x-none"), None);
            assert_eq!(calls[0].text(), "{}");
            gate.open();
        });
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    }

    #[tokio::test]
    async fn a_hang_up_reads_the_request_and_answers_nothing() {
        let upstream = Upstream::start().await;
        upstream.script("POST", "/users", [Reply::hang_up()]);
        assert_eq!(send(&upstream, "POST", "/users", "{}").await, "");
        assert_eq!(upstream.calls().len(), 1);
    }
}
