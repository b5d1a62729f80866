//! What is written about a webhook, and what is refused.

use serde_json::{Value, json};

use crate::support::receiver::Receiver;

const ALL: &str = "/v1/policies/access/webhooks";
const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Code and pointer of every problem of a refusal.
fn problems(refused: &Value) -> Vec<(String, String)> {
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    let errors = refused["errors"].as_array().unwrap_or_else(|| panic!("{refused}"));
    errors.iter().map(|error| (text(error, "code"), text(error, "pointer"))).collect()
}

#[tokio::test]
async fn a_webhook_is_created_shown_listed_replaced_and_removed() {
    let receiver = Receiver::start().await;
    let operator = receiver.operator();
    let body = receiver.written("/told", json!({ "send_identities": true }));
    let created = operator.post(ALL, &body).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let id = created.json["id"].as_str().unwrap();
    let path = format!("{ALL}/{id}");
    assert_eq!(created.headers["location"], path);
    assert_eq!(created.headers["etag"], "\"1\"");

    let shown = operator.get(&path).await;
    assert_eq!(shown.headers["etag"], "\"1\"");
    for name in ["order", "phase", "direction", "url", "send_identities"] {
        assert_eq!(shown.json[name], body[name], "{name}");
    }
    let second = receiver.webhook("/second", json!({ "order": 7 })).await;
    let list = operator.get(&format!("{ALL}?limit=1")).await.json;
    assert_eq!(list["items"][0]["id"], second.id, "newest first");
    let cursor = list["next_cursor"].as_str().unwrap();
    let rest = operator.get(&format!("{ALL}?cursor={cursor}")).await.json;
    assert_eq!((&rest["items"][0]["id"], &rest["next_cursor"]), (&json!(id), &Value::Null));

    let other = receiver.written("/other", json!({ "direction": "one_way" }));
    let stale = operator.put_with(&path, &[("If-Match", "\"2\"")], &other).await;
    assert_eq!(stale.status, 412);
    let replaced = operator.put_with(&path, &[("If-Match", "\"1\"")], &other).await;
    assert_eq!((replaced.status, &replaced.headers["etag"]), (200, &"\"2\"".parse().unwrap()));
    assert_eq!(replaced.json["send_identities"], false, "what is left out has its default");

    assert_eq!(operator.delete(&path).await.status, 204);
    assert_eq!(operator.get(&path).await.status, 404);
    assert_eq!(operator.put(&path, &other).await.status, 404, "ids are the host's to make");
    assert_eq!(operator.delete(&path).await.status, 404);
}

