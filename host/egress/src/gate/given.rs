//! An attempt whose answer is known: judged like every other, read like every other, and nothing
//! is dialed and no name service asked. For what an author recorded; called by the runtime.

use bytes::Bytes;
use http::Response;
use tokio::time::Instant;

use super::Gate;
use crate::client::Chunks;
use crate::receive::{Reading, read};
use crate::reflect::Scanner;
use crate::send::{Received, SendError, Sending};

impl Gate {
    /// What becomes of an answer to this request: with every check of a send that needs no
    /// connection, and with the limits that hold for every answer.
    ///
    /// # Errors
    /// As [`Gate::send`], but for what only a connection can come to.
    pub async fn take(
        &self,
        sending: &Sending<'_>,
        answer: Response<Bytes>,
    ) -> Result<Received, SendError> {
        self.judge(sending)?;
        let (head, body) = answer.into_parts();
        let reading = Reading {
            options: &self.options,
            bytes_max: self.options.response_bytes_max,
            deadline: Instant::now() + sending.timeout,
            body: sending.body,
            scanner: Scanner::new(sending.rendered.secrets.values()),
        };
        read(head, Chunks::given(body), reading).await
    }
}
