//! Templates, rule by rule: how they are read, where values may stand, and what is sent.

use serde_json::{Value, json};

use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::{Call, Reply, Upstream};

/// The corpus of verdicts; its malformed templates are written here.
const CORPUS: &str = include_str!("../data/egress_corpus.json");
const QUERY: &str = "/queries/access/0";

/// A connection with one access query, whatever its verb.
fn connection(query: &Value) -> Value {
    let test = json!({ "url": "https://api.acme.com/up", "verb": "GET", "verify_ssl": "true" });
    let action = if query["verb"] == "DELETE" { "delete" } else { "access" };
    json!({
        "name": "Templates",
        "connector_type": "api_proxy",
        "capabilities": [format!("privacy/{action}")],
        "mode": "live",
        "queries": { "test": [test], action: [query] },
    })
}

fn get(url: &str) -> Value {
    json!({ "url": url, "verb": "GET", "verify_ssl": "true" })
}

fn post(url: &str, content_type: &str, body: &str) -> Value {
    json!({
        "url": url, "verb": "POST", "verify_ssl": "true",
        "headers": { "Content-Type": content_type }, "body": body,
    })
}

/// Code, pointer and column of every problem; nothing was stored.
async fn refusal(host: &TestHost, query: &Value) -> Vec<(String, String, Option<u64>)> {
    let refused = host.operator().post("/v1/connections", &connection(query)).await;
    assert_eq!(refused.status, 422, "{query}: {}", refused.json);
    let listed = host.operator().get("/v1/connections").await;
    assert_eq!(listed.json["items"], json!([]), "nothing is stored");
    let text = |error: &Value, part: &str| error[part].as_str().unwrap().to_owned();
    let errors = refused.json["errors"].as_array().unwrap().iter();
    errors.map(|e| (text(e, "code"), text(e, "pointer"), e["column"].as_u64())).collect()
}

async fn assert_refused(host: &TestHost, query: &Value, code: &str, part: &str, column: u64) {
    let found = refusal(host, query).await;
    let expected = (code.to_owned(), format!("{QUERY}/{part}"), Some(column));
    assert_eq!(found, [expected], "{query}");
}

/// Creates the connection with these secrets; answers what storing them came to.
async fn write(host: &TestHost, query: &Value, secrets: &Value) -> Value {
    let operator = host.operator();
    let created = operator.post("/v1/connections", &connection(query)).await;
    assert_eq!(created.status, 201, "{query}: {}", created.json);
    let stored = operator.put("/v1/connections/templates/secrets", secrets).await;
    assert_eq!(stored.status, 200, "{query}: {}", stored.json);
    stored.json
}

async fn submit(host: &TestHost, identities: &Value) -> Value {
    let body = json!({ "policy": "access", "identities": identities });
    let accepted = host.operator().post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    host.operator().wait_until_it_rests(accepted.json["id"].as_str().unwrap()).await
}

/// An upstream that takes anything at `/q`.
async fn upstream() -> Upstream {
    let upstream = Upstream::start().await;
    for verb in ["GET", "POST"] {
        upstream.on(verb, "/q", |_| Reply::json("[]"));
    }
    upstream
}

/// What is sent for a query about a person.
async fn sent(
    upstream: &Upstream,
    query: &Value,
    secrets: &Value,
    identities: &Value,
) -> Vec<Call> {
    let host = TestHost::start().await;
    write(&host, query, secrets).await;
    let request = submit(&host, identities).await;
    assert_eq!(request["status"], "complete", "{request}");
    upstream.calls()
}

fn secrets() -> Value {
    json!({ "credentials": seed::CREDENTIALS, "Api-Key": "k-1234567", "pin": 12.50 })
}

