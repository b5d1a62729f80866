//! Messages to systems of a tenant, through the gate.

use std::collections::BTreeSet;

use bytes::Bytes;
use cordon_model::grant::HostPattern;
use cordon_model::port::{WebhookMessage, WebhookReach, WebhookResponse, WebhookSender as _};
use cordon_model::{Failure, FailureCode};

use super::*;

/// A tenant with hosts for its webhooks, and limits.
struct Reach {
    tenant: TenantId,
    hosts: BTreeSet<HostPattern>,
    limits: EgressLimits,
}

impl Reach {
    fn to(hosts: &[&str]) -> Self {
        Self {
            tenant: TenantId::default_tenant(),
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            limits: EgressLimits::default(),
        }
    }

    fn reach(&self) -> WebhookReach<'_> {
        WebhookReach { tenant: &self.tenant, hosts: &self.hosts, limits: &self.limits }
    }

    async fn post(&self, gate: &Gate, url: &str) -> Result<WebhookResponse, Failure> {
        self.post_within(gate, url, Duration::from_secs(20)).await
    }

    async fn post_within(
        &self,
        gate: &Gate,
        url: &str,
        timeout: Duration,
    ) -> Result<WebhookResponse, Failure> {
        let message = WebhookMessage {
            url: url.to_owned(),
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("webhook-id", "msg_1".to_owned()),
            ],
            body: Bytes::from_static(br#"{"type":"request.pending"}"#),
            timeout,
        };
        gate.post(&self.reach(), message).await
    }
}

/// The code in front of the failure's detail.
fn refused(result: Result<impl std::fmt::Debug, Failure>) -> String {
    let failure = result.unwrap_err();
    assert_eq!(failure.code, FailureCode::EgressDenied, "{failure:?}");
    failure.detail.split(':').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_message_arrives_as_it_was_signed_and_any_status_is_an_answer() {
    let head = "HTTP/1.1 503 X\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\n{}";
    let upstream = Upstream::answering(head).await;
    let gate = Gate::new(development()).unwrap();
    let answer = Reach::to(&["127.0.0.1"]).post(&gate, &upstream.url("/hook?a=b")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_ref()), (503, b"{}".as_slice()));
    assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
    let seen = upstream.request();
    assert!(seen.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("webhook-id: msg_1\r\n"), "{seen}");
    assert!(seen.contains("content-type: application/json\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n{\"type\":\"request.pending\"}"), "{seen}");
}

#[tokio::test]
async fn a_host_that_is_not_named_is_refused_when_it_is_written_and_when_it_is_sent() {
    let (gate, names) = named(Options::default(), &["93.184.215.14"]);
    let reach = Reach::to(&["hooks.acme.com", "*.eu.acme.com"]);
    for url in ["https://acme.com/", "https://eu.acme.com/", "https://evil.example/hooks.acme.com"]
    {
        assert_eq!(refused(gate.check(&reach.reach(), url)), "webhook_host_not_named", "{url}");
        assert_eq!(refused(reach.post(&gate, url).await), "webhook_host_not_named", "{url}");
    }
    for url in ["https://hooks.acme.com/x", "https://a.b.eu.acme.com:8443/"] {
        assert_eq!(gate.check(&reach.reach(), url), Ok(()), "{url}");
    }
    assert_eq!(
        refused(gate.check(&Reach::to(&[]).reach(), "https://hooks.acme.com/")),
        "webhook_host_not_named"
    );
    assert_eq!(names.1.load(Ordering::SeqCst), 0, "no name service was asked");
}

