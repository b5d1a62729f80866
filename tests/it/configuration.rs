//! The connection object, rule by rule: what is accepted, and how the rest is refused.

use serde_json::{Value, json};

use crate::support::seed;
use crate::support::test_host::{Response, TestHost};
use crate::support::upstream::Reply;

/// The source document's object as it is, its host names included.
fn example() -> Value {
    serde_json::from_str(seed::CONNECTION).unwrap()
}

/// The example after a change.
fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut connection = example();
    change(&mut connection);
    connection
}

/// Code, pointer and message of every problem; nothing of the object was stored.
async fn refusal(host: &TestHost, connection: &Value) -> Vec<(String, String, String)> {
    let refused = host.operator().post("/v1/connections", connection).await;
    assert_eq!(refused.status, 422, "{connection:#}: {}", refused.json);
    let listed = host.operator().get("/v1/connections").await;
    assert_eq!(listed.json["items"], json!([]), "nothing is stored");
    let text = |error: &Value, part: &str| error[part].as_str().unwrap().to_owned();
    let errors = refused.json["errors"].as_array().unwrap().iter();
    errors.map(|e| (text(e, "code"), text(e, "pointer"), text(e, "detail"))).collect()
}

async fn assert_refused(host: &TestHost, connection: &Value, code: &str, pointer: &str) {
    let found = refusal(host, connection).await;
    let places: Vec<_> = found.iter().map(|(c, p, _)| (c.as_str(), p.as_str())).collect();
    assert_eq!(places, [(code, pointer)], "{found:?}");
}

/// Writes an object under a key of its own and removes it again.
async fn assert_accepted(host: &TestHost, connection: &Value) -> Value {
    let operator = host.operator();
    let created = operator.post("/v1/connections", connection).await;
    assert_eq!(created.status, 201, "{connection:#}: {}", created.json);
    let key = created.json["key"].as_str().unwrap();
    assert_eq!(operator.delete(&format!("/v1/connections/{key}")).await.status, 204);
    created.json
}

fn codes(problems: &Value) -> Vec<&str> {
    problems.as_array().unwrap().iter().map(|problem| problem["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_example_of_the_document_loads_unchanged_and_is_shown_as_it_was_written() {
    let host = TestHost::start().await;
    let operator = host.operator();
    let created: Response = operator
        .post_bytes("/v1/connections", "application/json", seed::CONNECTION.as_bytes())
        .await;
    assert_eq!(created.status, 201, "{}", created.json);
    let shown = operator.get("/v1/connections/user-service").await.json;
    let written = example();
    for part in ["name", "uuid", "capabilities", "mode", "queries", "credentials_location"] {
        assert_eq!(shown[part], written[part], "{part}");
    }
}

#[tokio::test]
async fn both_spellings_of_the_connector_type_are_one_and_another_names_the_nearest() {
    let host = TestHost::start().await;
    for spelling in ["APIProxy", "api_proxy"] {
        let written = with(|c| c["connector_type"] = json!(spelling));
        assert_eq!(assert_accepted(&host, &written).await["connector_type"], "api_proxy");
    }
    let misspelled = with(|c| c["connector_type"] = json!("api_proxi"));
    let found = refusal(&host, &misspelled).await;
    assert_eq!(found[0].0, "unknown_connector_type");
    assert_eq!(found[0].1, "/connector_type");
    assert!(found[0].2.contains("did you mean api_proxy?"), "{found:?}");
}

#[tokio::test]
async fn url_verb_and_verify_ssl_are_required_and_headers_and_body_are_not() {
    let host = TestHost::start().await;
    for required in ["url", "verb", "verify_ssl"] {
        let without = with(|c| {
            c["queries"]["access"][0].as_object_mut().unwrap().shift_remove(required);
        });
        let pointer = format!("/queries/access/0/{required}");
        assert_refused(&host, &without, "missing_field", &pointer).await;
    }
    let bare = json!({ "url": "https://api.acme.com/", "verb": "GET", "verify_ssl": "true" });
    assert_accepted(&host, &with(|c| c["queries"]["access"] = json!([bare]))).await;
}

#[tokio::test]
async fn verify_ssl_is_true_or_false_as_a_text_or_a_boolean_and_nothing_else() {
    let host = TestHost::start().await;
    let written = |value: Value| with(|c| c["queries"]["access"][0]["verify_ssl"] = value);
    for good in [json!("true"), json!("false"), json!(true), json!(false)] {
        let accepted = assert_accepted(&host, &written(good.clone())).await;
        let unchecked = codes(&accepted["problems"]).contains(&"tls_unverified");
        assert_eq!(unchecked, good == json!("false") || good == json!(false), "{good}");
    }
    let pointer = "/queries/access/0/verify_ssl";
    for bad in ["True", "yes", "1", "", " true"] {
        assert_refused(&host, &written(json!(bad)), "invalid_value", pointer).await;
    }
    for bad in [json!(1), json!(null), json!([])] {
        assert_refused(&host, &written(bad), "wrong_type", pointer).await;
    }
}

#[tokio::test]
async fn a_connection_needs_a_test_query_and_each_capability_a_query_of_its_own() {
    let host = TestHost::start().await;
    let without_test = with(|c| c["queries"]["test"] = json!([]));
    assert_refused(&host, &without_test, "missing_queries", "/queries/test").await;
    for section in ["access", "delete", "optout", "identifiers"] {
        let without = with(|c| {
            c["queries"].as_object_mut().unwrap().shift_remove(section);
        });
        let pointer = format!("/queries/{section}");
        assert_refused(&host, &without, "missing_queries", &pointer).await;
    }
}

#[tokio::test]
async fn queries_of_a_capability_that_is_not_declared_are_a_warning_and_never_run() {
    let upstream = seed::upstream().await;
    let host = TestHost::start().await;
    let mut connection = seed::connection(&upstream);
    connection["capabilities"] = json!(["privacy/access"]);
    seed::connect(&host, &connection).await;
    let shown = host.operator().get("/v1/connections/user-service").await.json;
    let unused: Vec<_> = shown["problems"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|problem| problem["code"] == "unused_queries")
        .map(|problem| {
            (problem["severity"].as_str().unwrap(), problem["pointer"].as_str().unwrap())
        })
        .collect();
    let expected = ["identifiers", "delete", "optout"].map(|section| format!("/queries/{section}"));
    assert_eq!(unused, expected.iter().map(|p| ("warning", p.as_str())).collect::<Vec<_>>());
    let body = json!({ "policy": "delete", "identities": { "email": seed::EMAIL } });
    let refused = host.operator().post("/v1/privacy-requests", &body).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("rule_unserved")));
    assert!(upstream.calls().is_empty());
}

