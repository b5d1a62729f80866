//! How certificates are checked: by the authorities of the system, by those and a connection's
//! own, or not at all. Called where a client is built.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::options::Error;

/// Who may vouch for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The authorities that the system trusts.
    System,
    /// Those, and these.
    Also(Vec<CertificateDer<'static>>),
    /// Nobody is asked. Only where the operator, the grant and the configuration all say so.
    Unchecked,
}

/// The settings of a client for TLS 1.2 and 1.3, and HTTP/1.1 inside.
pub(crate) fn client_config(trust: Trust) -> Result<Arc<ClientConfig>, Error> {
    let failed = |error: rustls::Error| Error::Client(error.to_string());
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous();
    let builder = match trust {
        Trust::System => {
            let verifier = Verifier::new(provider).map_err(failed)?;
            builder.with_custom_certificate_verifier(Arc::new(verifier))
        }
        Trust::Also(own) => {
            let verifier = Verifier::new_with_extra_roots(own, provider).map_err(failed)?;
            builder.with_custom_certificate_verifier(Arc::new(verifier))
        }
        Trust::Unchecked => builder.with_custom_certificate_verifier(Arc::new(Anybody(provider))),
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Accepts every certificate.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
