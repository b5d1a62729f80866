//! Results: what becomes of a response, from HTTP to the package.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cordon_model::PluginDigest;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::package::Bundle;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::upstream::{Reply, Upstream};

/// Records of the large answer, and characters of the long text in each: 20 MB together.
const RECORDS: usize = 2_000;
const TEXT_CHARS: usize = 10_000;

/// A host, and an upstream that answers the access query with this.
async fn answering(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (TestHost, Upstream) {
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/users", move |_| reply());
    (seed::connected_to(&upstream).await, upstream)
}

/// The package of an access request that this body answers.
async fn package_of(body: &str) -> Bundle {
    let body = body.to_owned();
    let (host, _upstream) = answering(move || Reply::json(body.clone())).await;
    let request = seed::complete(&host, "access").await;
    Bundle::of(&host, request["id"].as_str().unwrap()).await
}

async fn package_status(host: &TestHost, id: &str) -> u16 {
    host.operator().get(&format!("/v1/privacy-requests/{id}/package")).await.status
}

/// Everything that the API says about a request.
async fn told(client: &Client, id: &str) -> String {
    let request = client.get(&format!("/v1/privacy-requests/{id}")).await;
    let events = client.get(&format!("/v1/privacy-requests/{id}/events")).await;
    format!("{}{}", request.json, events.json)
}

#[tokio::test]
async fn every_object_of_every_query_becomes_a_file_of_its_own() {
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/orders", |_| Reply::json(r#"[{"order": 1}, {"order": 2}]"#));
    let mut connection = seed::connection(&upstream);
    let mut second = connection["queries"]["access"][0].clone();
    second["url"] = json!(upstream.url("/v0/orders?email={email}"));
    connection["queries"]["access"].as_array_mut().unwrap().push(second);
    let host = TestHost::start().await;
    seed::connect(&host, &connection).await;
    let request = seed::complete(&host, "access").await;

    let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
    let csv: Vec<&str> = bundle.names().filter(|name| name.ends_with(".csv")).collect();
    assert_eq!(csv.len(), 4);
    assert_eq!(bundle.lines("user-service/1.csv")[0], "first_name,Peter");
    assert_eq!(bundle.lines("user-service/4.csv"), ["order,2"]);
}

#[tokio::test]
async fn flattening_keeps_the_json_text_of_every_value_and_loses_no_namesake() {
    let body = r#"[{"big":9007199254740993,"huge":123456789012345678901234567890,"price":0.10,
        "e":1E+400,"yes":true,"none":null,"no_list":[],"no_object":{},"empty":"",
        "f":[{"x":1},{"x":[2,3]}],"a_b":"first","a":{"b":"second"},"name":"Zoë 李 🦀"}, {}]"#;
    let bundle = package_of(body).await;
    assert_eq!(
        bundle.lines("user-service/1.csv"),
        [
            "big,9007199254740993",
            "huge,123456789012345678901234567890",
            "price,0.10",
            "e,1E+400",
            "yes,true",
            "none,",
            "no_list,",
            "no_object,",
            "empty,",
            "f_0_x,1",
            "f_1_x_0,2",
            "f_1_x_1,3",
            "a_b,first",
            "a_b__2,second",
            "name,Zoë 李 🦀",
        ]
    );
    let json = bundle.text("user-service/1.json");
    assert!(json.contains(r#""big":9007199254740993,"#) && json.contains(r#""price":0.10,"#));
    assert_eq!(bundle.text("user-service/2.csv"), "");
    assert_eq!(bundle.text("user-service/2.json"), "{}");
}

#[tokio::test]
async fn csv_is_rfc_4180_and_no_cell_of_it_is_run_by_a_spreadsheet() {
    let body = r#"[{"a,b":"x, \"y\"\nz","=k":"=1+1","at":"@SUM(A1)","tab":"\t=1","cr":"\rx",
        "minus":"-2+3+cmd|' /C calc'!A0","number":-5,"text":"-5.50","phone":"+1 (512) 555-0142"}]"#;
    let bundle = package_of(body).await;
    assert_eq!(
        bundle.text("user-service/1.csv"),
        "\"a,b\",\"x, \"\"y\"\"\nz\"\r\n'=k,'=1+1\r\nat,'@SUM(A1)\r\ntab,'\t=1\r\ncr,\"'\rx\"\r\n\
         minus,'-2+3+cmd|' /C calc'!A0\r\nnumber,-5\r\ntext,-5.50\r\nphone,+1 (512) 555-0142\r\n"
    );
    let record = bundle.json("user-service/1.json");
    assert_eq!((&record["=k"], &record["cr"]), (&json!("=1+1"), &json!("\rx")));
}

