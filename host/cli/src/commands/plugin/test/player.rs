//! Plays the exchanges of one run: each request must be the next one on the cassette, to the
//! letter, and is answered from it.

use std::sync::{Mutex, PoisonError};

use cordon_runtime::{Player, TapedAnswer, TapedPiece, TapedRequest, TapedText};
use serde_json::{Map, Value};

use super::cassette::{Exchange, Fails, Request, Response};
use super::difference::Mismatch;
use super::names::Names;

/// What stands for a byte of a body that was not kept.
const FILLER: u8 = b'#';

/// Plays one run.
pub(super) struct Playing {
    /// JSON pointer of the exchanges.
    at: String,
    exchanges: Vec<Exchange>,
    names: Names,
    /// Whether the connector may have read what it writes into literals.
    reads: bool,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    next: usize,
    mismatch: Option<Mismatch>,
    log: Vec<String>,
}

impl Playing {
    pub(super) fn new(at: String, exchanges: Vec<Exchange>, names: Names, reads: bool) -> Self {
        Self { at, exchanges, names, reads, heard: Mutex::default() }
    }

    /// The request that was not as the cassette says, when the run is over: it ended there.
    pub(super) fn mismatch(&self) -> Option<Mismatch> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).mismatch.take()
    }

    /// What the connector logged, in names, when the run is over.
    pub(super) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner).log)
    }

    /// What was not sent at all, when the run is over.
    pub(super) fn unsent(&self) -> Option<Mismatch> {
        let next = self.heard.lock().unwrap_or_else(PoisonError::into_inner).next;
        let unsent = &self.exchanges.get(next)?.request;
        let message = match self.exchanges.len().saturating_sub(next) {
            1 => "the last request of the cassette was not sent".to_owned(),
            left => format!("the last {left} requests of the cassette were not sent"),
        };
        let first = format!("{} {}", unsent.method, unsent.url);
        let mismatch = Mismatch::new(format!("{}/{next}", self.at), message);
        Some(mismatch.compare("request", Some(first), None))
    }

    fn next(&self, request: &TapedRequest, heard: &mut Heard) -> Result<TapedAnswer, Mismatch> {
        let mut words = ByName { names: &self.names, reads: self.reads };
        let sent = written(request, &mut words);
        let at = format!("{}/{}/request", self.at, heard.next);
        let Some(exchange) = self.exchanges.get(heard.next) else {
            let mut mismatch = Mismatch::new(at, "the connector sends a request more");
            mismatch = mismatch.compare("request", None, Some(shown(&sent)));
            return Err(mismatch);
        };
        let mismatch = differences(&at, &exchange.request, &sent);
        if !mismatch.parts.is_empty() {
            return Err(mismatch);
        }
        heard.next += 1;
        Ok(answer(&exchange.response, &self.names))
    }
}

impl Player for Playing {
    fn answer(&self, request: &TapedRequest) -> Option<TapedAnswer> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        match self.next(request, &mut heard) {
            Ok(answer) => Some(answer),
            Err(mismatch) => {
                heard.mismatch.get_or_insert(mismatch);
                None
            }
        }
    }

    fn logged(&self, level: &'static str, line: &str) {
        let line = format!("{level}: {}", self.names.conceal(line));
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).log.push(line);
    }
}

/// How the words of a request are written down.
pub(super) trait Words {
    /// What the connector wrote itself.
    fn literal(&mut self, text: &str) -> String;
    /// A scalar that an upstream answered before.
    fn held(&mut self, value: &str) -> String;
}

/// As a cassette is played: everything but identities and secrets as it is.
struct ByName<'a> {
    names: &'a Names,
    reads: bool,
}

impl Words for ByName<'_> {
    fn literal(&mut self, text: &str) -> String {
        if self.reads { self.names.conceal(text) } else { text.to_owned() }
    }

    fn held(&mut self, value: &str) -> String {
        self.names.name_of(value).unwrap_or_else(|| value.to_owned())
    }
}