#[tokio::test]
async fn a_uuid_is_of_version_four_and_unique_in_its_tenant_alone() {
    let host = TestHost::start().await;
    for bad in [
        "not-a-uuid",
        "44d9e703b8cf40a8a1383cc110319b0d",
        "{44d9e703-b8cf-40a8-a138-3cc110319b0d}",
        "44d9e703-b8cf-10a8-a138-3cc110319b0d",
        "44d9e703-b8cf-40a8-c138-3cc110319b0d",
        "00000000-0000-0000-0000-000000000000",
        "",
    ] {
        assert_refused(&host, &with(|c| c["uuid"] = json!(bad)), "invalid_uuid", "/uuid").await;
    }
    let operator = host.operator();
    assert_eq!(operator.post("/v1/connections", &example()).await.status, 201);
    let same = with(|c| c["name"] = json!("Another Service"));
    let refused = operator.post("/v1/connections", &same).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("exists")));
    let elsewhere = host.tenant("acme").await.post("/v1/connections", &same).await;
    assert_eq!(elsewhere.status, 201, "{}", elsewhere.json);
}

#[tokio::test]
async fn a_name_has_1_to_200_characters_that_a_reader_can_see() {
    let host = TestHost::start().await;
    let named = |name: &str| {
        with(|c| {
            c["name"] = json!(name);
            c["key"] = json!("service");
        })
    };
    assert_accepted(&host, &named(&"é".repeat(200))).await;
    for (bad, code) in [
        (String::new(), "empty"),
        ("é".repeat(201), "too_long"),
        (" Service".to_owned(), "not_trimmed"),
        ("Ser\nvice".to_owned(), "not_printable"),
        ("Ser\u{202e}vice".to_owned(), "not_printable"),
        ("Ser\u{200b}vice".to_owned(), "not_printable"),
    ] {
        let found = refusal(&host, &named(&bad)).await;
        assert_eq!((found[0].0.as_str(), found[0].1.as_str()), (code, "/name"), "{bad:?}");
    }
}

#[tokio::test]
async fn capabilities_are_not_empty_known_and_each_there_once() {
    let host = TestHost::start().await;
    let able = |words: Value| with(|c| c["capabilities"] = words);
    assert_refused(&host, &able(json!([])), "empty", "/capabilities").await;
    assert_refused(&host, &able(json!("privacy/access")), "wrong_type", "/capabilities").await;
    for bad in [json!("access"), json!("privacy/Access"), json!("privacy/export"), json!(1)] {
        let written = able(json!(["privacy/delete", bad]));
        assert_refused(&host, &written, "unknown_capability", "/capabilities/1").await;
    }
    let twice = able(json!(["privacy/access", "privacy/access"]));
    assert_refused(&host, &twice, "duplicate", "/capabilities/1").await;
}

