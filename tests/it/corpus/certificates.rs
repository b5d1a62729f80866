//! TLS servers of every kind and the environment, before the real program in a process of its own:
//! only there can a test say which authorities the system trusts and what its variables are.
//!
//! The name that is called is `localhost`; the corpus calls it `api.acme.com`. Every proxy variable
//! of the corpus is set at once and points at a server that counts who comes.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::entries::{Corpus, Entry, Outcome, Outcomes};
use crate::support::client::Client;
use crate::support::raw_upstream::{RawUpstream, json_answer, read_request};
use crate::support::test_process::TestProcess;

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// A process that trusts one authority, and what it calls.
struct Bench {
    client: Client,
    trusted: Issuer,
    unknown: Issuer,
    proxy: RawUpstream,
    _authorities: TempDir,
    _process: TestProcess,
}

/// Runs every entry of the kinds `tls` and `env`.
pub(super) async fn judge_all(corpus: &Corpus) -> Outcomes {
    let mut outcomes = Outcomes::new();
    if corpus.of_kinds(&["tls", "env"]).next().is_none() {
        return outcomes;
    }
    let bench = Bench::start(corpus).await;
    // Otherwise every denial below would prove nothing.
    let good = TlsServer::start(bench.trusted_server("localhost")).await;
    bench.call("control", &good.url(), "true").await.expect("the control is allowed");
    for entry in corpus.of_kinds(&["tls"]) {
        outcomes.insert(entry.id.clone(), bench.judge_server(entry).await);
    }
    for entry in corpus.of_kinds(&["env"]) {
        outcomes.insert(entry.id.clone(), bench.judge_environment(entry).await);
    }
    outcomes
}

impl Bench {
    async fn start(corpus: &Corpus) -> Self {
        let (trusted, unknown) = (authority(), authority());
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("authorities.pem");
        std::fs::write(&file, trusted.pem()).unwrap();
        let proxy = RawUpstream::answering("HTTP/1.1 502 Proxy\r\ncontent-length: 0\r\n\r\n").await;
        let through = proxy.url("");
        let mut variables = vec![("SSL_CERT_FILE", file.to_str().unwrap())];
        for entry in corpus.of_kinds(&["env"]) {
            let names = entry.json["env"].as_object().unwrap().keys();
            variables.extend(names.map(|name| (name.as_str(), through.as_str())));
        }
        let process = TestProcess::start_in(&variables).await;
        Self {
            client: process.operator(),
            trusted,
            unknown,
            proxy,
            _authorities: directory,
            _process: process,
        }
    }

    /// Calls a server of the entry's kind.
    async fn judge_server(&self, entry: &Entry) -> Outcome {
        let verified = async |server: TlsServer| {
            entry.judge(self.call(&entry.id, &server.url(), "true").await)
        };
        match entry.json["server"].as_str().unwrap() {
            "wrong host name" => {
                verified(TlsServer::start(self.trusted_server("api.acme.com")).await).await
            }
            "self-signed" => verified(TlsServer::start(self_signed()).await).await,
            "unknown CA" => {
                verified(TlsServer::start(issued_by(&self.unknown, "localhost")).await).await
            }
            "TLS 1.0/1.1 only" => verified(TlsServer::only_tls_1_1().await).await,
            "verify_ssl=false with the insecure grant" => {
                let server = TlsServer::start(self_signed()).await;
                let called = self.call(&entry.id, &server.url(), "false").await;
                let shown = self.client.get(&format!("/v1/connections/{}", entry.id)).await.json;
                if called.is_ok() && !shown["problems"].to_string().contains("tls_unverified") {
                    return Outcome::Differs(format!("no warning is shown: {shown}"));
                }
                entry.judge(called)
            }
            "tenant CA granted for this host" => {
                let server = TlsServer::start(issued_by(&self.unknown, "localhost")).await;
                entry.judge(self.call_trusting(&entry.id, &server.url(), &self.unknown).await)
            }
            "tenant CA used on another host" => self.judge_other_hosts(entry).await,
            _ => Outcome::Unsupported("no such server here"),
        }
    }

