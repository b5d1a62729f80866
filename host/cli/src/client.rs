//! The commands' way to a running host: its HTTP API, through the operator's client of the
//! egress crate.
//!
//! Knows addresses and keys, no object of the API: the commands name paths and send bytes as
//! they were written, so that the server sees what the person wrote.

use std::fmt;

use anyhow::Context as _;
use bytes::Bytes;
use cordon_egress::OperatorClient;
use cordon_model::Secret;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What stands as it is in a segment and in the value of a parameter (RFC 3986, unreserved).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// JSON bodies.
pub const JSON: &str = "application/json";

/// Talks to one host, as the holder of one key.
pub struct Client {
    http: OperatorClient,
    server: String,
    key: Option<Secret>,
    tenant: Option<String>,
}

/// What the host answered to a call that it did not refuse.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The body.
    pub body: Bytes,
    /// The tag of the object as it was answered; none: it has none.
    pub etag: Option<String>,
}

/// What the host answered to a call that it refused.
#[derive(Debug)]
pub struct Refused {
    /// The status.
    pub status: u16,
    /// The problem, mostly as `application/problem+json`.
    pub body: Bytes,
    /// Whether there was no key to call it with.
    pub without_key: bool,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {}", self.status)
    }
}

impl std::error::Error for Refused {}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body).context("the server's answer is no JSON")
    }
}

/// A path of the API, made of segments, with parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiPath(String);

impl ApiPath {
    /// `/v1` and these segments.
    pub fn new<'s>(segments: impl IntoIterator<Item = &'s str>) -> Self {
        let mut path = "/v1".to_owned();
        for segment in segments {
            path.push('/');
            path.extend(utf8_percent_encode(segment, ESCAPED));
        }
        Self(path)
    }

    /// One more parameter, when it has a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<impl fmt::Display>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.extend(utf8_percent_encode(&value.to_string(), ESCAPED));
        }
        self
    }
}

impl Client {
    /// A client for a host. Connects to nothing yet.
    ///
    /// # Errors
    /// When the client cannot be built.
    pub fn new(server: &str, key: Option<Secret>, tenant: Option<String>) -> anyhow::Result<Self> {
        let http = cordon_egress::operator_client()?;
        Ok(Self { http, server: server.trim_end_matches('/').to_owned(), key, tenant })
    }

    /// GET.
    ///
    /// # Errors
    /// When the host cannot be reached or refuses.
    pub async fn get(&self, path: ApiPath) -> anyhow::Result<Answer> {
        self.call("GET", path, None).await
    }

    /// POST; without a body where the API takes none.
    ///
    /// # Errors
    /// When the host cannot be reached or refuses.
    pub async fn post(&self, path: ApiPath, body: Option<Bytes>) -> anyhow::Result<Answer> {
        self.call("POST", path, body.map(|body| (JSON, body))).await
    }

    /// POST of a body that is no JSON.
    ///
    /// # Errors
    /// When the host cannot be reached or refuses.
    pub async fn post_as(
        &self,
        path: ApiPath,
        media_type: &str,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        self.call("POST", path, Some((media_type, body))).await
    }

    /// The same with a header more.
    ///
    /// # Errors
    /// When the host cannot be reached or refuses.
    pub async fn post_with(
        &self,
        path: ApiPath,
        (media_type, body): (&str, Bytes),
        header: (&str, &str),
    ) -> anyhow::Result<Answer> {
        self.call_with("POST", path, Some((media_type, body)), Some(header)).await
    }

    /// PUT.
    ///
    /// # Errors
    /// When the host cannot be reached or refuses.
    pub async fn put(&self, path: ApiPath, body: Bytes) -> anyhow::Result<Answer> {
        self.call("PUT", path, Some((JSON, body))).await
    }

    /// PUT over what has this tag, and over nothing else.
    ///
    /// # Errors
    /// When the host cannot be reached or refuses, because somebody else was faster among others.
    pub async fn put_over(&self, etag: &str, path: ApiPath, body: Bytes) -> anyhow::Result<Answer> {
        self.call_with("PUT", path, Some((JSON, body)), Some(("If-Match", etag))).await
    }

    /// PUT of a body that is no JSON.
    ///
    /// # Errors
    /// When the host cannot be reached or refuses.
    pub async fn put_as(
        &self,
        path: ApiPath,
        media_type: &str,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        self.call("PUT", path, Some((media_type, body))).await
    }

    /// PATCH, as JSON Merge Patch.
    ///
    /// # Errors
    /// When the host cannot be reached or refuses.
    pub async fn patch(&self, path: ApiPath, body: Bytes) -> anyhow::Result<Answer> {
        self.call("PATCH", path, Some(("application/merge-patch+json", body))).await
    }

    /// DELETE.
    ///
    /// # Errors
    /// When the host cannot be reached or refuses.
    pub async fn delete(&self, path: ApiPath) -> anyhow::Result<Answer> {
        self.call("DELETE", path, None).await
    }

    async fn call(
        &self,
        method: &str,
        path: ApiPath,
        body: Option<(&str, Bytes)>,
    ) -> anyhow::Result<Answer> {
        self.call_with(method, path, body, None).await
    }

    async fn call_with(
        &self,
        method: &str,
        path: ApiPath,
        body: Option<(&str, Bytes)>,
        header: Option<(&str, &str)>,
    ) -> anyhow::Result<Answer> {
        let url = format!("{}{}", self.server, path.0);
        let tenant = self.tenant.as_deref().map(|tenant| ("Cordon-Tenant", tenant));
        let headers: Vec<_> = tenant.into_iter().chain(header).collect();
        let bearer = self.key.as_ref().map(Secret::expose);
        let response = self
            .http
            .request(method, &url, bearer, &headers, body)
            .await
            .with_context(|| format!("no answer from {}", self.server))?;
        if !(200..300).contains(&response.status) {
            let (status, body) = (response.status, response.body);
            return Err(Refused { status, body, without_key: self.key.is_none() }.into());
        }
        let etag = response.headers.get("etag").and_then(|tag| tag.to_str().ok());
        Ok(Answer { etag: etag.map(str::to_owned), body: response.body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_cannot_leave_its_place_in_the_path() {
        let path = ApiPath::new(["connections", "a/b?c#d%2e"]).with("cursor", Some("x&y=z"));
        assert_eq!(path.0, "/v1/connections/a%2Fb%3Fc%23d%252e?cursor=x%26y%3Dz");
        assert_eq!(ApiPath::new(["tenants"]).with("limit", None::<u32>).0, "/v1/tenants");
    }
}
