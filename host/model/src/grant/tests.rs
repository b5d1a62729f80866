//! Grants as a whole: what is covered, what is missing, what the policy leaves.

use super::*;
use crate::plan::{EgressNeed, Query, WhenMissing};

fn http(origin: &str, methods: &[&str], path_prefix: &str) -> HttpGrant {
    HttpGrant {
        origin: origin.parse().unwrap(),
        methods: methods.iter().map(|m| (*m).to_owned()).collect(),
        paths: Paths::Under(path_prefix.parse().unwrap()),
        unverified_tls: false,
        raw: false,
    }
}

fn exact(origin: &str, methods: &[&str], path: &str) -> HttpGrant {
    HttpGrant { paths: Paths::Exactly(path.parse().unwrap()), ..http(origin, methods, path) }
}

fn secret(name: &str, origin: &str, places: &[Place]) -> SecretGrant {
    let places = places.iter().copied().collect();
    SecretGrant { name: name.to_owned(), origin: origin.parse().unwrap(), places }
}

fn grants(http: Vec<HttpGrant>, secrets: Vec<SecretGrant>) -> Grants {
    Grants { http, secrets, ..Grants::default() }
}

fn origin(text: &str) -> OriginPattern {
    text.parse().unwrap()
}

#[test]
fn an_absent_grant_denies() {
    let none = Grants::default();
    let acme = origin("https://api.acme.com");
    assert!(!none.allows(&acme, "GET", "/", true, false));
    assert!(!none.allows_secret("credentials", &acme, Place::Header));
}

#[test]
fn unchecked_certificates_and_verbatim_bodies_are_grants_of_their_own() {
    let plain = http("https://api.acme.com", &["GET"], "/v0");
    let acme = origin("https://api.acme.com");
    let allows = |grant: &HttpGrant, verify, raw| {
        grants(vec![grant.clone()], vec![]).allows(&acme, "GET", "/v0/x", verify, raw)
    };
    assert!(allows(&plain, true, false));
    assert!(!allows(&plain, false, false));
    assert!(!allows(&plain, true, true));
    let careless = HttpGrant { unverified_tls: true, raw: true, ..plain };
    assert!(allows(&careless, false, true));
    assert!(allows(&careless, true, false));
}

#[test]
fn what_is_missing_is_named_to_the_verb_and_the_place() {
    let needs = grants(
        vec![http("https://api.acme.com", &["DELETE", "GET"], "/v0")],
        vec![secret("token", "https://api.acme.com", &[Place::Header, Place::Url])],
    );
    let granted = grants(
        vec![http("https://*.acme.com", &["GET"], "/")],
        vec![secret("token", "https://api.acme.com", &[Place::Header])],
    );
    let missing = needs.beyond(&granted);
    assert_eq!(missing.http, [http("https://api.acme.com", &["DELETE"], "/v0")]);
    assert_eq!(missing.secrets, [secret("token", "https://api.acme.com", &[Place::Url])]);
    let all = granted.clone().and(missing);
    assert!(needs.beyond(&all).is_empty());
    assert_eq!(needs.beyond(&Grants::default()), needs);
}

#[test]
fn an_exact_path_that_is_needed_is_satisfied_by_a_prefix_that_was_granted() {
    let members = "https://api.acme.com";
    let need = grants(vec![exact(members, &["GET"], "/members")], vec![]);
    let prefix = grants(vec![http(members, &["GET"], "/members")], vec![]);
    assert!(need.beyond(&prefix).is_empty());
    assert_eq!(prefix.limited_to(&need), need, "and no more of it can be done");
    assert_eq!(prefix.beyond(&need), prefix, "an exact path that was granted is not the prefix");
    let origin = origin(members);
    let allows = |path: &str| need.allows(&origin, "GET", path, true, false);
    assert!(allows("/members"));
    for path in ["/members/", "/members/7/points", "/Members", "/member%73", "/"] {
        assert!(!allows(path), "{path}");
    }
    assert_eq!(need.clone().and(prefix.clone()).http.len(), 2, "each stands as it was written");
}

