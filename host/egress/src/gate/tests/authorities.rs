//! Private authorities of one connection, before TLS servers that only they vouch for.

use super::tls_upstream::{authority, start};
use super::*;

/// A call to `name`, which leads to the loopback interface.
async fn called(gate: &Gate, url: &str, ca_bundle: Option<&str>) -> Result<u16, SendError> {
    let mut call = Call::get(url);
    call.ca_bundle = ca_bundle.map(str::to_owned);
    call.send(gate).await.map(|received| received.status)
}

const REFUSED: Result<u16, SendError> = Err(SendError::Unreachable { sent: false });

#[tokio::test]
async fn a_bundle_vouches_for_its_connection_and_for_the_names_it_signed() {
    let (own, other) = (authority(), authority());
    let (gate, _) = named(development(), &["127.0.0.1"]);
    let url = |address: std::net::SocketAddr| format!("https://api.acme.com:{}/", address.port());
    let good = url(start(&own, "api.acme.com").await);
    let pem = own.pem();
    assert_eq!(called(&gate, &good, None).await, REFUSED);
    assert_eq!(called(&gate, &good, Some(&pem)).await, Ok(200));
    assert_eq!(called(&gate, &good, None).await, REFUSED, "no client is shared");
    assert_eq!(called(&gate, &good, Some(&other.pem())).await, REFUSED);
    let both = format!("{}{pem}", other.pem());
    assert_eq!(called(&gate, &good, Some(&both)).await, Ok(200));
    let misnamed = url(start(&own, "evil.example").await);
    assert_eq!(called(&gate, &misnamed, Some(&pem)).await, REFUSED);
}

#[test]
fn a_bundle_is_checked_by_the_port_and_never_repeated() {
    let gate = Gate::new(development()).unwrap();
    let check = |pem: &str| cordon_model::port::Egress::check_ca_bundle(&gate, pem);
    assert_eq!(check(&authority().pem()), Ok(()));
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let refused = check(&format!("{}{key}", authority().pem())).unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.pointer.as_str()),
        ("invalid_ca_bundle", "/ca_bundle")
    );
    assert!(refused.message.contains("private key"), "{}", refused.message);
    let secret = key.lines().nth(1).unwrap();
    assert!(!refused.message.contains(secret));
}
