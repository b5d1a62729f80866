//! An access request, from HTTP to the package.

use serde_json::json;

use crate::support::package::Bundle;
use crate::support::seed;
use crate::support::upstream::{Reply, Upstream};

#[tokio::test]
async fn the_example_of_the_document_gives_exactly_two_files_with_its_ten_rows() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let request = seed::complete(&host, "access").await;

    let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
    let csv: Vec<&str> = bundle.names().filter(|name| name.ends_with(".csv")).collect();
    assert_eq!(csv, ["user-service/1.csv", "user-service/2.csv"]);
    assert_eq!(
        bundle.lines("user-service/1.csv"),
        [
            "first_name,Peter",
            "last_name,Gibbons",
            "company,Initech",
            "friends_0,Samir",
            "friends_1,Michael"
        ]
    );
    assert_eq!(
        bundle.lines("user-service/2.csv"),
        [
            "address_type,Home",
            "address_street,191 N. Lamar",
            "address_city,Flander",
            "address_state,Illinois",
            "address_zip_code,77070"
        ]
    );
}

#[tokio::test]
async fn what_goes_upstream_is_the_template_with_its_values_escaped_for_their_place() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    seed::complete(&host, "access").await;

    let calls = upstream.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].method.as_str(), calls[0].path.as_str()), ("GET", "/v0/users"));
    assert_eq!(calls[0].query, "email=peter.gibbons%2Bdsr%40initech.example");
    let authorization = format!("Basic {}", seed::CREDENTIALS);
    assert_eq!(calls[0].header("authorization"), Some(authorization.as_str()));
}

#[tokio::test]
async fn the_manifest_names_what_made_each_file_and_its_digest() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let request = seed::complete(&host, "access").await;

    let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
    let manifest = bundle.json("manifest.json");
    assert_eq!(manifest["request_id"], request["id"]);
    let files = manifest["files"].as_array().unwrap();
    let files: Vec<_> = files.iter().filter(|file| file["path"] != "index.html").collect();
    assert_eq!(files.len(), 4, "a CSV and a JSON file for each of the two records");
    for file in files {
        assert_eq!(file["sha256"], bundle.sha256(file["path"].as_str().unwrap()).as_str());
        assert_eq!(file["connection"], "user-service");
    }
}

#[tokio::test]
async fn an_unknown_person_gives_an_empty_package_and_a_success() {
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/users", |_| Reply::json("[]"));
    let host = seed::connected_to(&upstream).await;
    let request = seed::complete(&host, "access").await;

    let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
    assert_eq!(bundle.names().filter(|name| name.ends_with(".csv")).count(), 0);
    assert_eq!(request["tasks"][0]["finding"]["kind"], "nothing_found");
}

#[tokio::test]
async fn a_body_that_is_no_array_of_objects_fails_and_is_not_quoted() {
    for body in [r#"{"secret-name": "x"}"#, "[1]", r#"[{"a":1,"a":2}]"#, "not json", ""] {
        let upstream = seed::upstream().await;
        let body = body.to_owned();
        upstream.on("GET", "/v0/users", move |_| Reply::json(body.clone()));
        let host = seed::connected_to(&upstream).await;
        let id = seed::submit(&host, "access").await;
        let request = host.wait_for_status(&id, "error").await;
        assert_eq!(request["tasks"][0]["failure"]["code"], "malformed_response", "{request}");
        assert!(!request.to_string().contains("secret-name"));
        let package = host.operator().get(&format!("/v1/privacy-requests/{id}/package")).await;
        assert_eq!((package.status, &package.json["code"]), (404, &json!("package_not_ready")));
    }
}

