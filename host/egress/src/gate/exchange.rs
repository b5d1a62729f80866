//! One request over a client, from its bytes to the answer's, and what a failure on the way
//! comes to. Everything that can be judged without a connection was judged before.

use std::error::Error as _;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderName, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use http_body_util::Full;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};

use super::{Gate, denied};
use crate::address::AddressGuard;
use crate::ca_bundle;
use crate::client::{
    self, Answer, AnswerError, CheckedBy, Client, HttpInfo, Owner, Purpose, cause,
};
use crate::dial::ConnectTimeout;
use crate::proxy::ProxyError;
use crate::receive::{Reading, receive};
use crate::reflect::Scanner;
use crate::resolve::{AnswerRefused, Guarded, NoAddresses};
use crate::send::{Received, SendError, Sending, Stage};
use crate::tls::Trust;

impl Gate {
    /// Judges and sends. `bytes_max` is the largest body that is read.
    pub(super) async fn attempt(
        &self,
        sending: &Sending<'_>,
        purpose: Purpose,
        bytes_max: u64,
    ) -> Result<Received, SendError> {
        let deadline = Instant::now() + sending.timeout;
        let guard = self.judge(sending)?;
        let client = self.client(sending, purpose, &guard)?;
        let request = build_request(sending)?;
        let answer = timeout_at(deadline, Box::pin(client.execute(request))).await;
        let answer = match answer {
            // How far it came is not known; assume the worst.
            Err(_) => return Err(SendError::Timeout { sent: true }),
            Ok(Err(error)) => return Err(broken(&error)),
            Ok(Ok(answer)) => answer,
        };
        if self.options.proxy.is_none() {
            check_peer(&guard, &answer)?;
        }
        let reading = Reading {
            options: &self.options,
            bytes_max,
            deadline,
            body: sending.body,
            scanner: Scanner::new(sending.rendered.secrets.values()),
        };
        receive(answer, reading).await
    }

    fn client(
        &self,
        sending: &Sending<'_>,
        purpose: Purpose,
        guard: &Arc<AddressGuard>,
    ) -> Result<Client, SendError> {
        let bundle = sending.ca_bundle.filter(|_| sending.verify_tls);
        let owner = Owner {
            tenant: sending.tenant.clone(),
            purpose,
            checked_by: match bundle {
                _ if !sending.verify_tls => CheckedBy::Nobody,
                Some(pem) => CheckedBy::Bundle(Sha256::digest(pem).into()),
                None => CheckedBy::System,
            },
            open: guard.open().to_vec(),
        };
        let build = || {
            let trust = match bundle {
                _ if !sending.verify_tls => Trust::Unchecked,
                Some(pem) => Trust::Also(
                    ca_bundle::read(pem, &self.options)
                        .map_err(|error| crate::Error::Client(error.to_string()))?,
                ),
                None => Trust::System,
            };
            let names = Guarded::new(Arc::clone(&self.resolver), Arc::clone(guard));
            client::guarded(&self.options, names, trust)
        };
        self.clients
            .get(owner, build)
            .map_err(|error| denied(Stage::Connect, "client_unavailable", error.to_string()))
    }
}

fn build_request(sending: &Sending<'_>) -> Result<Request<Full<Bytes>>, SendError> {
    let rendered = sending.rendered;
    let uri = Uri::try_from(rendered.target.url.as_str())
        .map_err(|_| denied(Stage::Parse, "url_invalid", "the URL cannot be sent"))?;
    let body = rendered.body.clone().unwrap_or_default();
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = rendered.method.clone();
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("cordon/", env!("CARGO_PKG_VERSION"))),
    );
    for (name, value) in &rendered.headers {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(key) = sending.idempotency_key {
        let value = HeaderValue::from_str(key).map_err(|_| {
            denied(Stage::Render, "idempotency_key", "the Idempotency-Key is no header value")
        })?;
        headers.insert(HeaderName::from_static("idempotency-key"), value);
    }
    Ok(request)
}

/// The last line: whoever answered must be somebody who may be asked. Behind a proxy the peer is
/// the proxy, and whom it asked was said to it by address.
fn check_peer(guard: &AddressGuard, answer: &Answer) -> Result<(), SendError> {
    let peer = answer.extensions().get::<HttpInfo>().map(HttpInfo::remote_addr);
    match peer.map(|peer| guard.check_port(peer.ip(), peer.port())) {
        Some(Ok(())) => Ok(()),
        Some(Err(undialed)) => {
            let detail = format!("the connection led to an address that is not dialed: {undialed}");
            Err(denied(Stage::Connect, "peer_denied", detail))
        }
        None => Err(denied(Stage::Connect, "peer_unknown", "the peer's address is not known")),
    }
}

/// What a failure before the answer's head comes to.
fn broken(error: &AnswerError) -> SendError {
    let sent = !error.is_connect();
    let mut timed_out = false;
    let mut source = error.source();
    while let Some(inner) = source {
        let refused = inner.downcast_ref::<AnswerRefused>().copied().or_else(|| match inner
            .downcast_ref::<NoAddresses>(
        ) {
            Some(NoAddresses::Refused(refused)) => Some(*refused),
            Some(NoAddresses::Unresolved(_)) | None => None,
        });
        if let Some(refused) = refused {
            return denied(Stage::Resolve, refused.code(), refused.to_string());
        }
        if let Some(refused) = inner.downcast_ref::<ProxyError>()
            && let Some(code) = refused.code()
        {
            return denied(Stage::Connect, code, refused.to_string());
        }
        timed_out |= inner.is::<ConnectTimeout>();
        source = inner.source();
    }
    tracing::debug!(sent, cause = %cause(error), "no answer");
    if timed_out { SendError::Timeout { sent } } else { SendError::Unreachable { sent } }
}
