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
    /// What no cassette can hold.
    Unusable(String),
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
            Err(error) => HeardAnswer::Unusable(error.to_string()),
        };
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(Heard { request, answer });
    }
}