#[test]
fn a_connection_can_do_what_is_needed_and_granted_and_nothing_else() {
    let needs = grants(vec![http("https://api.acme.com", &["GET", "PUT"], "/v0")], vec![]);
    let granted = grants(
        vec![
            http("https://*.acme.com", &["DELETE", "GET"], "/v0/users"),
            http("https://other.example", &["GET"], "/"),
        ],
        vec![secret("token", "https://api.acme.com", &[Place::Header])],
    );
    let both = granted.limited_to(&needs);
    assert_eq!(both.http, [http("https://api.acme.com", &["GET"], "/v0/users")]);
    assert_eq!(both.secrets, []);
}

#[test]
fn a_private_network_stays_granted_although_no_plan_can_ask_for_one() {
    let network: PrivateNetwork = "10.20.0.0/16".parse().unwrap();
    let granted = Grants { private: vec![network], ..Grants::default() };
    assert_eq!(granted.limited_to(&Grants::default()).private, [network]);
}

#[test]
fn reading_is_needed_granted_and_missing_like_anything_else() {
    let reads =
        |read: &[ReadGrant]| Grants { reads: read.iter().copied().collect(), ..Grants::default() };
    let both = reads(&[ReadGrant::Identities, ReadGrant::Responses]);
    let one = reads(&[ReadGrant::Responses]);
    assert_eq!(both.beyond(&one), reads(&[ReadGrant::Identities]));
    assert_eq!(both.limited_to(&one), one);
}

fn query(origin: &str, names: &[(&str, Place)]) -> Query {
    Query {
        pointer: "/queries/access/0".to_owned(),
        label: "access[0]".to_owned(),
        action: None,
        wanted: None,
        when_missing: WhenMissing::Fail,
        origin: origin.to_owned(),
        paths: Paths::Under("/v0".parse().unwrap()),
        method: "GET".to_owned(),
        names: names.iter().map(|(name, place)| ((*name).to_owned(), *place)).collect(),
        verify_tls: false,
        raw: false,
    }
}

fn need(origin: &str, secrets: &[&str]) -> EgressNeed {
    EgressNeed {
        origin: origin.to_owned(),
        path_prefix: "/v1".to_owned(),
        methods: vec!["POST".to_owned()],
        secrets: secrets.iter().map(|s| (*s).to_owned()).collect(),
    }
}

#[test]
fn a_plan_needs_the_least_that_covers_it() {
    let queries =
        [query("https://api.acme.com", &[("email", Place::Url), ("token", Place::Header)])];
    let egress = [need("https://*.acme.com", &["token"])];
    let needs = Grants::needed_by(&queries, &egress, |name| name == "email").unwrap();
    let unverified =
        HttpGrant { unverified_tls: true, ..http("https://api.acme.com", &["GET"], "/v0") };
    assert_eq!(needs.http.len(), 2);
    assert!(needs.http.contains(&unverified));
    assert!(needs.http.contains(&http("https://*.acme.com", &["POST"], "/v1")));
    assert_eq!(needs.secrets.len(), 2);
    assert!(needs.secrets.contains(&secret("token", "https://*.acme.com", &[Place::Header])));
}

#[test]
fn a_need_that_no_grant_can_say_is_a_problem() {
    for (need, code) in [
        (need("*", &[]), "invalid_scheme"),
        (need("https://*.com", &[]), "wildcard_too_wide"),
        (need("https://*.github.io", &[]), "wildcard_too_wide"),
        (need("https://*", &["token"]), "secret_to_any_host"),
        (
            EgressNeed { path_prefix: "v1".to_owned(), ..need("https://a.b", &[]) },
            "invalid_path_prefix",
        ),
        (
            EgressNeed { methods: vec!["TRACE".to_owned()], ..need("https://a.b", &[]) },
            "invalid_method",
        ),
    ] {
        let problems = Grants::needed_by(&[], &[need], |_| false).unwrap_err();
        assert_eq!(problems[0].code, code);
    }
}

fn policy(allow: &[&str], deny: &[&str], private: &[&str]) -> EgressPolicy {
    EgressPolicy {
        allow: allow.iter().map(|text| origin(text)).collect(),
        deny: deny.iter().map(|text| origin(text)).collect(),
        private: private.iter().map(|text| text.parse().unwrap()).collect(),
        unverified_tls: false,
    }
}

