//! The operator's policy, private networks and explanations, before a name service that answers
//! what a test says.

use cordon_model::grant::{EgressPolicy, OriginPattern};
use cordon_model::port::{Egress, EgressQuestion, EgressVerdict};

use super::*;

fn patterns(texts: &[&str]) -> Vec<OriginPattern> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Grants for one origin, with networks.
fn granted(origin: &str, private: &[&str]) -> Grants {
    Grants {
        http: vec![HttpGrant {
            origin: origin.parse().unwrap(),
            methods: ["GET".to_owned()].into(),
            paths: Paths::all(),
            unverified_tls: false,
            raw: false,
        }],
        private: private.iter().map(|network| network.parse().unwrap()).collect(),
        ..Grants::default()
    }
}

async fn ask(gate: &Gate, grants: &Grants, url: &str) -> EgressVerdict {
    ask_within(gate, &EgressLimits::default(), grants, grants, url).await
}

async fn ask_within(
    gate: &Gate,
    limits: &EgressLimits,
    needs: &Grants,
    grants: &Grants,
    url: &str,
) -> EgressVerdict {
    let (tenant, connection) = (TenantId::default_tenant(), "crm".parse().unwrap());
    let question = EgressQuestion {
        tenant: &tenant,
        connection: &connection,
        limits,
        needs,
        grants,
        method: "GET",
        url,
    };
    gate.explain(question).await
}

/// Stage and code, after making sure that a send says the same.
async fn judged(gate: &Gate, grants: &Grants, url: &str) -> (&'static str, Option<&'static str>) {
    let verdict = ask(gate, grants, url).await;
    let mut call = Call::get(url);
    call.timeout = Duration::from_millis(1);
    let sent = call.send_with(gate, grants).await;
    match (verdict.denied, sent) {
        (Some(code), Err(SendError::Denied { code: other, stage, .. })) => {
            assert_eq!((verdict.stage, code), (stage.as_str(), other), "{url}");
        }
        (None, Err(SendError::Timeout { .. } | SendError::Unreachable { .. })) => {}
        (verdict, sent) => panic!("{url}: {verdict:?}, and a send: {sent:?}"),
    }
    (verdict.stage, verdict.denied)
}

#[tokio::test]
async fn the_operators_policy_goes_before_every_grant() {
    let options = Options {
        allow: patterns(&["http://*.acme.com:*", "http://127.0.0.1:*"]),
        deny: patterns(&["http://hr.acme.com:*"]),
        ..development()
    };
    let (gate, names) = named(options, &["127.0.0.1"]);
    let denied = judged(&gate, &granted("http://hr.acme.com", &[]), "http://hr.acme.com/").await;
    assert_eq!(denied, ("policy", Some("origin_denied")));
    let other = judged(&gate, &granted("http://*:*", &[]), "http://evil.example/").await;
    assert_eq!(other, ("policy", Some("origin_not_allowed")));
    assert_eq!(names.1.load(Ordering::SeqCst), 0, "no name service was asked");
    let upstream = Upstream::answering(answer("[]")).await;
    assert!(Call::get(&upstream.url("/")).send(&gate).await.is_ok());
    let mut request = request("GET", "http://hr.acme.com/", &[], None);
    let problems = gate.inspect(&request).unwrap_err();
    assert_eq!((problems[0].part.as_str(), problems[0].code), ("/url", "origin_denied"));
    request.url = crate::inspect::tests::text("http://api.acme.com/");
    assert!(gate.inspect(&request).is_ok());
}

