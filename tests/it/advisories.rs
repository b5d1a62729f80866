//! Advisories of a comparable product, each as a test that bears its number: those that concern
//! the way out, templates and secrets.

use serde_json::{Value, json};

use crate::support::raw_upstream::{RawUpstream, json_answer};
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::{Reply, Upstream};

/// The example's connection with another URL for access.
fn pointed_at(upstream: &Upstream, url: &str) -> Value {
    let mut connection = seed::connection(upstream);
    connection["queries"]["access"][0]["url"] = json!(url);
    connection
}

/// Server-side request forgery through the configuration of a connector.
#[tokio::test]
async fn cve_2023_46124_a_configuration_cannot_point_a_connector_at_the_inside() {
    let inside = RawUpstream::answering(json_answer("[]")).await;
    let (host, upstream) = (TestHost::start_closed().await, Upstream::start().await);
    let operator = host.operator();
    for url in [
        "http://169.254.169.254/latest/meta-data/?e={email}",
        "http://metadata.google.internal/computeMetadata/v1/?e={email}",
        "http://[fd00:ec2::254]/latest/?e={email}",
        "http://[::ffff:169.254.169.254]/?e={email}",
        "http://0x7f000001/?e={email}",
        "http://2130706433/?e={email}",
        "http://localhost:6379/?e={email}",
        "http://10.0.0.5/?e={email}",
        "https://kubernetes.default.svc/?e={email}",
        inside.url("/?e={email}").as_str(),
    ] {
        let refused = operator.post("/v1/connections", &pointed_at(&upstream, url)).await;
        assert_eq!(refused.status, 422, "{url}: {}", refused.json);
        let pointers = refused.json["errors"].to_string();
        assert!(pointers.contains("/queries/access/0/url"), "{url}: {pointers}");
    }
    // Nor does it help to bring the grants along.
    let mut generous = pointed_at(&upstream, &inside.url("/?e={email}"));
    generous["grants"] = json!({ "private": ["127.0.0.0/8"] });
    let refused = operator.post("/v1/connections", &generous).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    let listed = operator.get("/v1/connections").await;
    assert_eq!(listed.json["items"].as_array().map(Vec::len), Some(0), "{}", listed.json);
    assert_eq!(inside.connections(), 0);
}

/// Expressions in templates that the server evaluates.
#[tokio::test]
async fn cve_2024_45053_a_template_holds_no_expression_and_a_value_is_no_template() {
    let (host, upstream) = (TestHost::start().await, seed::upstream().await);
    let operator = host.operator();
    for expression in [
        "{email.__class__}",
        "{email.__init__.__globals__}",
        "{email[0]}",
        "{email!r}",
        "{email:>10}",
        "{7*7}",
        "{''.join(email)}",
        "{% for x in email %}",
        "{0}",
        "{}",
    ] {
        let mut connection = seed::connection(&upstream);
        let query = &mut connection["queries"]["access"][0];
        query["headers"] = json!({ "X-Subject": expression });
        let refused = operator.post("/v1/connections", &connection).await;
        assert_eq!(refused.status, 422, "{expression}: {}", refused.json);
        let pointer = &refused.json["errors"][0]["pointer"];
        assert_eq!(pointer, "/queries/access/0/headers/X-Subject", "{expression}");
    }
    // Double braces are braces: what stands between them is sent, not evaluated. And what the
    // data subject writes is sent as he wrote it, in one pass.
    let mut connection = seed::connection(&upstream);
    let query = &mut connection["queries"]["access"][0];
    query["headers"] = json!({ "X-Literal": "{{7*7}}", "X-Subject": "{email}" });
    upstream.on("GET", "/v0/users", |_| Reply::json("[]"));
    seed::connect(&host, &connection).await;
    for subject in ["{credentials}", "{{7*7}}", "${7*7}", "{email.__class__}", "<%= 7*7 %>"] {
        let body = json!({ "policy": "access", "identities": { "email": subject } });
        let accepted = operator.post("/v1/privacy-requests", &body).await;
        assert_eq!(accepted.status, 202, "{subject}: {}", accepted.json);
        host.wait_for_status(accepted.json["id"].as_str().unwrap(), "complete").await;
        let calls = upstream.calls();
        let call = calls.iter().rfind(|call| call.path == "/v0/users").unwrap();
        assert_eq!(call.header("x-subject"), Some(subject));
        assert_eq!(call.header("x-literal"), Some("{7*7}"));
    }
}

/// The address of an inner server in what everybody may read.
#[tokio::test]
async fn cve_2024_31223_no_answer_names_the_address_of_an_inner_server() {
    let upstream = RawUpstream::answering("HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n").await;
    let address = upstream.url("");
    let host = TestHost::start_configured(|config| {
        config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.runtime.retry_max = std::time::Duration::from_millis(20);
    })
    .await;
    let mut connection: Value = serde_json::from_str(seed::CONNECTION).unwrap();
    connection["queries"] = json!({
        "test": [{ "url": upstream.url("/health"), "verb": "GET", "verify_ssl": "true" }],
        "access": [{ "url": upstream.url("/users?e={email}"), "verb": "GET", "verify_ssl": "true" }],
    });
    connection["capabilities"] = json!(["privacy/access"]);
    seed::connect(&host, &connection).await;
    let operator = host.operator();
    let mut shown = String::new();
    let mut upstream = Some(upstream);
    for answers in [true, false] {
        if !answers {
            // From now on nobody answers there.
            drop(upstream.take());
        }
        let id = seed::submit(&host, "access").await;
        shown += &operator.wait_until_it_rests(&id).await.to_string();
        for path in ["events", "package", "manual-inputs"] {
            let told = operator.get(&format!("/v1/privacy-requests/{id}/{path}")).await;
            shown += &told.json.to_string();
        }
    }
    shown += &operator.post("/v1/connections/user-service/test", &json!({})).await.json.to_string();
    shown += &operator.get_text("/metrics").await;
    let port = address.rsplit(':').next().unwrap();
    for needle in [address.as_str(), address.trim_start_matches("http://"), &format!(":{port}")] {
        assert!(!shown.contains(needle), "{needle} was shown: {shown}");
    }
}
