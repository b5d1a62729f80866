//! A client of event streams, as a browser has one: it reads server-sent events one by one, as
//! they come, off a connection of its own.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::client::Client;

/// How long the next event may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open stream; closed when it is dropped.
pub(crate) struct EventStream {
    connection: BufReader<TcpStream>,
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// Read, and not yet made an event.
    text: String,
    /// Keep-alive comments so far.
    pub(crate) comments: usize,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamEvent {
    pub(crate) id: Option<u64>,
    pub(crate) event: String,
    pub(crate) data: Value,
}

impl EventStream {
    /// Follows a request, from after this event on.
    pub(crate) async fn open(client: &Client, id: &str, last_event_id: Option<&str>) -> Self {
        let address = client.server.strip_prefix("http://").unwrap();
        let mut head = format!(
            "GET /v1/privacy-requests/{id}/events HTTP/1.1\r\nHost: {address}\r\n\
             Accept: text/event-stream\r\nCache-Control: no-cache\r\n"
        );
        let key = client.key.as_ref().map(|key| ("Authorization", format!("Bearer {key}")));
        let tenant = client.tenant.clone().map(|tenant| ("Cordon-Tenant", tenant));
        let last = last_event_id.map(|last| ("Last-Event-ID", last.to_owned()));
        for (name, value) in key.into_iter().chain(tenant).chain(last) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut stream = Self {
            connection: BufReader::new(connection),
            status: 0,
            headers: Vec::new(),
            text: String::new(),
            comments: 0,
        };
        let status = stream.line().await;
        stream.status = status.split(' ').nth(1).unwrap().parse().unwrap();
        loop {
            let line = stream.line().await;
            let Some((name, value)) = line.split_once(':') else { break };
            stream.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        stream
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The next event; none: the stream ended.
    pub(crate) async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            if let Some(block) = self.block() {
                match parsed(&block) {
                    Some(event) => return Some(event),
                    None => self.comments += 1,
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.chunk()).await.expect("nothing came");
            self.text.push_str(&chunk?);
        }
    }

    /// Everything until the stream ends.
    pub(crate) async fn rest(&mut self) -> Vec<StreamEvent> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }

    /// Reads until so many keep-alive comments came.
    pub(crate) async fn wait_for_comments(&mut self, count: usize) {
        while self.comments < count {
            while let Some(block) = self.block() {
                self.comments += usize::from(parsed(&block).is_none());
            }
            let chunk = tokio::time::timeout(PATIENCE, self.chunk()).await.expect("nothing came");
            self.text.push_str(&chunk.expect("the stream goes on"));
        }
    }

    fn block(&mut self) -> Option<String> {
        let end = self.text.find("\n\n")?;
        let rest = self.text.split_off(end + 2);
        Some(std::mem::replace(&mut self.text, rest))
    }

    /// One chunk of the body; none: it ended, in whatever way.
    async fn chunk(&mut self) -> Option<String> {
        let size = usize::from_str_radix(self.line().await.trim(), 16).ok()?;
        let mut bytes = vec![0; size + 2];
        self.connection.read_exact(&mut bytes).await.ok()?;
        bytes.truncate(size);
        (size > 0).then(|| String::from_utf8(bytes).unwrap())
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        // A connection that broke is a line that is empty.
        let _ = self.connection.read_line(&mut line).await;
        line.trim_end().to_owned()
    }
}

/// The event of a block; none: a comment.
fn parsed(block: &str) -> Option<StreamEvent> {
    let field = |name: &str| {
        let mut lines = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        lines.next().map(str::trim_start)
    };
    let event = field("event")?.to_owned();
    let id = field("id").map(|id| id.parse().unwrap());
    Some(StreamEvent { id, event, data: serde_json::from_str(field("data")?).unwrap() })
}