#[tokio::test]
async fn a_secret_is_shown_once_and_only_when_the_host_made_it() {
    let receiver = Receiver::start().await;
    let operator = receiver.operator();
    let made = receiver.webhook("/told", json!({})).await;
    assert!(made.secret.starts_with("whsec_"));
    let given = operator.post(ALL, &receiver.written("/x", json!({ "secret": KEY }))).await;
    assert_eq!((given.status, &given.json["secret"]), (201, &Value::Null));

    let kept = operator.put(&made.path, &receiver.written("/told", json!({}))).await;
    assert_eq!((kept.status, &kept.json["secret"]), (200, &Value::Null));
    let new = receiver.written("/told", json!({ "new_secret": true }));
    let new = operator.put(&made.path, &new).await.json["secret"].as_str().unwrap().to_owned();
    assert!(new.starts_with("whsec_") && new != made.secret);
    for path in [&made.path, ALL] {
        let shown = operator.get(path).await.json.to_string();
        assert!(!shown.contains("whsec_"), "{shown}");
    }
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_webhook_is_told_at_once_and_nothing_of_it_repeated() {
    let receiver = Receiver::start().await;
    let operator = receiver.operator();
    let wrong = json!({
        "order": 1, "phase": "before", "direction": "both", "secret": "whsec_needle",
        "new_secret": true, "url": "https://elsewhere.example/needle?needle",
    });
    let refused = operator.post(ALL, &wrong).await;
    assert_eq!(refused.status, 422);
    let expected = [
        ("invalid_value", "/phase"),
        ("invalid_value", "/direction"),
        ("egress_denied", "/url"),
        ("invalid_value", "/secret"),
        ("mismatch", "/new_secret"),
    ];
    let expected = expected.map(|(code, at)| (code.to_owned(), at.to_owned()));
    assert_eq!(problems(&refused.json), expected);
    assert!(!refused.json.to_string().contains("needle"), "{}", refused.json);

    let unknown = receiver.written("/told", json!({ "retries": 3, "order": -1 }));
    let refused = operator.post(ALL, &unknown).await;
    let mut pointers: Vec<_> = problems(&refused.json).into_iter().map(|(_, at)| at).collect();
    pointers.sort();
    assert_eq!(pointers, ["/order", "/retries"]);
}

#[tokio::test]
async fn a_webhook_may_only_go_where_the_tenant_and_the_gate_allow_it() {
    let receiver = Receiver::start().await;
    receiver.name_hosts(&["hooks.acme.com", "169.254.169.254", "127.0.0.1"]).await;
    let operator = receiver.operator();
    for (url, allowed) in [
        ("https://hooks.acme.com/told", true),
        ("http://hooks.acme.com/told", false),
        ("https://other.acme.com/told", false),
        ("https://user:needle@hooks.acme.com/told", false),
        ("https://169.254.169.254/latest/meta-data", false),
        ("https://localhost/told", false),
        ("ftp://hooks.acme.com/told", false),
        ("told", false),
        ("", false),
    ] {
        let answer = operator.post(ALL, &receiver.written("/", json!({ "url": url }))).await;
        assert_eq!(answer.status, if allowed { 201 } else { 422 }, "{url}: {}", answer.json);
        if !allowed {
            assert_eq!(answer.json["errors"][0]["pointer"], "/url", "{url}");
        }
    }
    let long = receiver.upstream.url(&format!("/{}", "x".repeat(2_000)));
    let refused = operator.post(ALL, &receiver.written("/", json!({ "url": long }))).await;
    assert_eq!(problems(&refused.json)[0].0, "too_long");
}

#[tokio::test]
async fn a_policy_has_so_many_webhooks_and_cannot_be_removed_before_them() {
    let receiver = Receiver::start_configured(|config| config.engine.policy_webhooks_max = 1).await;
    let operator = receiver.operator();
    let policy = json!({ "key": "brief", "rules": [{ "action": "access" }] });
    assert_eq!(operator.post("/v1/policies", &policy).await.status, 201);
    let webhook = receiver.webhook_of("brief", "/told", json!({})).await;
    let all = "/v1/policies/brief/webhooks";
    let refused = operator.post(all, &receiver.written("/more", json!({}))).await;
    assert_eq!((refused.status, problems(&refused.json)[0].0.as_str()), (422, "too_many"));

    let in_use = operator.delete("/v1/policies/brief").await;
    assert_eq!((in_use.status, &in_use.json["code"]), (409, &json!("in_use")));
    assert_eq!(operator.delete(&webhook.path).await.status, 204);
    assert_eq!(operator.delete("/v1/policies/brief").await.status, 204);
    assert_eq!(operator.get(all).await.status, 404);
}

#[tokio::test]
async fn webhooks_take_the_scopes_of_policies_and_are_their_tenants_own() {
    let receiver = Receiver::start().await;
    let webhook = receiver.webhook("/told", json!({})).await;
    let other = receiver.host.tenant("other").await;
    assert_eq!(other.get(&webhook.path).await.status, 404);
    assert_eq!(other.delete(&webhook.path).await.status, 404);
    assert_eq!(other.get(ALL).await.json["items"], json!([]));

    let body = json!({ "name": "reader", "scopes": ["policies:read"] });
    let made = receiver.operator().post("/v1/tenants/default/api-keys", &body).await;
    let reader = receiver.host.client(made.json["key"].as_str());
    assert_eq!(reader.get(&webhook.path).await.status, 200);
    let body = receiver.written("/told", json!({}));
    for refused in [
        reader.post(ALL, &body).await,
        reader.put(&webhook.path, &body).await,
        reader.delete(&webhook.path).await,
    ] {
        assert_eq!((refused.status, &refused.json["code"]), (403, &json!("forbidden")));
    }
}

#[tokio::test]
async fn the_ledger_names_a_webhooks_host_and_neither_its_path_nor_its_secret() {
    let receiver = Receiver::start().await;
    let operator = receiver.operator();
    let url = receiver.upstream.url("/needle?needle");
    let webhook = receiver.webhook("/", json!({ "url": url })).await;
    operator.put(&webhook.path, &receiver.written("/needle", json!({ "secret": KEY }))).await;
    operator.delete(&webhook.path).await;
    let audit = operator.get("/v1/audit?limit=200").await.json;
    let events: Vec<&Value> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["facts"]["webhook"] == webhook.id)
        .collect();
    let words: Vec<&str> = events.iter().rev().map(|e| e["event"].as_str().unwrap()).collect();
    let expected = ["policy_webhook.created", "policy_webhook.updated", "policy_webhook.deleted"];
    assert_eq!(words, expected);
    let host = receiver.upstream.address().to_string();
    assert_eq!(events.last().unwrap()["facts"]["host"], host);
    let text = audit.to_string();
    for hidden in ["needle", KEY, &webhook.secret] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    for (path, bytes) in receiver.host.stored_files() {
        let secret = webhook.secret.as_bytes();
        let found = bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!found, "the secret stands in {}", path.display());
    }
}