#[tokio::test]
async fn a_name_is_substituted_in_url_header_and_body_and_doubled_braces_are_literal() {
    let upstream = upstream().await;
    let mut query = post(
        &upstream.url("/q?e={email}"),
        "application/json",
        "{{\"email\": \"{email}\", \"none\": {{}}}}",
    );
    query["headers"]["Authorization"] = json!("Basic {credentials}");
    query["headers"]["X-Braces"] = json!("{{{Api-Key}}} {{}}");
    let calls = sent(&upstream, &query, &secrets(), &json!({ "email": "p@x.com" })).await;
    assert_eq!(calls[0].query, "e=p%40x.com");
    assert_eq!(calls[0].text(), r#"{"email": "p@x.com", "none": {}}"#);
    assert_eq!(calls[0].header("authorization").unwrap(), format!("Basic {}", seed::CREDENTIALS));
    assert_eq!(calls[0].header("x-braces"), Some("{k-1234567} {}"));
}

#[tokio::test]
async fn triple_braces_are_a_brace_around_a_value() {
    let upstream = upstream().await;
    let query = post(&upstream.url("/q"), "text/plain", "{{{email}}} {user_id}}} {{{{{user_id}");
    let identities = json!({ "email": "p@x.com", "user_id": "7" });
    let calls = sent(&upstream, &query, &secrets(), &identities).await;
    assert_eq!(calls[0].text(), "{p@x.com} 7} {{7");
}

#[tokio::test]
async fn a_malformed_template_is_refused_with_its_column_wherever_it_stands() {
    let host = TestHost::start().await;
    for (malformed, column) in [
        ("{email", 1),
        ("email}", 6),
        ("{}", 1),
        ("{0}", 2),
        ("{ email }", 2),
        ("{email!r}", 7),
        ("{email:>9}", 7),
        ("{email[0]}", 7),
        ("{email.__class__}", 7),
        ("{-email}", 2),
        ("{é}", 2),
        ("{email}}", 8),
        ("{{{email}}", 10),
    ] {
        let url = "https://api.acme.com/?e=";
        let query = get(&format!("{url}{malformed}"));
        assert_refused(&host, &query, "invalid_template", "url", column + url.len() as u64).await;
        let mut query = get("https://api.acme.com/");
        query["headers"] = json!({ "X-A/B": format!("é {malformed}") });
        let part = "headers/X-A~1B";
        let found = refusal(&host, &query).await;
        let expected = ("invalid_template".to_owned(), format!("{QUERY}/{part}"), Some(column + 2));
        assert!(found.contains(&expected), "{malformed}: {found:?}");
        let query = post("https://api.acme.com/", "text/plain", malformed);
        assert_refused(&host, &query, "invalid_template", "body", column).await;
    }
}

#[tokio::test]
async fn a_value_that_looks_like_a_template_stays_as_it_is() {
    let upstream = upstream().await;
    let query = post(&upstream.url("/q"), "application/json", "{{\"id\": \"{user_id}\"}}");
    let identities = json!({ "user_id": "{credentials}{{email}}" });
    let calls = sent(&upstream, &query, &secrets(), &identities).await;
    assert_eq!(calls[0].text(), r#"{"id": "{credentials}{{email}}"}"#);
}

#[tokio::test]
async fn a_value_is_escaped_for_the_place_where_it_stands() {
    let value = r#"a+b"<&'ü"#;
    for (content_type, body, expected) in [
        ("application/json", r#"["{email}"]"#, r#"["a+b\"<&'ü"]"#),
        ("application/scim+json", r#"["{email}"]"#, r#"["a+b\"<&'ü"]"#),
        ("application/x-www-form-urlencoded", "e={email}&o=1", "e=a%2Bb%22%3C%26%27%C3%BC&o=1"),
        ("text/plain", "{email}", value),
    ] {
        let upstream = upstream().await;
        let query = post(&upstream.url("/q?e={email}"), content_type, body);
        let calls = sent(&upstream, &query, &secrets(), &json!({ "email": value })).await;
        assert_eq!(calls[0].text(), expected, "{content_type}");
        assert_eq!(calls[0].query, "e=a%2Bb%22%3C%26%27%C3%BC");
    }
    let upstream = upstream().await;
    let query = post(&upstream.url("/q"), "application/xml", "<r a='{email}'>{email}</r>");
    let calls = sent(&upstream, &query, &secrets(), &json!({ "email": value })).await;
    let sent = calls[0].text();
    assert!(!sent.contains(value) && sent.contains("&lt;") && sent.contains("&amp;"), "{sent}");
}

#[tokio::test]
async fn a_placeholder_in_a_place_where_none_may_stand_is_refused_with_its_column() {
    let host = TestHost::start().await;
    for (url, code, column) in [
        ("{email}", "placeholder_in_scheme", 1),
        ("{email}://api.acme.com/", "placeholder_in_scheme", 1),
        ("https://{email}@api.acme.com/", "placeholder_in_host", 9),
        ("https://{email}/", "placeholder_in_host", 9),
        ("https://api.acme.com:{email}/", "placeholder_in_host", 22),
        ("https://api.acme.com/?{email}=1", "placeholder_in_name", 23),
        ("https://api.acme.com/?a={email}&{user_id}=1", "placeholder_in_name", 33),
        ("https://api.acme.com/#{email}", "placeholder_in_fragment", 23),
        ("https://api.acme.com/?e=%4{email}", "partial_escape", 27),
        ("https://api.acme.com/?e={{email}}", "url_braces", 25),
        ("https://api.acme.com/{email}/{{x}}", "url_braces", 30),
        ("https://api.acme.com/{email}#x", "url_fragment", 29),
        ("https://api.acme.com/{email} x", "url_character", 29),
    ] {
        assert_refused(&host, &get(url), code, "url", column).await;
    }
    let json = "application/json";
    for (content_type, body, code, column) in [
        (json, r#"{{"{email}": 1}}"#, "placeholder_in_name", 4),
        (json, r#"{{"a": "\u00{email}"}}"#, "partial_escape", 13),
        (json, r#"{{"a": 1{email}}}"#, "json_number", 9),
        (json, r#"{{"a": "{email}", "a": 1}}"#, "json_duplicate_key", 23),
        (json, r#"{{"email": "{email}"}}x"#, "body_not_json", 23),
        ("application/x-www-form-urlencoded", "{email}=1", "placeholder_in_name", 1),
        ("application/x-www-form-urlencoded", "e={email}&o=a b", "body_form", 14),
        ("application/xml", "<r e={email}/>", "placeholder_in_markup", 6),
        ("application/xml", "<r>&{email};</r>", "partial_escape", 5),
        ("application/xml", "<!DOCTYPE r><r>{email}</r>", "xml_doctype", 3),
        ("application/x-unknown", "x {email}", "body_type_unknown", 3),
        ("application/json; charset=latin1", r#"["{email}"]"#, "body_charset", 3),
    ] {
        let query = post("https://api.acme.com/", content_type, body);
        let found = refusal(&host, &query).await;
        let expected = (code.to_owned(), format!("{QUERY}/body"), Some(column));
        assert!(found.contains(&expected), "{body}: {found:?}");
    }
    let mut query = post("https://api.acme.com/", "text/{user_id}", "x");
    let part = "headers/Content-Type";
    assert_refused(&host, &query, "content_type_not_literal", part, 6).await;
    query["headers"] = json!({ "X-A": "{email} é" });
    query.as_object_mut().unwrap().shift_remove("body");
    assert_refused(&host, &query, "header_value", "headers/X-A", 9).await;
}

#[tokio::test]
async fn every_template_that_the_corpus_calls_malformed_is_refused_when_it_is_written() {
    /// Denied for want of a grant, which a built-in connector's connection has by being written,
    /// or for a name, which is refused once the secrets are stored.
    const OTHERWISE: [&str; 5] =
        ["config-011", "config-022", "config-023", "header-038", "body-024"];
    let host = TestHost::start().await;
    let corpus: Value = serde_json::from_str(CORPUS).unwrap();
    let mut written = 0;
    for entry in corpus["entries"].as_array().unwrap() {
        let id = entry["id"].as_str().unwrap();
        let malformed = entry["kind"] == "template" && entry["stage"] == "config";
        if !malformed || entry["expect"] != "deny" || OTHERWISE.contains(&id) {
            continue;
        }
        let template = &entry["template"];
        let mut query = json!({
            "url": template["url"], "verb": template["method"], "verify_ssl": "true",
        });
        for part in ["headers", "body"] {
            if !template[part].is_null() {
                query[part] = template[part].clone();
            }
        }
        let found = refusal(&host, &query).await;
        assert_eq!(found.len(), 1, "{id}: {found:?}");
        let (code, pointer, column) = &found[0];
        assert!(pointer.starts_with("/queries/"), "{id}: {pointer}");
        // A header's name is no template and has no columns.
        let is_name = pointer.contains("/headers/") && code.starts_with("header_");
        assert!(is_name || column.is_some(), "{id}: {code} at {pointer} has no column");
        written += 1;
    }
    assert_eq!(written, 35, "the corpus has this many");
}

#[tokio::test]
async fn a_secret_may_stand_in_a_url_and_stays_a_warning_there() {
    let host = TestHost::start().await;
    let stored =
        write(&host, &get("https://api.acme.com/?email={email}&key={Api-Key}"), &secrets()).await;
    let problem = &stored["problems"][0];
    assert_eq!(problem["code"], "secret_in_url");
    assert_eq!(problem["severity"], "warning");
    assert_eq!(problem["pointer"], format!("{QUERY}/url"));
    assert_eq!(problem["column"], 41);
}

#[tokio::test]
async fn a_name_that_is_neither_identity_nor_secret_is_a_problem_and_then_refused() {
    let host = TestHost::start().await;
    let operator = host.operator();
    let query = get("https://api.acme.com/?e={nope}");
    let created = operator.post("/v1/connections", &connection(&query)).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let problem = &created.json["problems"][0];
    assert_eq!(
        (&problem["code"], &problem["severity"]),
        (&json!("unknown_placeholder"), &json!("warning"))
    );
    let place = (&problem["pointer"], &problem["column"]);
    assert_eq!(place, (&json!(format!("{QUERY}/url")), &json!(25)));

    let path = "/v1/connections/templates/secrets";
    let refused = operator.put(path, &secrets()).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    let error = &refused.json["errors"][0];
    assert_eq!((&error["code"], &error["column"]), (&json!("unknown_placeholder"), &json!(25)));
    let both = operator.put(path, &json!({ "nope": "x", "email": "y" })).await;
    assert_eq!(both.status, 200, "{{email}} stands in no template: {}", both.json);
    let named = operator
        .put("/v1/connections/templates", &connection(&get("https://api.acme.com/?e={email}")))
        .await;
    assert_eq!(named.status, 422, "{}", named.json);
    assert_eq!(named.json["errors"][0]["code"], "ambiguous_placeholder");
}

#[tokio::test]
async fn a_kind_that_the_person_lacks_fails_the_task_before_its_first_query() {
    let upstream = upstream().await;
    let host = TestHost::start().await;
    let mut written = connection(&get(&upstream.url("/q?e={email}")));
    let lacking = get(&upstream.url("/q?u={user_id}"));
    written["queries"]["access"].as_array_mut().unwrap().push(lacking.clone());
    let created = host.operator().post("/v1/connections", &written).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let request = submit(&host, &json!({ "email": "p@x.example" })).await;
    let failure = &request["tasks"][0]["failure"];
    assert_eq!(failure["code"], "missing_placeholder", "{request}");
    assert!(failure["detail"].as_str().unwrap().contains("user_id"), "{failure}");
    assert!(!request.to_string().contains("p@x.example"));
    assert!(upstream.calls().is_empty(), "the first query was not sent either");

    written["queries"]["access"][1]["when_missing"] = json!("skip");
    host.operator().put("/v1/connections/templates", &written).await;
    let request = submit(&host, &json!({ "email": "p@x.example" })).await;
    assert_eq!(request["status"], "complete", "{request}");
    let skipped = &request["tasks"][0]["skipped_queries"][0];
    assert_eq!(skipped["reason"], "missing_placeholder");
    assert_eq!(skipped["placeholder"], "user_id");
    assert_eq!(upstream.calls().len(), 1);
}

#[tokio::test]
async fn several_values_are_tried_in_all_combinations_up_to_a_hundred() {
    let upstream = upstream().await;
    let query = get(&upstream.url("/q?e={email}&u={user_id}"));
    let two = json!({ "email": ["a@x.example", "b@x.example"], "user_id": ["1", "2"] });
    let calls = sent(&upstream, &query, &secrets(), &two).await;
    let queries: Vec<_> = calls.iter().map(|call| call.query.as_str()).collect();
    assert_eq!(
        queries,
        [
            "e=a%40x.example&u=1",
            "e=a%40x.example&u=2",
            "e=b%40x.example&u=1",
            "e=b%40x.example&u=2",
        ]
    );

    let host = TestHost::start().await;
    write(&host, &query, &secrets()).await;
    let values = |count: usize| (0..count).map(|n| format!("v{n}")).collect::<Vec<_>>();
    let many = json!({ "email": values(11), "user_id": values(10) });
    let request = submit(&host, &many).await;
    assert_eq!(request["tasks"][0]["failure"]["code"], "too_many_combinations", "{request}");
    assert_eq!(upstream.calls().len(), 4, "nothing more was sent");
}

#[tokio::test]
async fn identities_are_texts_of_1_to_1024_visible_bytes_and_anything_else_is_not_stored() {
    let upstream = upstream().await;
    let host = TestHost::start().await;
    write(&host, &get(&upstream.url("/q?e={email}")), &secrets()).await;
    let operator = host.operator();
    let body = |value: Value| json!({ "policy": "access", "identities": { "email": value } });
    for bad in [
        json!(""),
        json!("  "),
        json!(" a"),
        json!("a "),
        json!("a\nb"),
        json!("a\u{0}b"),
        json!("a\u{85}b"),
        json!("a\u{202e}b"),
        json!("a\u{200b}b"),
        json!("\u{feff}a"),
        json!("a".repeat(1025)),
        json!("é".repeat(513)),
        json!(7),
        json!(null),
        json!({ "$ne": null }),
        json!([]),
        json!(["a", ""]),
    ] {
        let refused = operator.post("/v1/privacy-requests", &body(bad.clone())).await;
        assert_eq!(refused.status, 422, "{bad}: {}", refused.json);
        let pointer = refused.json["errors"][0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with("/identities"), "{bad}: {pointer}");
    }
    let listed = operator.get("/v1/privacy-requests").await;
    assert_eq!(listed.json["items"], json!([]));
    let longest = operator.post("/v1/privacy-requests", &body(json!("a".repeat(1024)))).await;
    assert_eq!(longest.status, 202, "{}", longest.json);
}

#[tokio::test]
async fn a_number_among_the_credentials_is_substituted_as_its_text() {
    let upstream = upstream().await;
    let mut query = get(&upstream.url("/q?e={email}"));
    query["headers"] = json!({ "X-Pin": "{pin}" });
    let host = TestHost::start().await;
    let operator = host.operator();
    operator.post("/v1/connections", &connection(&query)).await;
    let path = "/v1/connections/templates/secrets";
    let pin: Value = serde_json::from_str(r#"{"pin": 12.50}"#).unwrap();
    assert_eq!(operator.put(path, &pin).await.status, 200);
    submit(&host, &json!({ "email": "p@x.com" })).await;
    assert_eq!(upstream.calls()[0].header("x-pin"), Some("12.50"));
}