#[tokio::test]
async fn a_mode_is_live_or_test() {
    let host = TestHost::start().await;
    for mode in ["live", "test"] {
        let shown = assert_accepted(&host, &with(|c| c["mode"] = json!(mode))).await;
        assert_eq!(shown["mode"], mode);
    }
    for bad in [json!("Live"), json!("dry"), json!(true)] {
        assert_refused(&host, &with(|c| c["mode"] = bad), "invalid_mode", "/mode").await;
    }
}

#[tokio::test]
async fn codes_go_from_100_to_599_and_none_stands_in_both_lists() {
    let host = TestHost::start().await;
    let query = |part: &str, codes: Value| with(|c| c["queries"]["delete"][0][part] = codes);
    for list in ["valid_response_codes", "fail_retry_response_codes"] {
        for bad in [json!(99), json!(600), json!("200"), json!(200.5), json!(-1)] {
            let pointer = format!("/queries/delete/0/{list}/0");
            assert_refused(&host, &query(list, json!([bad])), "invalid_value", &pointer).await;
        }
        assert_accepted(&host, &query(list, json!([100, 599]))).await;
    }
    let both = query("fail_retry_response_codes", json!([503, 404]));
    let pointer = "/queries/delete/0/fail_retry_response_codes/1";
    assert_refused(&host, &both, "conflicting_codes", pointer).await;
}

#[tokio::test]
async fn without_lists_200_alone_is_valid_and_nothing_is_retried() {
    for status in [201, 204, 404, 500, 503] {
        let upstream = seed::upstream().await;
        upstream.on("GET", "/v0/users", move |_| Reply::status(status));
        let host = TestHost::start().await;
        let mut connection = seed::connection(&upstream);
        let query = connection["queries"]["access"][0].as_object_mut().unwrap();
        query.shift_remove("valid_response_codes");
        seed::connect(&host, &connection).await;
        let id = seed::submit(&host, "access").await;
        let request = host.wait_for_status(&id, "error").await;
        assert_eq!(request["tasks"][0]["queries"][0]["status"], status, "{request}");
        assert_eq!(upstream.calls().len(), 1, "{status} fails after exactly one request");
    }
}

#[tokio::test]
async fn an_unknown_field_is_refused_at_every_depth_and_names_the_nearest() {
    let host = TestHost::start().await;
    for (pointer, near, connection) in [
        ("/capabilites", "capabilities", with(|c| c["capabilites"] = json!([]))),
        (
            "/credential_location",
            "credentials_location",
            with(|c| {
                c["credential_location"] = json!("x");
            }),
        ),
        ("/queries/acess", "access", with(|c| c["queries"]["acess"] = json!([]))),
        (
            "/queries/access/0/headres",
            "headers",
            with(|c| {
                c["queries"]["access"][0]["headres"] = json!({});
            }),
        ),
        (
            "/queries/test/0/Verify_SSL",
            "verify_ssl",
            with(|c| {
                c["queries"]["test"][0]["Verify_SSL"] = json!("true");
            }),
        ),
        (
            "/queries/identifiers/primary_phone_number/0/valid_response_code",
            "valid_response_codes",
            with(|c| {
                c["queries"]["identifiers"]["primary_phone_number"][0]["valid_response_code"] =
                    json!([]);
            }),
        ),
    ] {
        let found = refusal(&host, &connection).await;
        let places: Vec<_> = found.iter().map(|(c, p, _)| (c.as_str(), p.as_str())).collect();
        assert_eq!(places, [("unknown_field", pointer)]);
        assert!(
            found[0].2.contains(&format!("did you mean {near}?"))
                || found[0].2.contains(&format!("did you mean \"{near}\"?")),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn problems_of_the_host_the_connector_and_the_gate_are_reported_together() {
    let host = TestHost::start().await;
    let wrong = with(|c| {
        c["uuid"] = json!("x");
        c["mode"] = json!("x");
        c["queries"]["access"][0]["url"] = json!("https://api.acme.com/{email");
        c["queries"]["delete"][0]["body"] = json!("{{\"{email}\": 0}}");
        c["queries"]["optout"][0]["headers"]["Host"] = json!("evil.example");
        c["surprise"] = json!(1);
    });
    let mut found: Vec<_> = refusal(&host, &wrong).await.into_iter().map(|(_, p, _)| p).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "/mode",
            "/queries/access/0/url",
            "/queries/delete/0/body",
            "/queries/optout/0/headers/Host",
            "/surprise",
            "/uuid",
        ]
    );
}