/// A request as a cassette holds it.
pub(super) fn written(request: &TapedRequest, words: &mut dyn Words) -> Request {
    let mut plain = |text: &TapedText| -> String {
        text.iter()
            .map(|piece| match piece {
                TapedPiece::Literal(text) => words.literal(text),
                TapedPiece::Name(name) => format!("{{{name}}}"),
                TapedPiece::Held(value) => words.held(value),
            })
            .collect()
    };
    let url = plain(&request.url);
    let mut headers = Map::new();
    for (name, value) in &request.headers {
        add_header(&mut headers, name, plain(value));
    }
    Request {
        label: Some(request.label.clone()),
        method: request.method.clone(),
        url,
        headers,
        body: request.body.as_ref().map(|body| Value::String(plain(body))),
    }
}

/// One more value of a header.
pub(super) fn add_header(headers: &mut Map<String, Value>, name: &str, value: String) {
    let values = headers.entry(name.to_ascii_lowercase()).or_insert(Value::Null);
    *values = match std::mem::take(values) {
        Value::Null => Value::String(value),
        Value::Array(mut several) => {
            several.push(Value::String(value));
            Value::Array(several)
        }
        one => Value::Array(vec![one, Value::String(value)]),
    };
}

/// The values of a header, whether there is one or several.
fn values(value: &Value) -> Vec<String> {
    match value {
        Value::Array(several) => several.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn differences(at: &str, expected: &Request, sent: &Request) -> Mismatch {
    let some = |text: &str| Some(text.to_owned());
    let mut mismatch = Mismatch::new(at, "the connector sends another request");
    if let Some(label) = &expected.label {
        mismatch = mismatch.compare("label", some(label), sent.label.clone());
    }
    mismatch = mismatch.compare("method", some(&expected.method), some(&sent.method));
    mismatch = mismatch.compare("url", some(&expected.url), some(&sent.url));
    let lower: Map<String, Value> =
        expected.headers.iter().map(|(n, v)| (n.to_ascii_lowercase(), v.clone())).collect();
    for (name, value) in &lower {
        let actual = sent.headers.get(name).map(|value| values(value).join("\n"));
        mismatch = mismatch.compare(header(name), Some(values(value).join("\n")), actual);
    }
    for (name, value) in sent.headers.iter().filter(|(name, _)| !lower.contains_key(*name)) {
        mismatch = mismatch.compare(header(name), None, Some(values(value).join("\n")));
    }
    let actual = sent.body.as_ref().map(text);
    match &expected.body {
        Some(Value::String(text)) => mismatch.compare("body", some(text), actual),
        None => mismatch.compare("body", None, actual),
        Some(json) => {
            let parsed: Option<Value> =
                actual.as_deref().and_then(|text| serde_json::from_str(text).ok());
            match parsed {
                Some(parsed) => mismatch.compare_documents("body", json, &parsed),
                None => mismatch.compare("body", Some(format!("{json:#}")), actual),
            }
        }
    }
}

fn header(name: &str) -> String {
    format!("header {name}")
}

fn shown(request: &Request) -> String {
    serde_json::to_string_pretty(request).unwrap_or_else(|_| request.url.clone())
}

fn answer(response: &Response, names: &Names) -> TapedAnswer {
    match response.fails {
        Some(Fails::Unreachable) => return TapedAnswer::Unreachable,
        Some(Fails::Timeout) => return TapedAnswer::Timeout,
        None => {}
    }
    let body = match (&response.body, &response.text, response.size) {
        (Some(json), ..) => names.reveal_in(json).to_string().into_bytes(),
        (None, Some(text), _) => names.reveal(text).into_bytes(),
        (None, None, Some(size)) => vec![FILLER; usize::try_from(size).unwrap_or(usize::MAX)],
        (None, None, None) => Vec::new(),
    };
    let headers = response.headers.iter().flat_map(|(name, value)| {
        values(value).into_iter().map(|value| (name.clone(), names.reveal(&value)))
    });
    TapedAnswer::Response {
        status: response.status.unwrap_or(200),
        headers: headers.collect(),
        body: body.into(),
    }
}