#[tokio::test]
async fn private_and_metadata_addresses_are_refused_although_they_are_named() {
    let private =
        Options { private_networks: vec!["10.0.0.0/8".parse().unwrap()], ..Options::default() };
    let hosts = ["10.0.0.1", "169.254.169.254", "127.0.0.1", "hooks.acme.com"];
    let reach = Reach::to(&hosts);
    for address in ["10.0.0.1", "169.254.169.254", "127.0.0.1"] {
        let (gate, _) = named(private.clone(), &[address]);
        let written = format!("https://{address}/");
        assert_eq!(refused(gate.check(&reach.reach(), &written)), "address_denied", "{address}");
        assert_eq!(refused(reach.post(&gate, &written).await), "address_denied", "{address}");
        let resolved = reach.post(&gate, "https://hooks.acme.com/").await;
        assert_eq!(refused(resolved), "address_denied", "{address}");
    }
    let (gate, _) = named(private, &[]);
    let metadata = Reach::to(&["metadata.google.internal"]);
    assert_eq!(
        refused(gate.check(&metadata.reach(), "https://metadata.google.internal/")),
        "host_reserved"
    );
}

#[tokio::test]
async fn the_operators_policy_and_the_tenants_limits_count() {
    let deny = vec!["https://hooks.acme.com".parse().unwrap()];
    let (gate, _) = named(Options { deny: deny.clone(), ..Options::default() }, &[]);
    let mut reach = Reach::to(&["hooks.acme.com"]);
    let url = "https://hooks.acme.com/";
    assert_eq!(refused(gate.check(&reach.reach(), url)), "origin_denied");
    assert_eq!(refused(reach.post(&gate, url).await), "origin_denied");
    let (gate, _) = named(Options::default(), &[]);
    reach.limits.deny = deny;
    let failure = gate.check(&reach.reach(), url).unwrap_err();
    assert!(failure.detail.contains("the tenant's limits"), "{failure:?}");
    assert_eq!(refused(reach.post(&gate, url).await), "origin_denied");
}

#[tokio::test]
async fn plain_http_is_for_development_networks() {
    let closed = Gate::new(Options::default()).unwrap();
    let open = Gate::new(development()).unwrap();
    let reach = Reach::to(&["hooks.acme.com", "127.0.0.1", "localhost"]);
    for (gate, url, expected) in [
        (&closed, "http://hooks.acme.com/", Some("webhook_not_https")),
        (&open, "http://hooks.acme.com/", Some("webhook_not_https")),
        (&closed, "http://127.0.0.1/", Some("webhook_not_https")),
        (&open, "http://127.0.0.1/", None),
        (&open, "http://localhost/", None),
        (&closed, "https://u:p@hooks.acme.com/", Some("url_userinfo")),
        (&closed, "ftp://hooks.acme.com/", Some("url_scheme")),
    ] {
        let found = gate.check(&reach.reach(), url);
        match expected {
            Some(code) => assert_eq!(refused(found), code, "{url}"),
            None => assert_eq!(found, Ok(()), "{url}"),
        }
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let other = Upstream::answering(answer("stolen")).await;
    let head =
        format!("HTTP/1.1 307 X\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", other.url("/"));
    let upstream = Upstream::answering(head).await;
    let gate = Gate::new(development()).unwrap();
    let answer = Reach::to(&["127.0.0.1"]).post(&gate, &upstream.url("/")).await.unwrap();
    assert_eq!(answer.status, 307);
    assert_eq!(other.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_endless_or_slow_answer_is_bounded() {
    let gate = Gate::new(development()).unwrap();
    let reach = Reach::to(&["127.0.0.1"]);
    let long = Upstream::answering(answer(&"x".repeat(64 * 1024 + 1))).await;
    let failure = reach.post(&gate, &long.url("/")).await.unwrap_err();
    assert_eq!(failure.code, FailureCode::WebhookFailed);
    let fits = Upstream::answering(answer(&"x".repeat(64 * 1024))).await;
    assert_eq!(reach.post(&gate, &fits.url("/")).await.unwrap().body.len(), 64 * 1024);
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[";
    for upstream in [Upstream::silent().await, Upstream::start(endless.into(), false).await] {
        let slow = reach.post_within(&gate, &upstream.url("/"), Duration::from_millis(200)).await;
        assert_eq!(slow.unwrap_err().code, FailureCode::WebhookFailed);
    }
}
