//! What a cassette finds, and how it says it.

use std::path::Path;

use serde_json::{Value, json};

use super::project::{Ran, author, rust_component, rust_project};

/// Plays a changed copy of a cassette of the project.
async fn played(name: &str, change: impl FnOnce(&mut Value)) -> Ran {
    let project = rust_project().await;
    let text = std::fs::read_to_string(project.join("cassettes").join(name)).unwrap();
    let mut cassette: Value = serde_json::from_str(&text).unwrap();
    change(&mut cassette);
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("cassette.json"), cassette.to_string()).unwrap();
    play(place.path()).await
}

async fn play(directory: &Path) -> Ran {
    let component = rust_component().await;
    let component = component.to_str().unwrap();
    author(&["plugin", "test", component, "--cassette", "cassette.json"], directory).await
}

fn exchange(cassette: &mut Value, n: usize) -> &mut Value {
    &mut cassette["segments"][0]["exchanges"][n]
}

#[tokio::test]
async fn another_request_than_the_recorded_one_is_shown_by_its_difference_and_by_names() {
    let ran = played("access.json", |cassette| {
        let request = &mut exchange(cassette, 1)["request"];
        request["url"] = "https://contacts.example/v1/contacts?email={email}&cursor=c3".into();
        request["headers"]["accept"] = "application/json".into();
    })
    .await;
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let expected = "FAILED  cassette.json
  /segments/0/exchanges/1/request: the connector sends another request
      url
        - https://contacts.example/v1/contacts?email={email}&cursor=c3
        + https://contacts.example/v1/contacts?email={email}&limit=50&cursor=c2
      header accept
        - application/json
";
    assert_eq!(ran.stdout, expected);
}

#[tokio::test]
async fn a_request_too_few_or_too_many_and_another_outcome_are_found() {
    let fewer = played("access.json", |cassette| {
        cassette["segments"][0]["exchanges"].as_array_mut().unwrap().pop();
    });
    let fewer = fewer.await.stdout;
    assert!(fewer.contains("/segments/0/exchanges/1/request: the connector sends a request more"));
    assert!(fewer.contains("cursor=c2") && !fewer.contains("ada@"), "{fewer}");
    let more = played("delete.json", |cassette| {
        let again = exchange(cassette, 1).clone();
        cassette["segments"][0]["exchanges"].as_array_mut().unwrap().push(again);
    });
    let more = more.await.stdout;
    let expected = "FAILED  cassette.json
  /segments/0/exchanges/2: the last request of the cassette was not sent
      request
        - DELETE https://contacts.example/v1/contacts?email={email 2}
";
    assert_eq!(more, expected, "and nothing of what came of it, which is as expected");
    let many = played("delete.json", |cassette| {
        let again = vec![exchange(cassette, 1).clone(); 2];
        cassette["segments"][0]["exchanges"].as_array_mut().unwrap().extend(again);
    });
    let many = many.await.stdout;
    assert!(many.contains("exchanges/2: the last 2 requests of the cassette were not"), "{many}");
    let other = played("access.json", |cassette| {
        cassette["segments"][0]["expect"]["records"][1][0]["name"] = "Grace".into();
    });
    let other = other.await.stdout;
    let expected = r#"FAILED  cassette.json
  /segments/0/expect: the run came to something else
      expect/records/1/0/name
                  "email": "{email}",
                  "id": 2,
        -         "name": "Grace"
        +         "name": "Ada, at work"
                }
              ]
"#;
    assert_eq!(other, expected, "the place that differs, in names");
}

#[tokio::test]
async fn why_a_run_failed_is_told_in_its_own_words() {
    let wrong_key = played("access.json", |cassette| {
        exchange(cassette, 0)["response"] = json!({ "status": 401 });
        cassette["segments"][0]["exchanges"].as_array_mut().unwrap().truncate(1);
    });
    let said = wrong_key.await.stdout;
    let why = "the run failed: query_failed at access/contacts: unexpected status 401";
    assert!(said.lines().any(|line| line.trim() == why), "{said}");
    let cause = said.find(why).unwrap();
    assert!(cause < said.find("the run came to something else").unwrap(), "first of all: {said}");
    let kinds = "- records\n        + failed with query_failed at access/contacts\n";
    assert!(said.contains(kinds) && !said.contains("Ada"), "{said}");
    // The connector's words are told, the upstream's are not.
    let malformed = played("access.json", |cassette| {
        exchange(cassette, 0)["response"] = json!({ "status": 200, "text": "hello {email}" });
        cassette["segments"][0]["exchanges"].as_array_mut().unwrap().truncate(1);
    });
    let said = malformed.await.stdout;
    assert!(said.contains("the run failed: malformed_response at access/contacts: "), "{said}");
    assert!(!said.contains("hello"), "{said}");
}