#[tokio::test]
async fn a_status_in_neither_list_fails_after_exactly_one_call() {
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/users", |_| Reply::status(500));
    let host = seed::connected_to(&upstream).await;
    let id = seed::submit(&host, "access").await;
    let request = host.wait_for_status(&id, "error").await;
    assert_eq!(upstream.calls().len(), 1);
    assert_eq!(request["tasks"][0]["failure"]["code"], "query_failed");
    assert_eq!(request["tasks"][0]["queries"][0]["status"], 500);

    upstream.on("GET", "/v0/users", |_| Reply::json(seed::ACCESS));
    let retried =
        host.operator().post(&format!("/v1/privacy-requests/{id}/retry"), &json!({})).await;
    assert_eq!(retried.status, 200, "{}", retried.json);
    host.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_retry_status_is_tried_again_and_then_succeeds() {
    let upstream = seed::upstream().await;
    upstream.script("GET", "/v0/users", [Reply::status(503), Reply::status(503)]);
    let mut connection = seed::connection(&upstream);
    connection["queries"]["access"][0]["fail_retry_response_codes"] = json!([503]);
    let host = crate::support::test_host::TestHost::start().await;
    seed::connect(&host, &connection).await;
    let request = seed::complete(&host, "access").await;
    assert_eq!(upstream.calls().len(), 3);
    assert_eq!(request["tasks"][0]["queries"][0]["attempts"], 3);
}

#[tokio::test]
async fn if_the_second_query_fails_nothing_of_the_first_is_published() {
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/orders", |_| Reply::status(500));
    let mut connection = seed::connection(&upstream);
    let mut second = connection["queries"]["access"][0].clone();
    second["url"] = json!(upstream.url("/v0/orders?email={email}"));
    connection["queries"]["access"].as_array_mut().unwrap().push(second);
    let host = crate::support::test_host::TestHost::start().await;
    seed::connect(&host, &connection).await;
    let id = seed::submit(&host, "access").await;
    let request = host.wait_for_status(&id, "error").await;
    let queries = request["tasks"][0]["queries"].as_array().unwrap();
    assert_eq!(
        (&queries[0]["outcome"], &queries[1]["outcome"]),
        (&json!("success"), &json!("unexpected_status"))
    );
    assert_eq!(
        host.operator().get(&format!("/v1/privacy-requests/{id}/package")).await.status,
        404
    );
}

#[tokio::test]
async fn a_missing_identity_is_found_before_the_first_call_and_named() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let body = json!({ "policy": "access", "identities": { "user_id": "4711-secret" } });
    let accepted = host.operator().post("/v1/privacy-requests", &body).await;
    let id = accepted.json["id"].as_str().unwrap();
    let request = host.wait_for_status(id, "error").await;
    assert_eq!(request["tasks"][0]["failure"]["code"], "missing_placeholder");
    assert!(request["tasks"][0]["failure"]["detail"].as_str().unwrap().contains("email"));
    assert!(!request.to_string().contains("4711-secret"));
    assert_eq!(upstream.calls().len(), 0);
}

#[tokio::test]
async fn an_identity_with_several_values_runs_the_query_once_for_each() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let body =
        json!({ "policy": "access", "identities": { "email": ["a@x.example", "b@x.example"] } });
    let accepted = host.operator().post("/v1/privacy-requests", &body).await;
    host.wait_for_status(accepted.json["id"].as_str().unwrap(), "complete").await;
    let queries: Vec<String> = upstream.calls().iter().map(|call| call.query.clone()).collect();
    assert_eq!(queries, ["email=a%40x.example", "email=b%40x.example"]);
}

#[tokio::test]
async fn two_connections_of_one_stage_run_side_by_side() {
    let upstream = seed::upstream().await;
    let gate = crate::support::upstream::Gate::new();
    let held = gate.clone();
    upstream.on("GET", "/v0/users", move |_| Reply::json(seed::ACCESS).held_by(&held));
    let host = seed::connected_to(&upstream).await;
    let mut second = seed::connection(&upstream);
    second["name"] = json!("Second service");
    second["uuid"] = json!("0b7c9a52-1f5e-4b57-8d3c-2f6d1c1f0a01");
    seed::connect(&host, &second).await;
    let id = seed::submit(&host, "access").await;
    upstream.wait_for_calls(2).await;
    gate.open();
    let request = host.wait_for_status(&id, "complete").await;
    let bundle = Bundle::of(&host, &id).await;
    assert_eq!(bundle.names().filter(|name| name.ends_with(".csv")).count(), 4);
    assert_eq!(request["tasks"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn many_connections_of_one_request_all_bring_their_records() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    for n in 1..25 {
        let mut connection = seed::connection(&upstream);
        connection["name"] = json!(format!("Service {n}"));
        connection["uuid"] = json!(format!("0b7c9a52-1f5e-4b57-8d3c-2f6d1c1f0a{n:02}"));
        seed::connect(&host, &connection).await;
    }
    let request = seed::complete(&host, "access").await;
    assert_eq!(request["tasks"].as_array().unwrap().len(), 25);
    assert_eq!(upstream.calls().len(), 25);
    let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
    assert_eq!(bundle.names().filter(|name| name.ends_with(".csv")).count(), 50);
}

#[tokio::test]
async fn a_call_of_one_tenant_waits_for_nobody_elses_upstream() {
    let slow = Upstream::start().await;
    let gate = crate::support::upstream::Gate::new();
    let held = gate.clone();
    slow.on("GET", "/v0/users", move |_| Reply::json("[]").held_by(&held));
    let host = seed::connected_to(&slow).await;
    let stuck = seed::submit(&host, "access").await;
    slow.wait_for_calls(1).await;

    let quick = seed::upstream().await;
    let tenant = host.tenant("other").await;
    let created = tenant.post("/v1/connections", &seed::connection(&quick)).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let secrets = json!({ "credentials": seed::CREDENTIALS });
    tenant.put("/v1/connections/user-service/secrets", &secrets).await;
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let accepted = tenant.post("/v1/privacy-requests", &body).await;
    tenant.wait_for_status(accepted.json["id"].as_str().unwrap(), "complete").await;
    gate.open();
    host.wait_for_status(&stuck, "complete").await;
}
