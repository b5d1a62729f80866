//! `verify_ssl: "false"` is for its query alone.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::bench::{Bench, code, query_to};
use crate::support::raw_upstream::{json_answer, read_request};
use crate::support::upstream::Upstream;

/// A server that nobody vouches for, answering `[]`.
struct SelfSigned {
    url: String,
    server: JoinHandle<()>,
}

impl SelfSigned {
    async fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever does not trust the certificate leaves.
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    read_request(&mut stream).await;
                    let _ = stream.write_all(json_answer("[]").as_bytes()).await;
                    let _ = stream.shutdown().await;
                }
            }
        });
        Self { url, server }
    }
}

impl Drop for SelfSigned {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[tokio::test]
async fn certificates_go_unchecked_for_the_query_that_says_so_and_for_no_other() {
    let server = SelfSigned::start().await;
    let nobody = Upstream::start().await;
    let to = |path: &str, verify: &str| {
        query_to(&format!("{}{path}", server.url), json!({ "verify_ssl": verify }))
    };
    let queries = json!({ "access": [to("/a", "false"), to("/b", "true")] });
    let bench = Bench::with(&nobody, queries).await;
    let task = bench.task("access").await;
    assert_eq!(code(&task), "query_failed", "{task:#}");
    let queries = &task["queries"];
    assert_eq!(queries[0]["outcome"], "success", "{task:#}");
    assert_eq!(queries[1]["outcome"], "unreachable", "it shares no client with the first");
}
