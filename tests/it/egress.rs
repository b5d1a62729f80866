//! The way out: private addresses, redirects, what a connection may not be pointed at, what a
//! tenant is limited to, whom a connection trusts, and the operator's proxy.

use serde_json::{Value, json};

use crate::support::client::Response;
use crate::support::raw_upstream::RawUpstream;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::{Reply, Upstream};

#[tokio::test]
async fn loopback_is_refused_unless_the_operator_opened_it() {
    let upstream = seed::upstream().await;
    let host = TestHost::start_closed().await;
    let refused = host.operator().post("/v1/connections", &seed::connection(&upstream)).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    assert_eq!(refused.json["errors"][0]["code"], "address_denied", "{}", refused.json);
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn a_metadata_address_is_refused_even_with_loopback_opened() {
    let upstream = seed::upstream().await;
    let host = TestHost::start().await;
    let mut connection = seed::connection(&upstream);
    connection["queries"]["access"][0]["url"] =
        json!("http://169.254.169.254/latest?email={email}");
    let refused = host.operator().post("/v1/connections", &connection).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    assert_eq!(refused.json["errors"][0]["pointer"], "/queries/access/0/url");
    assert_eq!(refused.json["errors"][0]["code"], "address_denied", "{}", refused.json);
}

#[tokio::test]
async fn a_redirect_is_a_status_like_any_other_and_is_not_followed() {
    let (upstream, elsewhere) = (seed::upstream().await, Upstream::start().await);
    let target = elsewhere.url("/stolen");
    upstream.on("GET", "/v0/users", move |_| Reply::status(307).header("location", &target));
    let host = seed::connected_to(&upstream).await;
    let id = seed::submit(&host, "access").await;
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["tasks"][0]["queries"][0]["status"], 307);
    assert_eq!(elsewhere.calls().len(), 0);
}

#[tokio::test]
async fn a_placeholder_in_the_host_is_refused_when_the_connection_is_written() {
    let upstream = seed::upstream().await;
    let host = TestHost::start().await;
    for url in [
        "https://{email}/x",
        "https://api.acme.com:{user_id}/",
        "{email}",
        "https://api.acme.com/?{email}=1",
    ] {
        let mut connection = seed::connection(&upstream);
        connection["queries"]["access"][0]["url"] = json!(url);
        let refused = host.operator().post("/v1/connections", &connection).await;
        assert_eq!(refused.status, 422, "{url}: {}", refused.json);
        assert_eq!(refused.json["errors"][0]["pointer"], "/queries/access/0/url");
    }
}

async fn limit(host: &TestHost, egress: Value) -> Response {
    let body = json!({ "egress": egress });
    let patched = host.operator().patch_with("/v1/tenants/default", &[], &body).await;
    assert_eq!(patched.status, 200, "{}", patched.json);
    patched
}

