//! The demo's way to its host: the same client as the commands', with JSON in and out.

use anyhow::Context as _;
use bytes::Bytes;
use cordon_model::Secret;
use serde_json::Value;

use crate::client::{ApiPath, Client};
use crate::host::Host;

/// JSON calls to the host, with the operator's key.
pub(super) struct Api(Client);

impl Api {
    pub(super) fn new(host: &Host) -> anyhow::Result<Self> {
        let key = std::fs::read_to_string(host.operator_key_path())
            .context("the operator's key cannot be read")?;
        let server = format!("http://{}", host.address());
        Ok(Self(Client::new(&server, Some(Secret::new(key.trim().to_owned())), None)?))
    }

    pub(super) async fn get(&self, path: &[&str]) -> anyhow::Result<Value> {
        self.0.get(at(path)).await?.json()
    }

    pub(super) async fn post(&self, path: &[&str], body: &Value) -> anyhow::Result<Value> {
        self.0.post(at(path), Some(Bytes::from(body.to_string()))).await?.json()
    }

    pub(super) async fn put(&self, path: &[&str], body: &Value) -> anyhow::Result<Value> {
        self.0.put(at(path), Bytes::from(body.to_string())).await?.json()
    }

    /// A form with files among its parts.
    pub(super) async fn put_form(
        &self,
        path: &[&str],
        boundary: &str,
        form: &str,
    ) -> anyhow::Result<Value> {
        let media_type = format!("multipart/form-data; boundary={boundary}");
        self.0.put_as(at(path), &media_type, Bytes::from(form.to_owned())).await?.json()
    }

    /// A `POST` that takes no body.
    pub(super) async fn tell(&self, path: &[&str]) -> anyhow::Result<Value> {
        self.0.post(at(path), None).await?.json()
    }

    /// The package of a request.
    pub(super) async fn package(&self, id: &str) -> anyhow::Result<Bytes> {
        Ok(self.0.get(at(&["privacy-requests", id, "package"])).await?.body)
    }
}

fn at(path: &[&str]) -> ApiPath {
    ApiPath::new(path.iter().copied())
}
