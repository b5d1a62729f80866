//! Strangers' plugins, from their upload to a request that runs, and from one version to the next.

use std::time::Duration;

use bytes::Bytes;
use cordon_cli::built_in::BuiltIn;
use cordon_cli::config::Config;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::stranger::{
    self, activate, behaving, connect, connection, grant, install, submit, upload, upstream,
    version, wait_until_ready,
};
use crate::support::test_process::TestProcess;
use crate::support::upstream::{Reply, Upstream};

async fn plugin_of(client: &Client, key: &str) -> String {
    let shown = client.get(&format!("/v1/connections/{key}")).await.json;
    shown["plugin"]["version"].as_str().unwrap().to_owned()
}

fn keys<'a>(connections: &'a Value, which: &str) -> Vec<&'a str> {
    let items = connections[which].as_array().unwrap();
    items.iter().map(|item| item["connection"].as_str().unwrap()).collect()
}

async fn delete(client: &Client, version: &str) -> (u16, String) {
    let answer = client.delete(&format!("/v1/plugins/stranger/{version}")).await;
    (answer.status, answer.json["detail"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_plugin_is_installed_granted_what_it_needs_and_run() {
    let (mut host, upstream) = (stranger::host().await, upstream().await);
    let acme = host.tenant("acme").await;
    let installed = install(&acme, &version("well", "1.0")).await;
    assert_eq!(installed["name"], "stranger");
    assert_eq!((&installed["active"], &installed["state"]), (&json!(true), &json!("ready")));
    assert_eq!((&installed["tenant"], &installed["built_in"]), (&json!("acme"), &json!(false)));
    let types = acme.get("/v1/connection-types?category=tests&search=stranger").await.json;
    assert_eq!(types["items"][0]["connector_type"], "stranger");

    let created = acme.post("/v1/connections", &connection("crm", &upstream, json!({}))).await;
    assert_eq!(created.json["approval"], "waiting", "{}", created.json);
    let waiting = submit(&acme).await;
    let failed = acme.wait_for_status(&waiting, "error").await;
    assert_eq!(failed["tasks"][0]["failure"]["code"], "not_granted");
    assert_eq!(upstream.calls().len(), 0);
    grant(&acme, "crm").await;
    acme.post(&format!("/v1/privacy-requests/{waiting}/retry"), &json!({})).await;
    let complete = acme.wait_for_status(&waiting, "complete").await;
    assert_eq!(complete["tasks"][0]["plugin"]["digest"], installed["digest"]);
    assert_eq!(upstream.calls().len(), 1);

    let key = acme.key().to_owned();
    host.restart().await;
    let acme = host.client(Some(&key));
    wait_until_ready(&acme, "1.0").await;
    let id = submit(&acme).await;
    acme.wait_for_status(&id, "complete").await;
    let ledger = acme.get("/v1/audit?event=plugin.installed").await.json;
    assert_eq!(ledger["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn another_tenant_neither_sees_nor_uses_nor_removes_a_plugin() {
    let (host, upstream) = (stranger::host().await, upstream().await);
    let (acme, beta) = (host.tenant("acme").await, host.tenant("beta").await);
    install(&acme, &version("well", "1.0")).await;
    let before = beta.get("/v1/plugins/absent/1.0").await;
    for path in ["/v1/plugins/stranger/1.0", "/v1/plugins/stranger/9"] {
        let found = beta.get(path).await;
        assert_eq!((found.status, &found.json), (404, &before.json), "{path}");
    }
    assert_eq!(delete(&beta, "1.0").await.0, 404);
    let switch = "/v1/plugins/stranger/1.0/activate";
    assert_eq!(beta.call("POST", switch, &[], None::<(&str, Bytes)>).await.status, 404);
    let listed = beta.get("/v1/plugins").await.json.to_string();
    assert!(!listed.contains("\"stranger\""), "{listed}");
    let types = beta.get("/v1/connection-types").await.json.to_string();
    assert!(!types.contains("\"stranger\""), "{types}");
    let body = connection("crm", &upstream, json!({}));
    let refused = beta.post("/v1/connections", &body).await;
    assert_eq!(refused.json["errors"][0]["code"], "unknown_connector_type", "{}", refused.json);
    assert!(!refused.json.to_string().contains("stranger"), "{}", refused.json);
    // The operator sees all of them, and whose they are.
    let all = host.operator_without_tenant().get("/v1/plugins").await.json;
    let found = all["items"].as_array().unwrap().iter().find(|p| p["name"] == "stranger");
    assert_eq!(found.unwrap()["tenant"], "acme");
}

#[tokio::test]
async fn what_serves_all_is_the_operators_to_change() {
    let (host, upstream) = (stranger::host().await, upstream().await);
    let operator = host.operator_without_tenant();
    let installed = install(&operator, &version("well", "1.0")).await;
    assert_eq!(installed["tenant"], Value::Null);
    let acme = host.tenant("acme").await;
    connect(&acme, &connection("crm", &upstream, json!({}))).await;
    let id = submit(&acme).await;
    acme.wait_for_status(&id, "complete").await;
    assert_eq!(acme.get("/v1/plugins/stranger/1.0").await.status, 200);
    let refused = acme.delete("/v1/plugins/stranger/1.0").await;
    assert_eq!((refused.status, &refused.json["code"]), (403, &json!("operator_only")));
    let own = upload(&acme, &version("post", "2.0"), "").await;
    assert_eq!((own.status, &own.json["code"]), (409, &json!("type_taken")));
    let (status, detail) = delete(&operator, "1.0").await;
    assert_eq!(
        (status, detail.as_str()),
        (409, "the plugin is used by 1 connections and 0 open requests")
    );
}

#[tokio::test]
async fn what_came_with_the_host_is_listed_and_stays() {
    let host = stranger::host().await;
    let operator = host.operator();
    let listed = operator.get("/v1/plugins").await.json;
    let proxy = listed["items"].as_array().unwrap().iter().find(|p| p["name"] == "api_proxy");
    let proxy = proxy.unwrap();
    assert_eq!((&proxy["built_in"], &proxy["active"]), (&json!(true), &json!(true)));
    let path = format!("/v1/plugins/api_proxy/{}", proxy["version"].as_str().unwrap());
    let refused = operator.delete(&path).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("in_use")));
    assert_eq!(operator.get(&path).await.json["digest"], proxy["digest"]);
    let activate = format!("{path}/activate");
    let switch = operator.call("POST", &activate, &[], None::<(&str, Bytes)>).await;
    assert_eq!(switch.status, 409);
}

#[tokio::test]
async fn a_request_keeps_the_version_that_it_began_with_through_a_switch_and_a_restart() {
    let (mut host, upstream) = (stranger::host().await, upstream().await);
    let operator = host.operator();
    let first = install(&operator, &version("well", "1.0")).await;
    connect(&operator, &connection("crm", &upstream, json!({ "ask": true }))).await;
    let id = submit(&operator).await;
    let waiting = operator.wait_for_status(&id, "requires_input").await;
    let task = waiting["tasks"][0]["id"].as_str().unwrap().to_owned();

    let second = install(&operator, &version("well", "2.0")).await;
    assert_eq!(keys(&second["connections"], "moved"), ["crm"]);
    assert_eq!(plugin_of(&operator, "crm").await, "2.0");
    let (status, detail) = delete(&operator, "1.0").await;
    assert_eq!(
        (status, detail.as_str()),
        (409, "the plugin is used by 0 connections and 1 open requests")
    );
    host.restart().await;
    let operator = host.operator();
    wait_until_ready(&operator, "1.0").await;
    let path = format!("/v1/privacy-requests/{id}/tasks/{task}/input");
    let given = operator.put(&path, &json!({ "anything": "at all" })).await;
    assert_eq!(given.status, 200, "{}", given.json);
    operator.post(&format!("/v1/privacy-requests/{id}/resume"), &json!({})).await;
    let complete = operator.wait_for_status(&id, "complete").await;
    assert_eq!(complete["tasks"][0]["plugin"]["digest"], first["digest"]);
    assert_eq!(delete(&operator, "1.0").await.0, 204, "nothing pins it any more");
    assert_eq!(delete(&operator, "2.0").await.0, 409, "a connection uses it");
}

#[tokio::test]
async fn a_switch_takes_along_what_needs_no_more_and_lists_the_rest_with_the_reason() {
    let (host, upstream) = (stranger::host().await, upstream().await);
    let operator = host.operator();
    install(&operator, &version("well", "1.0")).await;
    connect(&operator, &connection("plain", &upstream, json!({}))).await;
    connect(&operator, &connection("picky", &upstream, json!({ "picky": true }))).await;

    // Another verb is more than was granted: both stay.
    let more = install(&operator, &version("post", "1.1")).await;
    assert_eq!(more["connections"]["moved_count"], 0, "{more}");
    assert_eq!(keys(&more["connections"], "kept").len(), 2);
    let kept = &more["connections"]["kept"][0];
    assert_eq!((&kept["reason"], &kept["version"]), (&json!("needs_more"), &json!("1.0")));
    assert_eq!(kept["missing"]["http"][0]["methods"], json!(["POST"]));
    assert_eq!(plugin_of(&operator, "plain").await, "1.0");
    let id = submit(&operator).await;
    operator.wait_for_status(&id, "complete").await;

    // One that is granted it goes over with the next switch.
    let path = "/v1/connections/plain/grants";
    let state = operator.get(path).await.json;
    let mut granted = json!({ "http": state["granted"]["http"] });
    granted["http"]
        .as_array_mut()
        .unwrap()
        .extend(kept["missing"]["http"].as_array().unwrap().clone());
    let put = operator.put(path, &granted).await;
    assert_eq!(put.status, 200, "{}", put.json);
    let again = activate(&operator, "1.1").await;
    let over: Vec<&str> = keys(&again["connections"], "moved");
    let stays = keys(&again["connections"], "kept");
    assert_eq!((over.len(), stays.len()), (1, 1), "{again}");
    assert_eq!(plugin_of(&operator, "plain").await, "1.1");

    // Back again; then to one that refuses what the other says. A dry run changes nothing.
    let back = activate(&operator, "1.0").await;
    assert_eq!(back["connections"]["moved_count"], 2, "{back}");
    let upload = upload(&operator, &version("refuse", "1.2"), "?activate=false").await;
    assert_eq!((upload.status, &upload.json["active"]), (201, &json!(false)), "{}", upload.json);
    let path = "/v1/plugins/stranger/1.2/activate?dry_run=true";
    let dry = operator.call("POST", path, &[], None::<(&str, Bytes)>).await.json;
    assert_eq!(dry["dry_run"], true);
    assert_eq!(keys(&dry["connections"], "moved"), ["plain"], "{dry}");
    assert_eq!(dry["connections"]["kept"][0]["problems"][0]["code"], "too_picky");
    assert_eq!(plugin_of(&operator, "plain").await, "1.0");
    activate(&operator, "1.2").await;
    assert_eq!(plugin_of(&operator, "plain").await, "1.2");
    assert_eq!(plugin_of(&operator, "picky").await, "1.0");
    let (status, detail) = delete(&operator, "1.2").await;
    assert!(status == 409 && detail.contains("activate another first"), "{detail}");
}

#[tokio::test]
async fn a_plugin_that_traps_is_seen_in_the_report_and_in_the_metrics_by_its_digest() {
    let (host, upstream) = (stranger::host().await, upstream().await);
    let operator = host.operator();
    let installed = install(&operator, &version("trap-run", "1.0")).await;
    connect(&operator, &connection("crm", &upstream, json!({}))).await;
    let id = submit(&operator).await;
    let failed = operator.wait_for_status(&id, "error").await;
    assert_eq!(failed["tasks"][0]["failure"]["code"], "plugin_trapped");
    assert!(!failed.to_string().contains("a secret of the guest"));
    let metrics = host.operator_without_tenant().get_text("/metrics").await;
    let digest = installed["digest"].as_str().unwrap();
    let line = format!("cordon_plugin_traps_total{{digest=\"{digest}\"}} ");
    assert!(metrics.contains(&line), "{metrics}");
}

#[tokio::test]
async fn a_plugin_whose_component_is_gone_stops_nothing_and_its_connections_say_so() {
    let (mut host, upstream) = (stranger::host().await, upstream().await);
    let operator = host.operator();
    install(&operator, &version("well", "1.0")).await;
    connect(&operator, &connection("crm", &upstream, json!({}))).await;
    host.stop().await;
    let blobs = host.data_directory().join("blobs/default/plugins");
    let files: Vec<_> = std::fs::read_dir(&blobs).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    std::fs::remove_file(&files[0]).unwrap();
    host.restart_stopped().await;
    let operator = host.operator();
    let shown = stranger::wait_until_settled(&operator, "1.0").await;
    assert_eq!(shown["state"], "unavailable");
    assert!(shown["problem"].as_str().unwrap().contains("component"), "{shown}");
    let id = submit(&operator).await;
    let failed = operator.wait_for_status(&id, "error").await;
    assert_eq!(failed["tasks"][0]["failure"]["code"], "plugin_unavailable");
    let path = "/v1/plugins/stranger/1.0/activate";
    let refused = operator.call("POST", path, &[], None::<(&str, Bytes)>).await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("plugin_unavailable")));
    // The same component again mends it.
    let mended = upload(&operator, &version("well", "1.0"), "").await;
    assert_eq!((mended.status, &mended.json["state"]), (200, &json!("ready")), "{}", mended.json);
    operator.post(&format!("/v1/privacy-requests/{id}/retry"), &json!({})).await;
    operator.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn the_command_line_inspects_installs_switches_and_removes() {
    let host = TestProcess::start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let one = file("one.wasm", &version("well", "1.0"));
    let two = file("two.wasm", &behaving("post"));
    let config = file(
        "connection.json",
        json!({ "capabilities": ["privacy/access"], "config": { "origin": "https://api.acme.com" } })
            .to_string()
            .as_bytes(),
    );
    let run = async |arguments: &[&str]| {
        let mut command = host.cordon(arguments).await;
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said, complaint)
    };
    let (code, said, complaint) =
        run(&["plugin", "inspect", &one, "--config", &config, "--json"]).await;
    assert_eq!(code, 0, "{complaint}");
    let shown: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&shown["connector_type"], &shown["version"]), (&json!("stranger"), &json!("1.0")));
    assert_eq!(shown["config"]["queries"][0]["origin"], "https://api.acme.com");
    let (code, _, complaint) = run(&["plugin", "inspect", &config]).await;
    assert!(code == 1 && complaint.contains("not a WebAssembly component"), "{complaint}");

    let (code, said, complaint) = run(&["plugin", "install", &one]).await;
    assert!(code == 0 && said.contains("stranger"), "{complaint}");
    let (code, said, _) = run(&["plugin", "install", &two, "--version", "1.1", "--inactive"]).await;
    assert!(code == 0 && !said.contains("connections with it"), "{said}");
    let (_, said, _) = run(&["plugin", "activate", "stranger", "1.1", "--dry-run"]).await;
    assert!(said.contains("stranger 1.1 would be active"), "{said}");
    let (_, said, _) = run(&["plugin", "activate", "stranger", "1.1"]).await;
    assert!(said.contains("stranger 1.1 is active"), "{said}");
    let (_, said, _) = run(&["plugin", "list"]).await;
    let line = said.lines().find(|line| line.contains("1.1")).unwrap();
    assert!(line.contains("default") && line.contains("yes") && line.contains("ready"), "{said}");
    assert_eq!(run(&["plugin", "remove", "stranger", "1.0"]).await.0, 0);
    let (code, _, complaint) = run(&["plugin", "show", "stranger", "1.0"]).await;
    assert!(code == 1 && complaint.contains("not_found"), "{complaint}");
}