#[tokio::test]
async fn a_tenants_limits_narrow_what_was_granted_before_any_name_service_is_asked() {
    let (gate, names) = named(development(), &["127.0.0.1"]);
    let grants = granted("http://*.acme.com:*", &[]);
    let limits = EgressLimits {
        allow: Some(patterns(&["http://*.eu.acme.com:*"])),
        deny: patterns(&["http://hr.eu.acme.com:*"]),
    };
    for (url, code) in [
        ("http://api.acme.com:1/", "origin_not_allowed"),
        ("http://hr.eu.acme.com:1/", "origin_denied"),
    ] {
        let verdict = ask_within(&gate, &limits, &grants, &grants, url).await;
        assert_eq!((verdict.stage, verdict.denied), ("policy", Some(code)), "{url}");
        assert!(verdict.rule.contains("the tenant's limits"), "{}", verdict.rule);
        assert_eq!(verdict.missing, Grants::default(), "no grant helps");
        let mut call = Call::get(url);
        call.limits = limits.clone();
        let sent = call.send_with(&gate, &grants).await;
        assert_eq!(super::code(sent), (Stage::Policy, code), "{url}");
    }
    assert_eq!(names.1.load(Ordering::SeqCst), 0, "no name service was asked");
    let upstream = Upstream::answering(answer("[]")).await;
    let mut call = Call::get(&format!("http://api.eu.acme.com:{}/", upstream.address.port()));
    call.limits = limits;
    assert!(call.send(&gate).await.is_ok());
    // They open nothing: an inner name is the operator's to write out, and so is an origin.
    let wide = EgressLimits { allow: Some(patterns(&["http://crm:1"])), ..EgressLimits::default() };
    let (closed, _) = named(Options::default(), &["10.0.0.1"]);
    let inner = granted("http://crm:1", &[]);
    let verdict = ask_within(&closed, &wide, &inner, &inner, "http://crm:1/").await;
    assert_eq!(verdict.denied, Some("host_reserved"));
}

#[tokio::test]
async fn a_private_network_is_dialed_only_where_host_and_network_are_granted() {
    let options =
        Options { private_networks: vec!["10.20.0.0/16".parse().unwrap()], ..Options::default() };
    let (gate, _) = named(options.clone(), &["10.20.9.9"]);
    let (origin, url) = ("http://crm.acme.com:1", "http://crm.acme.com:1/");
    let denied = ("resolve", Some("address_denied"));
    assert_eq!(judged(&gate, &granted(origin, &[]), url).await, denied);
    assert_eq!(judged(&gate, &granted(origin, &["10.20.3.0/24"]), url).await, denied);
    assert_eq!(
        judged(&gate, &granted("http://other:1", &["10.20.0.0/16"]), url).await,
        ("policy", Some("origin_not_granted"))
    );
    let verdict = ask(&gate, &granted(origin, &[]), url).await;
    assert_eq!(verdict.missing.private, ["10.20.9.9/32".parse().unwrap()]);
    assert_eq!(verdict.addresses, ["10.20.9.9".parse::<IpAddr>().unwrap()]);
    let allowed = ask(&gate, &granted(origin, &["10.20.0.0/16"]), url).await;
    assert_eq!((allowed.stage, allowed.denied), ("resolve", None));
    // Wider than the operator's: his part of it counts.
    let (gate, _) = named(options, &["10.21.0.1"]);
    assert_eq!(judged(&gate, &granted(origin, &["10.0.0.0/8"]), url).await, denied);
}

#[tokio::test]
async fn a_private_grant_opens_neither_loopback_nor_metadata() {
    let options = Options {
        private_networks: vec!["10.0.0.0/8".parse().unwrap(), "100.64.0.0/10".parse().unwrap()],
        ..Options::default()
    };
    let url = "http://crm.acme.com:1/";
    let grants = granted("http://crm.acme.com:1", &["10.0.0.0/8", "100.64.0.0/10"]);
    for address in ["127.0.0.1", "169.254.169.254", "100.100.100.200", "192.168.0.1"] {
        let (gate, _) = named(options.clone(), &["10.20.3.4", address]);
        let denied = ("resolve", Some("address_denied"));
        assert_eq!(judged(&gate, &grants, url).await, denied, "{address}");
        assert_eq!(ask(&gate, &grants, url).await.missing, Grants::default(), "{address}");
    }
}

#[tokio::test]
async fn an_inner_name_needs_the_operators_exact_word_and_leads_inside_only() {
    let options = |allow: &[&str]| Options {
        allow: [patterns(allow), EgressPolicy::default().allow].concat(),
        private_networks: vec!["10.20.0.0/16".parse().unwrap()],
        ..Options::default()
    };
    let (origin, url) = ("https://users.corp.internal:8443", "https://users.corp.internal:8443/");
    let grants = granted(origin, &["10.20.0.0/16"]);
    let (unnamed, names) = named(options(&["https://*.corp.internal:8443"]), &["10.20.9.9"]);
    let reserved = Some("host_reserved");
    assert_eq!(judged(&unnamed, &grants, url).await, ("policy", reserved));
    assert_eq!(names.1.load(Ordering::SeqCst), 0);
    let (inside, _) = named(options(&[origin]), &["10.20.9.9"]);
    assert_eq!(ask(&inside, &grants, url).await.denied, None);
    assert_eq!(judged(&inside, &granted(origin, &[]), url).await, ("policy", reserved));
    let (outside, _) = named(options(&[origin]), &["93.184.215.14"]);
    assert_eq!(judged(&outside, &grants, url).await, ("resolve", reserved));
    let (elsewhere, _) = named(options(&[origin]), &["10.21.0.1"]);
    assert_eq!(judged(&elsewhere, &grants, url).await, ("resolve", Some("address_denied")));
}

