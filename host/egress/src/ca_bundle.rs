//! Private authorities that one connection trusts: PEM, as it was written.
//!
//! Read when a connection is written, so that nothing is stored that cannot be used, and again
//! when a client is built. A text with a private key in it is refused and never repeated: it was
//! pasted by mistake, and a connection is shown to everybody who may read it.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::options::Options;

/// What begins a block of PEM, before its label.
const BEGIN: &str = "-----BEGIN ";

/// Why a text is no bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidBundle {
    #[error("must be at most {0} bytes")]
    TooLong(usize),
    #[error("holds a private key; give certificates only, and replace that key: it was sent")]
    PrivateKey,
    #[error("may hold blocks of CERTIFICATE only")]
    OtherBlock,
    #[error("holds no certificate; paste the authority's certificate with its BEGIN and END lines")]
    NoCertificate,
    #[error("certificate {0} cannot be read")]
    Certificate(usize),
    #[error("may hold at most {0} certificates")]
    TooMany(usize),
}

/// Reads a bundle.
pub(crate) fn read(
    pem: &str,
    options: &Options,
) -> Result<Vec<CertificateDer<'static>>, InvalidBundle> {
    // The key first: it matters more than how long it is.
    for label in labels(pem) {
        match label {
            label if label.contains("PRIVATE KEY") => return Err(InvalidBundle::PrivateKey),
            "CERTIFICATE" => {}
            _ => return Err(InvalidBundle::OtherBlock),
        }
    }
    if pem.len() > options.ca_bundle_bytes_max {
        return Err(InvalidBundle::TooLong(options.ca_bundle_bytes_max));
    }
    let mut certificates = Vec::new();
    for (n, found) in CertificateDer::pem_slice_iter(pem.as_bytes()).enumerate() {
        let certificate = found.map_err(|_| InvalidBundle::Certificate(n + 1))?;
        // As the verifier will do it.
        RootCertStore::empty()
            .add(certificate.clone())
            .map_err(|_| InvalidBundle::Certificate(n + 1))?;
        certificates.push(certificate);
        if certificates.len() > options.ca_bundle_certificates_max {
            return Err(InvalidBundle::TooMany(options.ca_bundle_certificates_max));
        }
    }
    // A block that is not closed is not seen by the reader.
    match labels(pem).count() {
        0 => Err(InvalidBundle::NoCertificate),
        blocks if blocks == certificates.len() => Ok(certificates),
        _ => Err(InvalidBundle::Certificate(certificates.len() + 1)),
    }
}

/// What stands behind each `-----BEGIN `, wherever on a line.
fn labels(pem: &str) -> impl Iterator<Item = &str> {
    let label = |rest: &'_ str| -> usize { rest.find(['-', '\n', '\r']).unwrap_or(rest.len()) };
    pem.match_indices(BEGIN)
        .filter_map(move |(at, begin)| pem.get(at + begin.len()..))
        .filter_map(move |rest| rest.get(..label(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.self_signed(&key).unwrap().pem()
    }

    fn count(pem: &str) -> Result<usize, InvalidBundle> {
        read(pem, &Options::default()).map(|certificates| certificates.len())
    }

    #[test]
    fn certificates_are_read_with_what_stands_between_them() {
        let (one, other) = (certificate(), certificate());
        assert_eq!(count(&one), Ok(1));
        assert_eq!(count(&format!("# Acme's own\n{one}\n# and the other\r\n{other}")), Ok(2));
    }

    #[test]
    fn what_cannot_be_trusted_is_refused() {
        let one = certificate();
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let begin = "-----BEGIN CERTIFICATE-----\n";
        let end = "-----END CERTIFICATE-----\n";
        for (pem, expected) in [
            (String::new(), InvalidBundle::NoCertificate),
            ("MIIB".to_owned(), InvalidBundle::NoCertificate),
            (format!("{one}{key}"), InvalidBundle::PrivateKey),
            (
                format!("{one}-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA=="),
                InvalidBundle::PrivateKey,
            ),
            (
                format!("{one}-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----\n"),
                InvalidBundle::OtherBlock,
            ),
            (format!("{one}{begin}AAAA\n{end}"), InvalidBundle::Certificate(2)),
            (format!("{begin}%%%%\n{end}"), InvalidBundle::Certificate(1)),
            (one.replace(end, ""), InvalidBundle::Certificate(1)),
            (one.repeat(33), InvalidBundle::TooMany(32)),
            (format!("{one}{}", " ".repeat(64 * 1024)), InvalidBundle::TooLong(64 * 1024)),
        ] {
            assert_eq!(count(&pem), Err(expected), "{pem}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "(-----BEGIN |CERTIFICATE|-----|\n|[A-Za-z0-9+/=é]){0,20}") {
            let _ = count(&text);
        }
    }
}
