//! Where the host itself listens: dialed for nobody, in no way to write it, whatever is opened and
//! granted.

use cordon_model::port::{Egress as _, EgressQuestion, WebhookReach, WebhookSender as _};

use super::upstream::{Upstream, answer};
use super::*;

/// A gate of a host that opened loopback, and listens where an upstream does.
async fn of_host(names: &[&str]) -> (Gate, Upstream) {
    let upstream = Upstream::answering(answer("[]")).await;
    let (gate, _) = named(development(), names);
    gate.never_dial(upstream.address);
    (gate, upstream)
}

#[tokio::test]
async fn a_granted_connection_does_not_reach_the_host_itself() {
    let (gate, upstream) = of_host(&["127.0.0.1"]).await;
    let port = upstream.address.port();
    for (host, stage) in [
        (format!("127.0.0.1:{port}"), Stage::Address),
        (format!("localhost:{port}"), Stage::Resolve),
        (format!("crm.acme.com:{port}"), Stage::Resolve),
    ] {
        let call = Call::get(&format!("http://{host}/v1/tenants"));
        assert_eq!(code(call.send(&gate).await), (stage, "own_address"), "{host}");
    }
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 0);
    let other = Upstream::answering(answer("[]")).await;
    assert!(Call::get(&other.url("/")).send(&gate).await.is_ok(), "another port is open as before");
    let problems = gate.inspect(&Call::get(&upstream.url("/")).request).unwrap_err();
    assert_eq!(problems[0].code, "own_address");
}

#[tokio::test]
async fn a_host_that_listens_everywhere_is_reached_at_no_address_of_its_machine() {
    let upstream = Upstream::answering(answer("[]")).await;
    let (gate, _) = named(development(), &["127.0.0.2"]);
    let port = upstream.address.port();
    gate.never_dial(format!("0.0.0.0:{port}").parse().unwrap());
    for host in ["127.0.0.1", "127.8.8.8", "crm.acme.com"] {
        let call = Call::get(&format!("http://{host}:{port}/"));
        assert_eq!(code(call.send(&gate).await).1, "own_address", "{host}");
    }
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_webhook_does_not_reach_the_host_itself() {
    let (gate, upstream) = of_host(&["127.0.0.1"]).await;
    let tenant: TenantId = "acme".parse().unwrap();
    let hosts = ["127.0.0.1".parse().unwrap()].into();
    let reach = WebhookReach { tenant: &tenant, hosts: &hosts, limits: &EgressLimits::default() };
    let refused = gate.check(&reach, &upstream.url("/v1/tenants")).unwrap_err();
    assert!(refused.detail.starts_with("own_address: "), "{}", refused.detail);
}

#[tokio::test]
async fn an_explanation_says_that_it_is_the_host_itself_and_that_no_grant_helps() {
    let (gate, upstream) = of_host(&["127.0.0.1"]).await;
    for host in ["127.0.0.1", "crm.acme.com"] {
        let url = format!("http://{host}:{}/", upstream.address.port());
        let grants = Call::get(&url).grants();
        let question = EgressQuestion {
            tenant: &"acme".parse().unwrap(),
            connection: &"crm".parse().unwrap(),
            grants: &grants,
            needs: &grants,
            limits: &EgressLimits::default(),
            method: "GET",
            url: &url,
        };
        let verdict = gate.explain(question).await;
        assert_eq!(verdict.denied, Some("own_address"), "{host}");
        assert_eq!(verdict.missing, Grants::default(), "{host}");
        assert!(verdict.rule.contains("the host itself listens there"), "{}", verdict.rule);
    }
}