#[tokio::test]
async fn an_exact_path_is_granted_as_it_is_sent_and_in_no_other_way_to_write_it() {
    let (gate, _) = named(development(), &["127.0.0.1"]);
    let only = |path: &str| {
        let mut grants = granted("http://api.acme.com", &[]);
        grants.http[0].paths = Paths::Exactly(path.parse().unwrap());
        grants
    };
    let at = |path: &str| format!("http://api.acme.com{path}");
    let members = only("/members");
    for path in ["/members", "/members?mail=x", "/members?to=/members/7"] {
        assert_eq!(judged(&gate, &members, &at(path)).await.1, None, "{path}");
    }
    for path in [
        "",
        "/",
        "/members/",
        "/members/7/points",
        "/members//",
        "//members",
        "/Members",
        "/member%73",
        "/memberships",
        "/members%00",
        "/members;x=1",
    ] {
        let (stage, code) = judged_or_unreadable(&gate, &members, &at(path)).await;
        assert!(matches!(code, Some("path_not_granted" | "url_path_form")), "{path}: {stage}");
    }
    for path in ["/x/../members", "/./members", "/members/%2e", "/members/.", "/x%2f..%2fmembers"] {
        let (stage, code) = judged_or_unreadable(&gate, &members, &at(path)).await;
        assert_eq!((stage, code), ("parse", Some("url_path_form")), "{path}");
    }
    let root = only("/");
    for (path, code) in [("", None), ("/", None), ("?q=1", None), ("/x", Some("path_not_granted"))]
    {
        assert_eq!(judged(&gate, &root, &at(path)).await.1, code, "{path}");
    }
}

/// As [`judged`]; a URL that cannot be read is not sent at all.
async fn judged_or_unreadable(
    gate: &Gate,
    grants: &Grants,
    url: &str,
) -> (&'static str, Option<&'static str>) {
    let verdict = ask(gate, grants, url).await;
    if verdict.stage == "parse" {
        (verdict.stage, verdict.denied)
    } else {
        judged(gate, grants, url).await
    }
}

#[tokio::test]
async fn an_explanation_asks_for_no_more_than_the_path_that_was_asked_about() {
    let (gate, _) = named(development(), &["127.0.0.1"]);
    for (path, least) in [
        ("/members", Paths::Exactly("/members".parse().unwrap())),
        ("/members/?mail=x", Paths::Exactly("/members/".parse().unwrap())),
        ("", Paths::Exactly("/".parse().unwrap())),
        ("/members//7", Paths::Under("/members".parse().unwrap())),
    ] {
        let url = format!("http://api.acme.com{path}");
        let verdict = ask(&gate, &Grants::default(), &url).await;
        assert_eq!(verdict.missing.http[0].paths, least, "{path}");
        let granted = ask(&gate, &verdict.missing, &url).await;
        assert_eq!(granted.denied, None, "{path}");
        assert!(granted.rule.ends_with(&least.to_string()), "{}", granted.rule);
    }
    let (needs, url) = (granted("http://api.acme.com", &[]), "http://api.acme.com/members/7");
    let mut needed = needs.clone();
    needed.http[0].paths = Paths::Exactly("/members".parse().unwrap());
    let limits = EgressLimits::default();
    let verdict = ask_within(&gate, &limits, &needed, &needs, url).await;
    assert_eq!(verdict.denied, Some("not_needed"));
}

#[tokio::test]
async fn what_is_granted_and_not_needed_is_told_apart() {
    let gate = Gate::new(development()).unwrap();
    let (needs, grants) = (granted("http://127.0.0.1:1", &[]), granted("http://127.0.0.1:*", &[]));
    let limits = EgressLimits::default();
    let asked = |url| ask_within(&gate, &limits, &needs, &grants, url);
    assert_eq!(asked("http://127.0.0.1:1/").await.denied, None);
    let other = asked("http://127.0.0.1:2/").await;
    assert_eq!((other.stage, other.denied), ("policy", Some("not_needed")));
}
