//! An upstream that keeps to no protocol: what it says to a connection is up to the test, byte by
//! byte. For ordinary answers there is [`super::upstream`].

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running server; stops when it is dropped.
pub(crate) struct RawUpstream {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    requests: Vec<String>,
}

impl RawUpstream {
    /// Answers every request with these bytes and hangs up.
    pub(crate) async fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Arc<[u8]> = bytes.into().into();
        Self::start(move |_, mut stream| {
            let bytes = Arc::clone(&bytes);
            async move {
                // Whoever went away needs no answer.
                let _ = stream.write_all(&bytes).await;
            }
        })
        .await
    }

    /// Reads one request of each connection and leaves the rest to the test.
    pub(crate) async fn start<F>(
        speak: impl Fn(String, TcpStream) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port of loopback");
        let address = listener.local_addr().expect("a bound listener");
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let (noted, speak) = (Arc::clone(&seen), Arc::new(speak));
        let server = tokio::spawn(async move {
            // Ends with the server, and what it still says ends too.
            let mut speaking = tokio::task::JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                noted.lock().unwrap().connections += 1;
                let (noted, speak) = (Arc::clone(&noted), Arc::clone(&speak));
                speaking.spawn(async move {
                    let request = read_request(&mut stream).await;
                    noted.lock().unwrap().requests.push(request.clone());
                    speak(request, stream).await;
                });
                while speaking.try_join_next().is_some() {}
            }
        });
        Self { address, seen, server }
    }

    /// The URL of a path (with its query) of this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// Every request as it arrived, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }
}

impl Drop for RawUpstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Reads a request to the end of its body, or as far as it comes.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if read == 0 || is_whole(&text) {
            return text;
        }
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// An answer of 200 with a JSON body, after which the connection is closed.
pub(crate) fn json_answer(body: &str) -> String {
    answer("200 OK", &[("content-type", "application/json")], body)
}

/// An answer after which the connection is closed.
pub(crate) fn answer(status: &str, headers: &[(&str, &str)], body: &str) -> String {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}
