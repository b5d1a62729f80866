//! A person's requests, and the ledger that tells who looked for them.

use serde_json::{Value, json};

use crate::support::seed;
use crate::support::test_host::{Response, TestHost};

async fn search(host: &TestHost, identities: Value) -> Response {
    let body = json!({ "identities": identities });
    host.operator().post("/v1/privacy-requests/search", &body).await
}

fn ids(response: &Response) -> Vec<String> {
    assert_eq!(response.status, 200, "{}", response.json);
    let items = response.json["items"].as_array().unwrap();
    items.iter().map(|request| request["id"].as_str().unwrap().to_owned()).collect()
}

async fn submit(host: &TestHost, identities: Value) -> String {
    let body = json!({ "policy": "delete", "identities": identities });
    let accepted = host.operator().post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    accepted.json["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_persons_requests_are_found_by_any_of_the_identities_newest_first() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let one = submit(&host, json!({ "email": "p@x.example" })).await;
    let two = submit(&host, json!({ "email": ["q@x.example", "p@x.example"] })).await;
    let three = submit(&host, json!({ "user_id": "77" })).await;
    submit(&host, json!({ "email": "somebody@else.example" })).await;
    submit(&host, json!({ "user_id": "p@x.example" })).await;

    let found = search(&host, json!({ "email": "p@x.example" })).await;
    assert_eq!(ids(&found), [two.clone(), one.clone()], "the kind counts too");
    let found = search(&host, json!({ "email": ["p@x.example"], "user_id": "77" })).await;
    assert_eq!(ids(&found), [three, two.clone(), one.clone()]);
    assert_eq!(ids(&search(&host, json!({ "email": "nobody@x.example" })).await).len(), 0);

    let body = json!({ "identities": { "email": "p@x.example" } });
    let operator = host.operator();
    let first = operator.post("/v1/privacy-requests/search?limit=1", &body).await;
    assert_eq!(ids(&first), [two]);
    let cursor = first.json["next_cursor"].as_str().unwrap();
    let next = format!("/v1/privacy-requests/search?limit=1&cursor={cursor}");
    let second = operator.post(&next, &body).await;
    assert_eq!((ids(&second), &second.json["next_cursor"]), (vec![one], &Value::Null));
}

#[tokio::test]
async fn a_request_is_found_by_what_its_connectors_found() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let request = seed::complete(&host, "identifiers").await;
    let found = search(&host, json!({ "primary_phone_number": seed::PHONE })).await;
    assert_eq!(ids(&found), [request["id"].as_str().unwrap()]);
}

#[tokio::test]
async fn another_tenants_requests_about_the_same_person_are_not_found() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    seed::submit(&host, "delete").await;
    let other = host.tenant("other").await;
    let body = json!({ "identities": { "email": seed::EMAIL } });
    let found = other.post("/v1/privacy-requests/search", &body).await;
    assert_eq!(ids(&found).len(), 0);
}

#[tokio::test]
async fn what_is_searched_for_is_checked_like_a_submission_and_never_repeated() {
    let host = TestHost::start().await;
    for (identities, pointer) in [
        (json!({}), "/identities"),
        (json!({ "shoe_size": "needle-44" }), "/identities/shoe_size"),
        (json!({ "email": "" }), "/identities/email"),
        (json!({ "email": ["ok@x.example", " needle-45"] }), "/identities/email/1"),
        (json!({ "email": { "needle-46": 1 } }), "/identities/email"),
    ] {
        let refused = search(&host, identities).await;
        assert_eq!(refused.status, 422, "{}", refused.json);
        assert_eq!(refused.json["errors"][0]["pointer"], pointer);
        assert!(!refused.json.to_string().contains("needle"), "{}", refused.json);
    }
    let body = json!({ "identities": { "email": "p@x.example" } });
    let unknown = host.operator().post("/v1/privacy-requests/search?status=complete", &body).await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test]
async fn the_ledger_says_who_searched_and_not_for_whom() {
    let upstream = seed::upstream().await;
    let mut host = seed::connected_to(&upstream).await;
    seed::submit(&host, "delete").await;
    search(&host, json!({ "email": [seed::EMAIL, "second@x.example"] })).await;
    let ledger = host.operator().get("/v1/audit?event=requests.searched").await.json;
    let entries = ledger["items"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["facts"], json!({ "identities": "2", "found": "1" }));
    assert_eq!(entries[0]["actor"]["type"], "key");
    assert!(!ledger.to_string().contains("x.example"));
    host.stop().await;
    let holds =
        |bytes: &[u8]| bytes.windows(seed::EMAIL.len()).any(|w| w == seed::EMAIL.as_bytes());
    let found: Vec<_> = host.stored_files().into_iter().filter(|(_, b)| holds(b)).collect();
    assert!(found.is_empty(), "in clear: {:?}", found.iter().map(|f| &f.0).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_ledger_is_read_newest_first_and_by_request_word_and_time() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let (one, two) = (seed::submit(&host, "delete").await, seed::submit(&host, "delete").await);
    let operator = host.operator();
    let read = async |query: &str| {
        let list = operator.get(&format!("/v1/audit?{query}")).await;
        assert_eq!(list.status, 200, "{}", list.json);
        list.json["items"].as_array().unwrap().clone()
    };
    let all = read("limit=200").await;
    let sequences: Vec<u64> = all.iter().map(|e| e["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.windows(2).all(|pair| pair[0] == pair[1] + 1), "{sequences:?}");
    assert_eq!(sequences.last(), Some(&1), "without a gap, to the first");

    let about = read(&format!("request={one}")).await;
    assert_eq!(about.len(), 1);
    assert_eq!(about[0]["event"], "request.submitted");
    let submitted = read("event=request.submitted").await;
    let requests: Vec<&Value> = submitted.iter().map(|entry| &entry["request"]).collect();
    assert_eq!(requests, [&json!(two), &json!(one)]);
    let at = submitted[1]["at"].as_str().unwrap();
    let after = read(&format!("event=request.submitted&after={at}")).await;
    assert_eq!(after.iter().map(|e| &e["request"]).collect::<Vec<_>>(), [&json!(two)]);
    let before = read(&format!("event=request.submitted&before={at}")).await;
    assert!(before.is_empty());

    // One by one, through a filter that leaves most of it out.
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/audit?event=request.submitted&limit=1{cursor}");
        let page = operator.get(&path).await.json;
        found.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, submitted);
    assert_eq!(operator.get("/v1/audit?request=x").await.status, 400);
}

#[tokio::test]
async fn the_hosts_own_ledger_is_the_operators() {
    let host = TestHost::start().await;
    let own = host.operator_without_tenant().get("/v1/audit?ledger=host").await;
    assert_eq!(own.status, 200, "{}", own.json);
    assert_eq!(own.json["items"][0]["event"], "operator_key.created");
    let tenant = host.tenant("other").await;
    let refused = tenant.get("/v1/audit?ledger=host").await;
    assert_eq!((refused.status, &refused.json["code"]), (403, &json!("operator_only")));
    let own = tenant.get("/v1/audit?limit=200").await.json;
    assert!(!own.to_string().contains("operator_key"), "{own}");
}