#[tokio::test]
async fn what_is_no_array_of_objects_is_malformed_and_the_message_has_no_content_of_it() {
    let deep = format!(r#"[{{"k":{}1{}}}]"#, "[".repeat(128), "]".repeat(128));
    let bodies: [Vec<u8>; 8] = [
        br#"{"needle": 1}"#.to_vec(),
        br#"[{"needle": 1}, null]"#.to_vec(),
        br#"[{"needle": 1, "needle": 2}]"#.to_vec(),
        b"[{\"needle\": \"\xff\"}]".to_vec(),
        br#"[{"needle": "\ud800"}]"#.to_vec(),
        b"<p>needle</p>".to_vec(),
        b"\"needle\"".to_vec(),
        deep.into_bytes(),
    ];
    for body in bodies {
        let size = body.len();
        let (host, _upstream) = answering(move || Reply::json(body.clone())).await;
        let id = seed::submit(&host, "access").await;
        let request = host.wait_for_status(&id, "error").await;
        let failure = &request["tasks"][0]["failure"];
        assert_eq!(failure["code"], "malformed_response", "{request}");
        let detail = failure["detail"].as_str().unwrap();
        assert!(detail.contains("expected an array of objects"), "{detail}");
        // What is wrong, and for an object the remedy.
        let wrong = detail.split(';').next().unwrap();
        assert!(wrong.ends_with(&format!("of {size}")), "{detail}");
        assert_eq!(
            detail.contains("records_path"),
            wrong.contains("found an object at"),
            "{detail}"
        );
        assert!(!told(&host.operator(), &id).await.contains("needle"));
        assert_eq!(package_status(&host, &id).await, 404);
    }
}

#[tokio::test]
async fn no_content_or_a_listed_error_with_any_body_is_a_success_without_records() {
    for (status, body) in [(204, ""), (404, "<h1>not json"), (404, r#"[{"a":1}]"#), (410, "")] {
        let upstream = seed::upstream().await;
        upstream.on("GET", "/v0/users", move |_| Reply::status(status).body(body));
        let mut connection = seed::connection(&upstream);
        connection["queries"]["access"][0]["valid_response_codes"] = json!([200, 204, 404, 410]);
        let host = TestHost::start().await;
        seed::connect(&host, &connection).await;
        let request = seed::complete(&host, "access").await;
        assert_eq!(request["tasks"][0]["finding"]["kind"], "nothing_found", "{status} {body}");
        let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
        assert_eq!(bundle.names().collect::<Vec<_>>(), ["index.html", "manifest.json"]);
        assert!(bundle.text("index.html").contains("No records were found."));
    }
}

#[tokio::test]
async fn the_status_alone_decides_an_optout_and_a_test_and_the_body_goes_nowhere() {
    let upstream = seed::upstream().await;
    let host = seed::connected_to(&upstream).await;
    let fine = |status| Reply::status(status).body(r#"{"error": "needle"}"#);
    upstream.script("PUT", "/v0/users/optout", [fine(200), fine(500)]);
    upstream.on("GET", "/v0/health-check", move |_| fine(200));
    let done = seed::complete(&host, "optout").await;
    let failed = seed::submit(&host, "optout").await;
    host.wait_for_status(&failed, "error").await;
    let tested = host.operator().post("/v1/connections/user-service/test", &json!({})).await;
    assert_eq!(tested.json["healthy"], true, "{}", tested.json);
    let operator = host.operator();
    let mut said = told(&operator, done["id"].as_str().unwrap()).await;
    said += &told(&operator, &failed).await;
    said += &tested.json.to_string();
    assert!(!said.contains("needle"));
}

#[tokio::test]
async fn identifiers_are_all_values_once_and_none_is_no_error() {
    for (body, expected) in [
        (
            r#"[{"primary_phone_number":"+1"},{"phone_number":"+2"},{"primary_phone_number":"+1"}]"#,
            json!(["+1", "+2"]),
        ),
        ("[]", json!([])),
    ] {
        let upstream = seed::upstream().await;
        upstream.on("GET", "/v0/identifiers/get-phone", move |_| Reply::json(body));
        let host = seed::connected_to(&upstream).await;
        let request = seed::complete(&host, "identifiers").await;
        let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
        let found = bundle.json("identities.json");
        let values: Vec<&Value> = found.as_array().unwrap().iter().map(|i| &i["value"]).collect();
        assert_eq!(json!(values), expected);
        let page = bundle.text("index.html");
        assert_eq!(page.contains("None were found."), values.is_empty());
        assert_eq!(page.contains("<td dir=\"auto\">+2</td>"), !values.is_empty());
    }
}

#[tokio::test]
async fn the_manifest_and_the_page_account_for_every_file_of_a_package() {
    let bundle = package_of(seed::ACCESS).await;
    let manifest = bundle.json("manifest.json");
    let files = manifest["files"].as_array().unwrap();
    let page = bundle.text("index.html");
    assert_eq!(files.len() + 1, bundle.names().count(), "all but the manifest itself");
    for file in files {
        let path = file["path"].as_str().unwrap();
        let sha256 = bundle.sha256(path);
        assert_eq!(file["sha256"], *sha256);
        assert_eq!(file["size"], bundle.text(path).len());
        if path != "index.html" {
            assert_eq!(file["connection"], "user-service");
            assert_eq!(file["plugin"]["name"], "api_proxy");
            assert_eq!(file["plugin"]["digest"].as_str().unwrap().len(), 64);
            assert!(page.contains(&sha256), "{path}");
        }
    }
    assert!(page.contains(manifest["request_id"].as_str().unwrap()));
    assert!(page.contains("Lamar"));
}

#[tokio::test]
async fn what_was_left_out_stands_in_the_manifest_and_on_the_page() {
    let upstream = seed::upstream().await;
    let mut connection = seed::connection(&upstream);
    let mut second = connection["queries"]["access"][0].clone();
    second["url"] = json!(upstream.url("/v0/orders?user={user_id}"));
    second["when_missing"] = json!("skip");
    connection["queries"]["access"].as_array_mut().unwrap().push(second);
    let host = TestHost::start().await;
    seed::connect(&host, &connection).await;
    let request = seed::complete(&host, "access").await;
    let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
    let omission = &bundle.json("manifest.json")["omissions"][0];
    assert_eq!(omission["connection"], "user-service");
    assert_eq!(omission["code"], "missing_placeholder");
    let page = bundle.text("index.html");
    assert!(page.contains("What is missing") && page.contains("(missing_placeholder)"));
}

#[tokio::test]
async fn a_hostile_record_is_plain_text_on_the_page() {
    let attacks = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "</style><script>",
        "\u{202E}desrever",
    ];
    let record: serde_json::Map<_, _> =
        attacks.iter().map(|text| ((*text).to_owned(), json!([text]))).collect();
    let bundle = package_of(&json!([record]).to_string()).await;
    let page = bundle.text("index.html");
    for forbidden in ["<script", "<img", "href=\"javascript", "href=\"http", " src="] {
        // The attack's own ` src=` is there as text; an attribute would follow a tag.
        let tags = page.split('<').skip(1).map(|tag| tag.split('>').next().unwrap_or_default());
        let bare = forbidden.trim_start_matches('<');
        assert!(!tags.into_iter().any(|tag| tag.contains(bare)), "{forbidden}");
    }
    assert!(page.contains("default-src 'none'"));
    assert_eq!(bundle.json("user-service/1.json"), Value::Object(record));
}

#[tokio::test]
async fn a_package_is_kept_under_its_tenant_its_request_and_its_digest() {
    let (host, _upstream) = answering(|| Reply::json(seed::ACCESS)).await;
    let mut digests = Vec::new();
    for _ in 0..2 {
        let request = seed::complete(&host, "access").await;
        let id = request["id"].as_str().unwrap();
        let path = format!("/v1/privacy-requests/{id}/package");
        let digest = PluginDigest::of(&host.operator().get_bytes(&path).await).to_string();
        let key = format!("packages/default/{id}/{digest}.zip");
        let files = host.stored_files();
        let (_, stored) = files.iter().find(|(path, _)| path.ends_with(&key)).expect(&key);
        assert!(!stored.starts_with(b"PK"), "it is sealed");
        digests.push(digest);
    }
    assert_ne!(digests[0], digests[1]);
    let zips = host.stored_files();
    let zips = zips.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "zip"));
    assert_eq!(zips.count(), 2);
}