#[tokio::test]
async fn what_is_not_granted_is_not_sent_and_no_answer_of_the_cassette_is_given() {
    let origin = "https://contacts.example";
    let http = json!([{ "origin": origin, "methods": ["DELETE"], "path_prefix": "/v1/contacts" }]);
    let failed = |code: &str| json!({ "outcome": "failed", "failure": { "code": code, "label": "delete/contact" } });
    let refused = played("delete.json", |cassette| {
        cassette["grants"] = json!({ "http": http });
        cassette["segments"][0] = json!({ "expect": failed("egress_denied") });
    });
    let refused = refused.await;
    assert_eq!(refused.code, 0, "the secret is not granted: {}{}", refused.stdout, refused.stderr);
    let granted = played("delete.json", |cassette| {
        let secret = json!({ "name": "api_key", "origin": origin, "places": ["header"] });
        cassette["grants"] = json!({ "http": http, "secrets": [secret] });
    });
    let granted = granted.await;
    assert_eq!(granted.code, 0, "{}{}", granted.stdout, granted.stderr);
}

#[tokio::test]
async fn an_answer_passes_the_limits_of_every_answer() {
    let failed = |label: &str| json!({ "outcome": "failed", "failure": { "code": "query_failed", "label": label } });
    let large = played("access.json", |cassette| {
        exchange(cassette, 0)["response"] = json!({ "status": 200, "size": 33 << 20 });
        cassette["segments"][0]["exchanges"].as_array_mut().unwrap().truncate(1);
        cassette["segments"][0]["expect"] = failed("access/contacts");
    });
    assert_eq!(large.await.code, 0, "a body of 33 MiB is not read");
    let reflected = played("delete.json", |cassette| {
        exchange(cassette, 0)["response"] = json!({ "status": 404, "text": "bad {api_key}" });
        cassette["segments"][0]["exchanges"].as_array_mut().unwrap().truncate(1);
        cassette["segments"][0]["expect"] = failed("delete/contact");
        cassette["segments"][0]["expect"]["failure"]["code"] = "secret_reflected".into();
    });
    let reflected = reflected.await;
    assert_eq!(reflected.code, 0, "{}", reflected.stdout);
    let unreachable = played("access.json", |cassette| {
        exchange(cassette, 0)["response"] = json!({ "fails": "unreachable" });
        let once = exchange(cassette, 0).clone();
        cassette["segments"][0]["exchanges"] = vec![once; 5].into();
        cassette["segments"][0]["expect"] = failed("access/contacts");
    });
    let unreachable = unreachable.await;
    assert_eq!(unreachable.code, 0, "five tries: {}", unreachable.stdout);
}

#[tokio::test]
async fn a_cassette_that_cannot_be_played_says_where_it_is_wrong() {
    for (change, said) in [
        // A network is nothing to a cassette; what is never dialed is no upstream there either.
        (
            json!({ "connection": {
                "connector_type": "user_service", "capabilities": ["privacy/access"],
                "config": { "origin": "http://169.254.169.254" },
            } }),
            "/connection/config/origin: the address is not dialed: link-local or metadata\n",
        ),
        (json!({ "actoin": "access" }), "cassette.json: /actoin: unknown field `actoin`"),
        (json!({ "action": "optout" }), "/action: the connection's capabilities do not hold"),
        (json!({ "identities": { "E-Mail": "a" } }), "/identities/E-Mail"),
        (json!({ "connection": { "connector_type": "crm" } }), "/connection/connector_type"),
        (
            json!({ "connection": {
                "connector_type": "user_service", "capabilities": ["privacy/access"],
                "config": { "origin": "ftp://contacts.example" },
            } }),
            "/connection/config/origin",
        ),
    ] {
        let ran = played("access.json", |cassette| {
            let members = change.as_object().unwrap().clone();
            cassette.as_object_mut().unwrap().extend(members);
        });
        let ran = ran.await;
        assert_eq!(ran.code, 1, "{}", ran.stdout);
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("cassette.json"), "{\"action\":").unwrap();
    let broken = play(place.path()).await;
    assert!(
        broken.stdout.contains("cassette.json: /action: EOF while parsing"),
        "{}",
        broken.stdout
    );
}
