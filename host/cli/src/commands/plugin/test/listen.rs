//! Listens to a run against a live upstream. Holds real values, and only until they are replaced.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use cordon_egress::{Received, SendError};
use cordon_runtime::{Recorder, TapedRequest};

/// The headers of an answer that a cassette keeps.
const HEADERS: [&str; 3] = ["content-type", "link", "retry-after"];

/// Everything that was sent and answered.
#[derive(Default)]
pub(super) struct Listening(Mutex<Vec<Heard>>);

/// One try of a request.
pub(super) struct Heard {
    pub(super) request: TapedRequest,
    pub(super) answer: HeardAnswer,
}

pub(super) enum HeardAnswer {
    Response {
        status: u16,
        headers: Vec<(String, String)>,
        body: Option<Bytes>,
    },
    Unreachable,
    Timeout,
    /// It was not sent.
    Denied {
        code: &'static str,
        why: String,
    },
    /// What no cassette can hold.
    Unusable(String),
}

impl Heard {
    /// What became of it, without a value.
    pub(super) fn sentence(&self) -> String {
        let TapedRequest { label, method, .. } = &self.request;
        let became = match &self.answer {
            HeardAnswer::Response { status, .. } => format!("was answered with {status}"),
            HeardAnswer::Unreachable => "found nobody".to_owned(),
            HeardAnswer::Timeout => "was not answered in time".to_owned(),
            HeardAnswer::Denied { why, .. } => format!("was not sent: {why}"),
            HeardAnswer::Unusable(why) => format!("got no answer that can be used: {why}"),
        };
        format!("the last request, {method} for {label}, {became}")
    }

    /// The code of the gate's refusal.
    pub(super) const fn refusal(&self) -> Option<&'static str> {
        match &self.answer {
            HeardAnswer::Denied { code, .. } => Some(code),
            HeardAnswer::Response { .. }
            | HeardAnswer::Unreachable
            | HeardAnswer::Timeout
            | HeardAnswer::Unusable(_) => None,
        }
    }
}

impl Listening {
    pub(super) fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Recorder for Listening {
    fn heard(&self, request: TapedRequest, answer: Result<&Received, &SendError>) {
        let answer = match answer {
            Ok(received) => {
                let kept = HEADERS.iter().flat_map(|name| {
                    let values = received.headers.get_all(*name).into_iter();
                    values.filter_map(|value| {
                        Some(((*name).to_owned(), value.to_str().ok()?.to_owned()))
                    })
                });
                HeardAnswer::Response {
                    status: received.status,
                    headers: kept.collect(),
                    body: received.body.clone(),
                }
            }
            Err(SendError::Unreachable { .. }) => HeardAnswer::Unreachable,
            Err(SendError::Timeout { .. }) => HeardAnswer::Timeout,
            Err(SendError::Denied { code, detail, .. }) => {
                HeardAnswer::Denied { code, why: detail.clone() }
            }
            Err(
                error @ (SendError::TooLarge { .. }
                | SendError::Truncated { .. }
                | SendError::SecretReflected { .. }),
            ) => HeardAnswer::Unusable(error.to_string()),
        };
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(Heard { request, answer });
    }
}