#[test]
fn nothing_wider_than_the_operators_policy_can_be_granted() {
    let policy = policy(&["https://*.acme.com"], &["https://hr.acme.com"], &["10.20.0.0/16"]);
    let limits = EgressLimits::default();
    let careless =
        HttpGrant { unverified_tls: true, ..http("https://api.acme.com", &["GET"], "/") };
    let wide = Grants {
        http: vec![
            http("https://*.acme.com", &["GET"], "/"),
            http("https://*", &["GET"], "/"),
            http("https://hr.acme.com", &["GET"], "/"),
            careless,
        ],
        private: vec!["10.20.3.4/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()],
        secrets: vec![secret("token", "https://evil.example", &[Place::Header])],
        reads: BTreeSet::new(),
    };
    let refused: Vec<_> =
        policy.refusals(&limits, &wide).into_iter().map(|p| (p.pointer, p.code)).collect();
    let expected = [
        ("/http/1/origin", "origin_not_allowed"),
        ("/http/2/origin", "origin_denied"),
        ("/secrets/0/origin", "origin_not_allowed"),
        ("/http/3/unverified_tls", "tls_unverified_forbidden"),
        ("/private/1", "network_not_allowed"),
    ];
    assert_eq!(refused, expected.map(|(p, c)| (p.to_owned(), c.to_owned())));

    let narrow = policy.narrow(&limits, &wide);
    assert!(policy.refusals(&limits, &narrow).is_empty());
    assert!(narrow.http.contains(&http("https://*.acme.com", &["GET"], "/")));
    assert!(!narrow.http.iter().any(|grant| grant.unverified_tls));
    assert_eq!(narrow.private.len(), 2, "10.20.3.4/32, and what is the operator's of 10/8");
    assert_eq!(policy.exceptions(&limits, &narrow), [origin("https://hr.acme.com")]);
}

fn limits(allow: Option<&[&str]>, deny: &[&str]) -> EgressLimits {
    let patterns = |list: &[&str]| list.iter().map(|text| origin(text)).collect();
    EgressLimits { allow: allow.map(patterns), deny: patterns(deny) }
}

#[test]
fn a_tenants_limits_only_narrow_what_the_operator_allows() {
    let policy =
        policy(&["https://*.acme.com", "https://crm.example"], &["https://hr.acme.com"], &[]);
    let limits = limits(
        Some(&["https://*.eu.acme.com", "https://evil.example"]),
        &["https://x.eu.acme.com"],
    );
    let granted = grants(
        vec![
            http("https://*.acme.com", &["GET"], "/"),
            http("https://crm.example", &["GET"], "/"),
            http("https://evil.example", &["GET"], "/"),
        ],
        vec![secret("token", "https://*.acme.com", &[Place::Header])],
    );
    let refused: Vec<_> =
        policy.refusals(&limits, &granted).into_iter().map(|p| (p.pointer, p.message)).collect();
    let (tenant, operator) =
        ("the tenant's limits do not allow it", "the operator's egress policy does not allow it");
    let expected = [
        ("/http/0/origin", tenant),
        ("/http/1/origin", tenant),
        ("/http/2/origin", operator),
        ("/secrets/0/origin", tenant),
    ];
    assert_eq!(refused, expected.map(|(p, m)| (p.to_owned(), m.to_owned())));
    let narrow = policy.narrow(&limits, &granted);
    assert_eq!(narrow.http, [http("https://*.eu.acme.com", &["GET"], "/")]);
    assert_eq!(narrow.secrets, [secret("token", "https://*.eu.acme.com", &[Place::Header])]);
    assert_eq!(policy.exceptions(&limits, &narrow), [origin("https://x.eu.acme.com")]);
    assert!(policy.judge_within(&limits, &origin("https://a.eu.acme.com")).is_ok());
    assert!(policy.judge_within(&limits, &origin("https://x.eu.acme.com")).is_err());
}

#[test]
fn an_inner_name_that_only_the_tenant_writes_out_is_not_named() {
    let policy = policy(&["https://*:*"], &[], &[]);
    let crm = origin("https://crm");
    let limits = limits(Some(&["https://crm"]), &[]);
    assert!(policy.judge_within(&limits, &crm).is_ok());
    assert!(!policy.names(&crm));
}

#[test]
fn an_inner_name_is_the_operators_to_write_out() {
    let policy = policy(&["https://*:*", "https://users.corp.internal:8443"], &[], &[]);
    assert!(policy.names(&origin("https://users.corp.internal:8443")));
    assert!(!policy.names(&origin("https://users.corp.internal")));
    assert!(!policy.names(&origin("https://crm")));
    assert!(EgressPolicy::default().judge(&origin("http://10.0.0.1:8080")).is_ok());
}