    /// The authority of one connection before the servers of others: a connection that does not
    /// name it, and a name that it did not sign.
    async fn judge_other_hosts(&self, entry: &Entry) -> Outcome {
        let key = |suffix: &str| format!("{}-{suffix}", entry.id);
        let own = TlsServer::start(issued_by(&self.unknown, "localhost")).await;
        if let Err(why) = self.call_trusting(&key("own"), &own.url(), &self.unknown).await {
            return Outcome::Differs(format!("the connection's own host was denied: {why}"));
        }
        let other = TlsServer::start(issued_by(&self.unknown, "localhost")).await;
        let by_another = self.call(&key("other"), &other.url(), "true").await;
        let misnamed = TlsServer::start(issued_by(&self.unknown, "api.acme.com")).await;
        let by_name = self.call_trusting(&key("name"), &misnamed.url(), &self.unknown).await;
        match entry.judge(by_another) {
            Outcome::Holds => entry.judge(by_name),
            differs => differs,
        }
    }

    /// Calls both schemes: some variables are for one of them.
    async fn judge_environment(&self, entry: &Entry) -> Outcome {
        let https = TlsServer::start(self.trusted_server("localhost")).await;
        let http = RawUpstream::answering(json_answer("[]")).await;
        let mut called = self.call(&format!("{}-s", entry.id), &https.url(), "true").await;
        if called.is_ok() {
            called = self.call(&entry.id, &http.url("/"), "true").await;
        }
        match self.proxy.connections() {
            0 => entry.judge(called),
            count => Outcome::Differs(format!("{count} connections went to the proxy")),
        }
    }

    /// Tests a connection with one query.
    async fn call(&self, key: &str, url: &str, verify_ssl: &str) -> Result<(), String> {
        self.test(key, connection(key, url, verify_ssl)).await
    }

    /// The same for a connection that trusts an authority of its own.
    async fn call_trusting(&self, key: &str, url: &str, own: &Issuer) -> Result<(), String> {
        let mut connection = connection(key, url, "true");
        connection["ca_bundle"] = json!(own.pem());
        self.test(key, connection).await
    }

    async fn test(&self, key: &str, connection: Value) -> Result<(), String> {
        let created = self.client.post("/v1/connections", &connection).await;
        if created.status != 201 {
            return Err(created.json.to_string());
        }
        let path = format!("/v1/connections/{key}/test");
        let tested: Value = self.client.post(&path, &json!({})).await.json;
        if tested["healthy"] == true { Ok(()) } else { Err(tested.to_string()) }
    }

    fn trusted_server(&self, name: &str) -> ServerConfig {
        issued_by(&self.trusted, name)
    }
}

fn connection(key: &str, url: &str, verify_ssl: &str) -> Value {
    let query = json!({ "url": url, "verb": "GET", "verify_ssl": verify_ssl });
    json!({
        "key": key,
        "name": key,
        "connector_type": "api_proxy",
        "capabilities": ["privacy/access"],
        "mode": "test",
        "job_timeout_seconds": 20,
        "queries": { "test": [query], "access": [query] },
    })
}

fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issued_by(issuer: &Issuer, name: &str) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    server(certificate.der().clone(), &key)
}

/// A certificate for `localhost` that nobody vouches for.
pub(super) fn self_signed() -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    server(certificate.der().clone(), &key)
}

fn server(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

/// A server on loopback that begins with TLS. Answers `[]`; stops when it is dropped.
struct TlsServer {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl TlsServer {
    async fn start(config: ServerConfig) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::speaking(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                // A client that does not trust the certificate leaves.
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream).await;
                }
            }
        })
        .await
    }

    /// Chooses TLS 1.1, whatever it is offered.
    async fn only_tls_1_1() -> Self {
        Self::speaking(|mut stream| async move {
            let mut hello = vec![2, 0, 0, 38, 3, 2];
            hello.extend_from_slice(&[7; 32]);
            hello.extend_from_slice(&[0, 0xC0, 0x13, 0]);
            let mut record = vec![22, 3, 2, 0, u8::try_from(hello.len()).unwrap()];
            record.append(&mut hello);
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&record).await;
            // Comes back when the client leaves.
            let _ = stream.read(&mut [0]).await;
        })
        .await
    }

    async fn speaking<F>(speak: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(speak(stream));
            }
        });
        Self { address, server }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/", self.address.port())
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    read_request(&mut stream).await;
    let _ = stream.write_all(json_answer("[]").as_bytes()).await;
    let _ = stream.shutdown().await;
}
