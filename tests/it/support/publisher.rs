//! Somebody who signs plugins, with a key that is thrown away.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cordon_engine::service::plugins::Publisher;
use minisign::KeyPair;

use super::client::{Client, Response};

/// A publisher and the key.
pub(crate) struct Signer {
    name: &'static str,
    pair: KeyPair,
}

impl Signer {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, pair: KeyPair::generate_unencrypted_keypair().unwrap() }
    }

    /// As a configuration file names it.
    pub(crate) fn public_key(&self) -> String {
        self.pair.pk.to_base64()
    }

    /// As a host knows it.
    pub(crate) fn publisher(&self) -> Publisher {
        Publisher::new(self.name.to_owned(), &self.public_key(), false).unwrap()
    }

    /// The same after its key was stolen.
    pub(crate) fn revoked(&self) -> Publisher {
        let mut publisher = self.publisher();
        publisher.revoked = true;
        publisher
    }

    /// The text of a signature.
    pub(crate) fn sign(&self, component: &[u8], name: &str, version: &str) -> String {
        let comment = format!("cordon name={name} version={version}");
        let (pk, sk) = (&self.pair.pk, &self.pair.sk);
        minisign::sign(Some(pk), sk, component, Some(&comment), None).unwrap().into_string()
    }
}

/// Uploads a component with a signature.
pub(crate) async fn upload_signed(
    client: &Client,
    component: &[u8],
    signature: &str,
    query: &str,
) -> Response {
    let header = STANDARD.encode(signature);
    let body = Some(("application/wasm", component.to_vec().into()));
    let headers = [("Cordon-Signature", header.as_str())];
    client.call("POST", &format!("/v1/plugins{query}"), &headers, body).await
}