/// 20 MB of records: each a number, a short list and a long text that tells it from the others.
fn large_answer() -> String {
    let mut body = String::from("[");
    for n in 0..RECORDS {
        let text: String = format!("record {n} ").chars().cycle().take(TEXT_CHARS).collect();
        let comma = if n == 0 { "" } else { "," };
        write!(body, r#"{comma}{{"n":{n},"tags":["a","b"],"text":"{text}"}}"#).unwrap();
    }
    body + "]"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_megabytes_of_records_reach_the_package_and_no_guest_holds_them() {
    let body = large_answer();
    let size = body.len();
    assert!(size > 20_000_000, "{size}");
    let largest = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&largest);
    let host = TestHost::start_configured(move |config| {
        config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.runtime.memory_observer = Some(Arc::new(move |memory: &[u8]| {
            seen.fetch_max(memory.len(), Ordering::Relaxed);
        }));
    })
    .await;
    let upstream = seed::upstream().await;
    upstream.on("GET", "/v0/users", move |_| Reply::json(body.clone()));
    seed::connect(&host, &seed::connection(&upstream)).await;
    let request = seed::complete(&host, "access").await;

    let bundle = Bundle::of(&host, request["id"].as_str().unwrap()).await;
    let manifest = bundle.json("manifest.json");
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(files.len(), 2 * RECORDS + 1, "a CSV and a JSON file each, and the page");
    let mut json_bytes = 0;
    for file in files {
        let path = file["path"].as_str().unwrap();
        assert_eq!(file["sha256"], *bundle.sha256(path), "{path}");
        assert_eq!(file["size"], bundle.text(path).len(), "{path}");
        if path.ends_with(".json") {
            json_bytes += bundle.text(path).len();
        }
    }
    // The brackets and the commas between the records are all that is not in a file.
    assert_eq!(json_bytes + 2 + (RECORDS - 1), size);
    for n in [0, RECORDS - 1] {
        let lines = bundle.lines(&format!("user-service/{}.csv", n + 1));
        assert_eq!(lines[..3], [&*format!("n,{n}"), "tags_0,a", "tags_1,b"]);
        assert_eq!(lines[3].len(), "text,".len() + TEXT_CHARS);
        assert_eq!(lines.len(), 4);
    }
    let page = bundle.text("index.html");
    assert!(page.contains(&format!("of {RECORDS} records. All of them are CSV and JSON files")));
    assert!(page.len() < 8 * 1024 * 1024, "{}", page.len());

    let largest = largest.load(Ordering::Relaxed);
    println!("FIGURE large_answer bytes={size} guest_memory_bytes_max={largest}");
    assert!(largest > 0, "the memories of guests were looked at");
    assert!(largest < 4 * 1024 * 1024, "{largest} bytes in a guest");
}
