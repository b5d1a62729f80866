//! The way out: private addresses, redirects, and what a connection may not be pointed at.

use serde_json::json;

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