/// The stranger as a part of the host.
fn built_in(component: Vec<u8>) -> BuiltIn {
    let component = Box::leak(component.into_boxed_slice());
    BuiltIn { name: "stranger", version: "1.0", component, trusted: true }
}

#[tokio::test]
async fn an_upgraded_host_takes_connections_of_its_own_connectors_along_and_grants_them_nothing() {
    let upstream = upstream().await;
    let mut host =
        stranger::host_with(|config| config.plugins.push(built_in(behaving("well")))).await;
    let operator = host.operator();
    let created = operator.post("/v1/connections", &connection("crm", &upstream, json!({}))).await;
    assert_eq!(created.json["approval"], "granted", "{}", created.json);
    upstream.on("GET", "/people", |_| Reply::status(400));
    let id = submit(&operator).await;
    let failed = operator.wait_for_status(&id, "error").await;
    let before = failed["tasks"][0]["plugin"]["digest"].clone();
    upstream.on("GET", "/people", |_| Reply::json("[]"));

    let upgrade = |component: Vec<u8>| {
        move |config: &mut Config| {
            config.plugins.retain(|plugin| plugin.name != "stranger");
            config.plugins.push(built_in(component));
        }
    };
    host.restart_configured(upgrade(stranger::with_section(behaving("well"), "x", "y"))).await;
    let operator = host.operator();
    let moved = operator.get("/v1/connections/crm").await.json;
    assert_ne!(moved["plugin"]["digest"], before);
    assert_eq!(moved["approval"], "granted", "it needs no more: {moved}");
    // The plugin that the task pins is gone with the old host.
    operator.post(&format!("/v1/privacy-requests/{id}/retry"), &json!({})).await;
    let complete = operator.wait_for_status(&id, "complete").await;
    assert_eq!(complete["tasks"][0]["plugin"]["digest"], moved["plugin"]["digest"]);

    host.restart_configured(upgrade(behaving("post"))).await;
    let operator = host.operator();
    let waits = operator.get("/v1/connections/crm").await.json;
    assert_eq!(waits["approval"], "waiting", "{waits}");
    let id = submit(&operator).await;
    let failed = operator.wait_for_status(&id, "error").await;
    assert_eq!(failed["tasks"][0]["failure"]["code"], "not_granted", "{failed}");
    grant(&operator, "crm").await;
    operator.post(&format!("/v1/privacy-requests/{id}/retry"), &json!({})).await;
    operator.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_retry_keeps_the_version_that_its_segment_pins() {
    let (host, upstream) = (stranger::host().await, upstream().await);
    let operator = host.operator();
    let first = install(&operator, &version("well", "1.0")).await;
    connect(&operator, &connection("crm", &upstream, json!({}))).await;
    upstream.on("GET", "/people", |_| Reply::status(400));
    let id = submit(&operator).await;
    operator.wait_for_status(&id, "error").await;
    upstream.on("GET", "/people", |_| Reply::json("[]"));
    install(&operator, &version("well", "2.0")).await;
    assert_eq!(plugin_of(&operator, "crm").await, "2.0");
    operator.post(&format!("/v1/privacy-requests/{id}/retry"), &json!({})).await;
    let complete = operator.wait_for_status(&id, "complete").await;
    assert_eq!(complete["tasks"][0]["plugin"]["digest"], first["digest"]);
}

/// A connector whose language runtime asks for WASI; see `tests/guests/wasi`.
const ASKING: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wasi.wasm"));

#[tokio::test]
async fn a_component_that_imports_wasi_finds_nothing_behind_it_and_repeats_itself() {
    let upstream = Upstream::start().await;
    // The first answer has the run begin anew, from its journal.
    upstream.script(
        "GET",
        "/people",
        vec![Reply::status(503).header("retry-after", "1"), Reply::json(r#"[{"a": 1}]"#)],
    );
    let host = stranger::host_with(|config| {
        config.runtime.inline_wait_max = Duration::ZERO;
    })
    .await;
    let operator = host.operator();
    let installed = upload(&operator, ASKING, "?version=1").await;
    assert_eq!(installed.status, 201, "{}", installed.json);
    let imports = installed.json["imports"].to_string();
    assert!(imports.contains("wasi:sockets/instance-network@0.2.3"), "{imports}");
    let mut body = connection("crm", &upstream, json!({}));
    body["connector_type"] = json!("asking");
    connect(&operator, &body).await;
    let id = submit(&operator).await;
    operator.wait_for_status(&id, "complete").await;
    let calls = upstream.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].query, calls[1].query, "the same chance and the same time");
    upstream.on("GET", "/people", |_| Reply::json("[]"));
    let other = submit(&operator).await;
    operator.wait_for_status(&other, "complete").await;
    assert_ne!(upstream.calls()[2].query, calls[0].query, "another task draws something else");

    body["config"]["sockets"] = json!(true);
    assert_eq!(operator.put("/v1/connections/crm", &body).await.status, 200);
    let id = submit(&operator).await;
    let failed = operator.wait_for_status(&id, "error").await;
    let failure = &failed["tasks"][0]["failure"];
    assert_eq!(failure["code"], "not_granted", "{failure}");
    let detail = failure["detail"].as_str().unwrap();
    assert!(detail.contains("wasi:sockets/instance-network@0.2.3#instance-network"), "{detail}");
}