/// Pointers and codes of a refusal.
fn errors(refused: &Response) -> Vec<(&str, &str)> {
    assert_eq!(refused.status, 422, "{}", refused.json);
    let errors = refused.json["errors"].as_array().unwrap().iter();
    errors.map(|e| (e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn what_a_tenant_is_limited_to_is_refused_when_it_is_written() {
    let upstream = seed::upstream().await;
    let host = TestHost::start().await;
    let limited = limit(&host, json!({ "allow": [upstream.url("")] })).await;
    assert_eq!(limited.json["egress"], json!({ "allow": [upstream.url("")], "deny": [] }));
    let mut connection = seed::connection(&upstream);
    connection["queries"]["access"][0]["url"] = json!("https://api.acme.com/v0?email={email}");
    let refused = host.operator().post("/v1/connections", &connection).await;
    assert_eq!(errors(&refused), [("/queries/access/0/url", "origin_not_allowed")]);
    assert!(refused.json.to_string().contains("the tenant's limits"), "{}", refused.json);
    seed::connect(&host, &seed::connection(&upstream)).await;
    let wider = json!({ "http": [{ "origin": "https://api.acme.com", "methods": ["GET"] }] });
    let refused = host.operator().put("/v1/connections/user-service/grants", &wider).await;
    assert_eq!(errors(&refused), [("/http/0/origin", "origin_not_allowed")]);
    assert!(refused.json.to_string().contains("the tenant's limits"), "{}", refused.json);
}

#[tokio::test]
async fn what_a_tenant_is_not_left_any_more_is_not_sent_although_it_was_granted() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    limit(&host, json!({ "deny": [upstream.url("")] })).await;
    let question =
        json!({ "connection": "user-service", "method": "GET", "url": upstream.url("/v0/users") });
    let told = host.operator().post("/v1/egress/explain", &question).await.json;
    assert_eq!((&told["stage"], &told["code"]), (&json!("policy"), &json!("origin_denied")));
    assert!(told["rule"].as_str().unwrap().contains("the tenant's limits"), "{told}");
    let grants = host.operator().get("/v1/connections/user-service/grants").await.json;
    assert_eq!(grants["effective"]["http"], json!([]), "{grants}");
    let tested = host.operator().post("/v1/connections/user-service/test", &json!({})).await.json;
    assert_eq!(tested["healthy"], false, "{tested}");
    let id = seed::submit(&host, "access").await;
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["tasks"][0]["failure"]["code"], "egress_denied", "{request}");
    assert_eq!(upstream.calls().len(), 0);
    limit(&host, json!({ "deny": null })).await;
    let tested = host.operator().post("/v1/connections/user-service/test", &json!({})).await.json;
    assert_eq!(tested["healthy"], true, "{tested}");
}

#[tokio::test]
async fn the_automatic_grant_is_as_narrow_as_the_configuration() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let grants = host.operator().get("/v1/connections/user-service/grants").await.json;
    let http = grants["granted"]["http"].as_array().unwrap();
    let paths: Vec<_> = http.iter().map(|g| g["path"].as_str().unwrap()).collect();
    assert!(!paths.is_empty());
    for path in paths {
        let planned =
            ["/v0/health-check", "/v0/identifiers/get-phone", "/v0/users", "/v0/users/optout"];
        assert!(planned.contains(&path), "{path}");
    }
    assert!(http.iter().all(|grant| grant.get("path_prefix").is_none()), "{grants}");
    seed::complete(&host, "access").await;
}

fn authority() -> String {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
}

#[tokio::test]
async fn a_bundle_is_shown_as_it_was_written_and_taken_away_by_a_patch() {
    let upstream = seed::upstream().await;
    let host = TestHost::start().await;
    let pem = authority();
    let mut connection = seed::connection(&upstream);
    connection["ca_bundle"] = json!(pem);
    let created = host.operator().post("/v1/connections", &connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    assert_eq!(created.json["ca_bundle"], pem);
    let path = "/v1/connections/user-service";
    let patch = async |body: Value| host.operator().patch_with(path, &[], &body).await;
    let patched = patch(json!({ "description": "x" })).await;
    assert_eq!(patched.json["ca_bundle"], pem, "{}", patched.json);
    let patched = patch(json!({ "ca_bundle": null })).await;
    assert!(patched.json.get("ca_bundle").is_none(), "{}", patched.json);
    let shown = host.operator().get(path).await.json;
    assert!(shown.get("ca_bundle").is_none(), "{shown}");
}

#[tokio::test]
async fn a_bundle_with_a_private_key_is_refused_and_not_repeated() {
    let upstream = seed::upstream().await;
    let host = TestHost::start().await;
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for bundle in [key.clone(), authority() + &key, "hunter2".to_owned(), String::new()] {
        let mut connection = seed::connection(&upstream);
        connection["ca_bundle"] = json!(bundle);
        let refused = host.operator().post("/v1/connections", &connection).await;
        assert_eq!(errors(&refused), [("/ca_bundle", "invalid_ca_bundle")]);
        let told = refused.json.to_string();
        assert!(!told.contains("hunter2") && !told.contains(key.lines().nth(1).unwrap()), "{told}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_and_nothing_goes_around_it() {
    let upstream = seed::upstream().await;
    let proxy = RawUpstream::answering("HTTP/1.1 403 X\r\ncontent-length: 0\r\n\r\n").await;
    let at = proxy.url("").parse().unwrap();
    let host = TestHost::start_configured(|config| {
        config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.egress.proxy = Some(at);
    })
    .await;
    seed::connect(&host, &seed::connection(&upstream)).await;
    let id = seed::submit(&host, "access").await;
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(request["tasks"][0]["failure"]["code"], "egress_denied", "{request}");
    assert!(request.to_string().contains("proxy_refused"), "{request}");
    assert_eq!(upstream.calls().len(), 0);
    let asked = proxy.requests();
    let authority = upstream.url("").replace("http://", "");
    assert!(asked[0].starts_with(&format!("CONNECT {authority} HTTP/1.1\r\n")), "{asked:?}");
}
