//! What the connector says of itself and of configurations.

use serde_json::{Value, json};

use super::bench::{API_KEY, EMAIL, World};
use crate::support::upstream::Reply;

pub(super) async fn it_says_what_it_is(world: World) {
    let shown = world.tenant.get("/v1/plugins/contacts/1").await.json;
    let expected = json!({
        "name": "contacts",
        "connector_type": "contacts",
        "category": "crm",
        "display_name": "Contacts",
        "actions": ["access", "delete", "identifiers"],
        "reads": ["responses"],
        "state": "ready",
        "active": true,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{shown}");
    }
    let imports = shown["imports"].as_array().unwrap();
    assert!(imports.contains(&json!("cordon:connector/http@0.1.0")), "{imports:?}");
}

pub(super) async fn every_problem_of_a_configuration_has_its_code_and_its_pointer(world: World) {
    let origin = ("invalid_value", "/config/origin");
    let (size, pages) =
        (("invalid_value", "/config/page_size"), ("invalid_value", "/config/max_pages"));
    let good = "https://contacts.example";
    let cases: Vec<(Value, Vec<(&str, &str)>)> = vec![
        (json!(null), vec![("wrong_type", "/config")]),
        (json!([]), vec![("wrong_type", "/config")]),
        (json!({}), vec![("missing_field", "/config/origin")]),
        (json!({ "origin": 7 }), vec![("wrong_type", "/config/origin")]),
        (json!({ "origin": null }), vec![("wrong_type", "/config/origin")]),
        (json!({ "origin": "" }), vec![origin]),
        (json!({ "origin": "ftp://contacts.example" }), vec![origin]),
        (json!({ "origin": "contacts.example" }), vec![origin]),
        (json!({ "origin": "https://" }), vec![origin]),
        (json!({ "origin": "https://contacts.example/" }), vec![origin]),
        (json!({ "origin": "https://contacts.example/v1" }), vec![origin]),
        (json!({ "origin": "https://contacts.example?a" }), vec![origin]),
        (json!({ "origin": "https://contacts.example#a" }), vec![origin]),
        (json!({ "origin": "https://me@contacts.example" }), vec![origin]),
        (json!({ "origin": "https://{email}.example" }), vec![origin]),
        (json!({ "origin": "https://contacts .example" }), vec![origin]),
        (json!({ "origin": "https://contacts.example\n" }), vec![origin]),
        (json!({ "origin": good, "page_size": 0 }), vec![size]),
        (json!({ "origin": good, "page_size": 101 }), vec![size]),
        (json!({ "origin": good, "page_size": -1 }), vec![size]),
        (json!({ "origin": good, "page_size": 1.5 }), vec![size]),
        (json!({ "origin": good, "max_pages": 0 }), vec![pages]),
        (json!({ "origin": good, "max_pages": 1001 }), vec![pages]),
        (json!({ "origin": good, "page_size": "50" }), vec![("wrong_type", "/config/page_size")]),
        (json!({ "origin": good, "max_pages": true }), vec![("wrong_type", "/config/max_pages")]),
        (json!({ "origin": good, "max_pages": null }), vec![("wrong_type", "/config/max_pages")]),
        (json!({ "origin": good, "profile": "yes" }), vec![("wrong_type", "/config/profile")]),
        (json!({ "origin": good, "profile": null }), vec![("wrong_type", "/config/profile")]),
        (json!({ "origin": good, "profile": 1 }), vec![("wrong_type", "/config/profile")]),
        (json!({ "origin": good, "a/b~c": 1 }), vec![("unknown_field", "/config/a~1b~0c")]),
        (
            json!({ "origin": "p@ss", "page_size": 0, "max_pages": [], "pagesize": 1 }),
            vec![
                origin,
                size,
                ("wrong_type", "/config/max_pages"),
                ("unknown_field", "/config/pagesize"),
            ],
        ),
    ];
    for (config, expected) in cases {
        let mut connection = world.connection(json!({}));
        connection["config"] = config.clone();
        refuses(&world, &connection, &expected).await;
    }
    let mut without = world.connection(json!({}));
    without.as_object_mut().unwrap().remove("config");
    refuses(&world, &without, &[("missing_field", "/config")]).await;
    let listed = world.tenant.get("/v1/connections").await.json;
    assert_eq!(listed["items"], json!([]), "nothing of it is stored");
}

/// A connection is refused with exactly these problems, in any order, each with a sentence.
async fn refuses(world: &World, connection: &Value, expected: &[(&str, &str)]) {
    let refused = world.tenant.post("/v1/connections", connection).await;
    assert_eq!(refused.status, 422, "{}: {}", connection["config"], refused.json);
    let errors = refused.json["errors"].as_array().unwrap();
    let mut found: Vec<(&str, &str)> = errors
        .iter()
        .map(|error| (error["code"].as_str().unwrap(), error["pointer"].as_str().unwrap()))
        .collect();
    let mut expected = expected.to_vec();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{}", connection["config"]);
    for error in errors {
        let detail = error["detail"].as_str().unwrap();
        assert!(!detail.is_empty() && !detail.contains("p@ss"), "{detail}");
    }
}

pub(super) async fn the_bounds_of_a_configuration_are_sound(world: World) {
    let origins = ["http://contacts.example", "https://contacts.example:8443"];
    let bounds = [(1, 1), (100, 1000)];
    for (index, (origin, (size, pages))) in origins.into_iter().zip(bounds).enumerate() {
        let config = json!({ "origin": origin, "page_size": size, "max_pages": pages });
        let mut connection = world.connection(json!({}));
        connection["config"] = config;
        connection["key"] = json!(format!("contacts-{index}"));
        let created = world.tenant.post("/v1/connections", &connection).await;
        assert_eq!(created.status, 201, "{}", created.json);
    }
}

pub(super) async fn it_needs_what_its_capabilities_need_and_no_more(world: World) {
    let origin = world.upstream.url("");
    for (capabilities, methods) in [
        (json!(["privacy/access"]), json!(["GET"])),
        (json!(["privacy/identifiers"]), json!(["GET"])),
        (json!(["privacy/delete"]), json!(["DELETE", "GET"])),
        (
            json!(["privacy/access", "privacy/delete", "privacy/identifiers"]),
            json!(["DELETE", "GET"]),
        ),
    ] {
        let mut connection = world.connection(json!({}));
        connection["capabilities"] = capabilities.clone();
        let written = world.tenant.put("/v1/connections/contacts", &connection).await;
        assert!([200, 201].contains(&written.status), "{}", written.json);
        let grants = world.tenant.get("/v1/connections/contacts/grants").await.json;
        let needs = &grants["needs"];
        let asked = needs["http"].as_array().unwrap().iter();
        let mut found: Vec<&str> = asked
            .flat_map(|need| {
                assert_eq!(need["origin"], origin.as_str(), "{needs}");
                need["methods"].as_array().unwrap().iter().map(|method| method.as_str().unwrap())
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(json!(found), methods, "{capabilities}");
        let secret = json!([{ "name": "api_key", "origin": origin, "places": ["header"] }]);
        assert_eq!(needs["secrets"], secret, "{needs}");
        assert_eq!(
            (&needs["identities"], &needs["responses"]),
            (&json!("handle"), &json!("read")),
            "{needs}"
        );
    }
}

pub(super) async fn a_dry_run_shows_a_request_for_every_person_and_sends_none(world: World) {
    world.connect(json!({})).await;
    let emails = json!({ "email": [EMAIL, "p2@initech.example"] });
    for (action, method, path) in [
        ("access", "GET", "/v1/contacts?email={email}&limit=50"),
        ("delete", "DELETE", "/v1/contacts?email={email}"),
        ("identifiers", "GET", "/v1/contacts/ids?email={email}"),
    ] {
        let body = json!({ "action": action, "identities": emails });
        let run = world.tenant.post("/v1/connections/contacts/dry-run", &body).await;
        assert_eq!(run.status, 200, "{}", run.json);
        assert_eq!(run.json["ready"], true, "{}", run.json);
        let requests = run.json["requests"].as_array().unwrap();
        assert_eq!(requests.len(), 2, "{}", run.json);
        let pages = json!([{
            "methods": ["GET"], "origin": world.upstream.url(""), "path_prefix": "/v1/contacts",
            "secrets": ["api_key"],
        }]);
        assert_eq!(run.json["may_also_send"], pages, "a page is made of the one before");
        for request in requests {
            assert_eq!(request["method"], method);
            assert_eq!(request["url"], world.upstream.url(path));
            assert_eq!(request["headers"]["Authorization"], "Bearer {api_key}");
        }
    }
    assert_eq!(world.upstream.calls().len(), 0);
}

pub(super) async fn a_test_of_the_connection_asks_whether_the_key_is_good(world: World) {
    world.connect(json!({})).await;
    world.upstream.on("GET", "/v1/ping", |_| Reply::status(200));
    let tested = world.tenant.post("/v1/connections/contacts/test", &json!({})).await;
    assert_eq!((tested.status, &tested.json["healthy"]), (200, &json!(true)), "{}", tested.json);
    world.upstream.on("GET", "/v1/ping", |_| Reply::status(401));
    let tested = world.tenant.post("/v1/connections/contacts/test", &json!({})).await;
    assert_eq!(tested.json["healthy"], false, "{}", tested.json);
    let calls = world.upstream.calls();
    let bearer = format!("Bearer {API_KEY}");
    assert!(calls.iter().all(|call| call.header("authorization") == Some(bearer.as_str())));
    assert_eq!(world.asked(), ["GET /v1/ping?", "GET /v1/ping?"]);
}
