//! Tapes: what a connector's author plays to a run in place of upstreams, and what listens to a
//! run for a recording.
//!
//! Knows no format and keeps nothing: the cassettes themselves are the command line's. A tape is
//! asked after every check of a send that needs no connection, and its answers are read like any
//! other, so that what passes here passes in a host. Given to [`crate::Runtime::run_on_tape`].

use std::sync::Arc;

use bytes::Bytes;
use cordon_egress::{Received, SendError};

/// What a run is connected to.
#[derive(Clone)]
pub enum Tape {
    /// Answers; nothing is sent.
    Player(Arc<dyn Player>),
    /// Listens to what is sent.
    Recorder(Arc<dyn Recorder>),
}

/// Answers in place of upstreams.
pub trait Player: Send + Sync {
    /// The answer to one try of a request. None: there is none to this request here; the run
    /// ends, and whoever plays knows why.
    fn answer(&self, request: &TapedRequest) -> Option<TapedAnswer>;

    /// A line that the connector logged, within the limits of a run. With the grant to read it may
    /// hold what was played.
    fn logged(&self, level: &'static str, line: &str);
}

/// Listens to upstreams.
pub trait Recorder: Send + Sync {
    /// One try of a request, and what came of it.
    fn heard(&self, request: TapedRequest, answer: Result<&Received, &SendError>);
}

/// A request as its author knows it: by names, where values stand. No `Debug`: a held scalar is
/// the upstream's word.
#[derive(Clone, PartialEq, Eq)]
pub struct TapedRequest {
    /// The query's label.
    pub label: String,
    /// The verb.
    pub method: String,
    /// The URL.
    pub url: TapedText,
    /// Header names and values, in order.
    pub headers: Vec<(String, TapedText)>,
    /// The body.
    pub body: Option<TapedText>,
    /// Whether anything will be asked of the answer's body.
    pub reads_body: bool,
}

/// A text in pieces.
pub type TapedText = Vec<TapedPiece>;

/// A piece of a text, before it is escaped for its place.
#[derive(Clone, PartialEq, Eq)]
pub enum TapedPiece {
    /// The connector's own words. With the grant to read they may hold what it read.
    Literal(String),
    /// The name of a secret or the kind of an identity; `email 2` is the second of its kind.
    Name(String),
    /// A scalar that came from an answer.
    Held(String),
}

/// What an upstream did.
#[derive(Clone)]
pub enum TapedAnswer {
    /// It answered.
    Response {
        /// The status.
        status: u16,
        /// Header names and values; what cannot be a header is left out.
        headers: Vec<(String, String)>,
        /// The decoded body.
        body: Bytes,
    },
    /// It could not be reached; nothing was sent.
    Unreachable,
    /// It did not answer in time.
    Timeout,
}
