//! The operator's folder of plugins, from its first look to a process that is killed over it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::client::Client;
use crate::support::publisher::Signer;
use crate::support::stranger::{
    self, activate, connect, connection, of_type, submit, upstream, version, with_section,
};
use crate::support::test_host::TestHost;
use crate::support::test_process::TestProcess;

/// How long a look at the folder may take. Far more than it does.
const PATIENCE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_millis(10);

/// A folder of plugins.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Puts a file there, whole at once.
    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = self.path().join(".new");
        fs::write(&beside, bytes).unwrap();
        fs::rename(beside, path).unwrap();
    }

    async fn host(&self) -> TestHost {
        let directory = self.path().to_owned();
        stranger::host_with(|config| config.plugin_folder = Some(directory)).await
    }

    async fn process(&self) -> TestProcess {
        let path = self.path().to_str().unwrap();
        TestProcess::start_in(&[("CORDON_PLUGINS_DIRECTORY", path)]).await
    }
}

/// The folder as it is shown, once it was read after `before`.
async fn read_after(operator: &Client, before: Option<&str>) -> Value {
    let began = Instant::now();
    loop {
        let shown = operator.get("/v1/plugins").await.json["folder"].clone();
        let read_at = shown["read_at"].as_str();
        if read_at.is_some() && read_at != before {
            return shown;
        }
        assert!(began.elapsed() < PATIENCE, "{shown}");
        tokio::time::sleep(INTERVAL).await;
    }
}

fn file<'a>(folder: &'a Value, name: &str) -> &'a Value {
    let mut files = folder["files"].as_array().unwrap().iter();
    files.find(|file| file["file"] == name).unwrap_or_else(|| panic!("no {name} in {folder}"))
}

async fn version_of(client: &Client, key: &str) -> String {
    let shown = client.get(&format!("/v1/connections/{key}")).await.json;
    shown["plugin"]["version"].as_str().unwrap().to_owned()
}

fn components(data: &Path) -> Vec<PathBuf> {
    let folder = fs::read_dir(data.join("blobs/.host/plugins")).into_iter().flatten();
    folder.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn what_lies_in_the_folder_serves_every_tenant_and_one_bad_file_stops_nobody() {
    let folder = Folder::new();
    folder.put("well.wasm", &version("well", "1.0"));
    folder.put("acme/own.wasm", &with_section(of_type("own", "well"), "version", "1.0"));
    folder.put("nobody/own.wasm", &version("post", "1.0"));
    folder.put("broken.wasm", b"not a component");
    folder.put("unnumbered.wasm", &of_type("unnumbered", "well"));
    folder.put("compiled.cwasm", b"\x7fELF");
    folder.put("README", b"not looked at");
    fs::create_dir(folder.path().join("..data")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("out.wasm")).unwrap();
    let mut host = folder.host().await;
    let operator = host.operator_without_tenant();
    assert_eq!(operator.get("/readyz").await.status, 200);
    let shown = read_after(&operator, None).await;
    let names: Vec<_> = shown["files"].as_array().unwrap().iter().map(|f| &f["file"]).collect();
    assert_eq!(names.len(), 7, "{shown}");
    assert_eq!(file(&shown, "well.wasm")["state"], "installed", "{shown}");
    for (name, code) in [
        ("acme/own.wasm", "unknown_tenant"),
        ("nobody/own.wasm", "unknown_tenant"),
        ("broken.wasm", "not_a_component"),
        ("unnumbered.wasm", "version_missing"),
        ("compiled.cwasm", "compiled_code"),
        ("out.wasm", "outside"),
    ] {
        assert_eq!(file(&shown, name)["code"], code, "{name} {shown}");
    }
    let metrics = operator.get_text("/metrics").await;
    assert!(metrics.contains("cordon_plugin_folder_files{state=\"refused\"} 6"), "{metrics}");

    let (acme, upstream) = (host.tenant("acme").await, upstream().await);
    connect(&acme, &connection("crm", &upstream, json!({}))).await;
    let id = submit(&acme).await;
    acme.wait_for_status(&id, "complete").await;
    assert_eq!(acme.get("/v1/plugins").await.json["folder"], Value::Null, "the operator's alone");

    // The tenant is there now; what is installed stays what it is.
    let before = operator.get("/v1/plugins/stranger/1.0").await.json;
    assert_eq!((&before["installed_by"], &before["file"]), (&json!("host"), &json!("well.wasm")));
    host.restart().await;
    let operator = host.operator_without_tenant();
    let shown = read_after(&operator, None).await;
    assert_eq!(file(&shown, "acme/own.wasm")["state"], "installed", "{shown}");
    let own = operator.get("/v1/plugins").await.json;
    let own = own["items"].as_array().unwrap().iter().find(|p| p["connector_type"] == "own");
    assert_eq!(own.unwrap()["tenant"], "acme");
    assert_eq!(operator.get("/v1/plugins/stranger/1.0").await.json, before);
}

#[tokio::test]
async fn of_several_versions_the_newest_is_active_and_a_switch_back_is_left_alone() {
    let folder = Folder::new();
    folder.put("a.wasm", &version("well", "1.10"));
    folder.put("b.wasm", &version("well", "1.9"));
    let mut host = folder.host().await;
    let operator = host.operator_without_tenant();
    let shown = read_after(&operator, None).await;
    assert_eq!(file(&shown, "b.wasm")["state"], "installed", "not refused as older: {shown}");
    let active = async |operator: &Client, version: &str| {
        operator.get(&format!("/v1/plugins/stranger/{version}")).await.json["active"] == true
    };
    assert!(active(&operator, "1.10").await && !active(&operator, "1.9").await);
    activate(&operator, "1.9").await;
    host.restart().await;
    let operator = host.operator_without_tenant();
    read_after(&operator, None).await;
    assert!(active(&operator, "1.9").await, "whoever switched back meant it");
    // What is older than both was not there before.
    folder.put("c.wasm", &version("well", "1.8"));
    host.restart().await;
    let shown = read_after(&host.operator_without_tenant(), None).await;
    assert_eq!(file(&shown, "c.wasm")["code"], "downgrade", "{shown}");
}

#[tokio::test]
async fn a_new_version_that_needs_more_takes_no_connection_along() {
    let folder = Folder::new();
    folder.put("crm.wasm", &version("well", "1.0"));
    let mut host = folder.host().await;
    let everybody = host.operator_without_tenant();
    read_after(&everybody, None).await;
    let (operator, upstream) = (host.operator(), upstream().await);
    connect(&operator, &connection("crm", &upstream, json!({}))).await;
    folder.put("crm.wasm", &version("post", "1.1"));
    host.restart().await;
    let shown = read_after(&host.operator_without_tenant(), None).await;
    assert_eq!(file(&shown, "crm.wasm")["plugin"]["version"], "1.1", "{shown}");
    assert_eq!(version_of(&host.operator(), "crm").await, "1.0");
    let id = submit(&host.operator()).await;
    host.operator().wait_for_status(&id, "complete").await;
    folder.put("crm.wasm", &version("well", "1.2"));
    host.restart().await;
    read_after(&host.operator_without_tenant(), None).await;
    assert_eq!(version_of(&host.operator(), "crm").await, "1.2", "it needs no more than it has");
}

#[tokio::test]
async fn only_signed_files_are_taken_where_signatures_are_required() {
    let (folder, acme) = (Folder::new(), Signer::new("acme"));
    let (signed, unsigned) = (version("well", "1.0"), of_type("other", "well"));
    folder.put("signed.wasm", &signed);
    folder.put("signed.wasm.minisig", acme.sign(&signed, "crm", "1.0").as_bytes());
    folder.put("swapped.wasm", &unsigned);
    folder.put("swapped.wasm.minisig", acme.sign(&signed, "crm", "1.0").as_bytes());
    folder.put("unsigned.wasm", &with_section(unsigned, "version", "1.0"));
    let directory = folder.path().to_owned();
    let host = stranger::host_with(|config| {
        config.plugin_folder = Some(directory);
        config.engine.plugin_publishers = vec![acme.publisher()];
        config.engine.plugin_signatures_required = true;
    })
    .await;
    let shown = read_after(&host.operator_without_tenant(), None).await;
    assert_eq!(file(&shown, "signed.wasm")["plugin"]["name"], "crm", "{shown}");
    assert_eq!(file(&shown, "swapped.wasm")["code"], "signature_wrong", "{shown}");
    assert_eq!(file(&shown, "unsigned.wasm")["code"], "signature_missing", "{shown}");
}

#[tokio::test]
async fn a_hangup_has_the_folder_read_again_and_changes_nothing_else() {
    let folder = Folder::new();
    let host = folder.process().await;
    let operator = host.operator_without_tenant();
    let first = read_after(&operator, None).await;
    assert_eq!(first["files"], json!([]));
    folder.put("crm.wasm", &version("well", "1.0"));
    let hang_up = || {
        let process = Pid::from_raw(i32::try_from(host.process_id()).unwrap()).unwrap();
        kill_process(process, Signal::HUP).unwrap();
    };
    hang_up();
    let second = read_after(&operator, first["read_at"].as_str()).await;
    assert_eq!(file(&second, "crm.wasm")["state"], "installed", "{second}");
    let installed = operator.get("/v1/plugins/stranger/1.0").await.json;
    assert_eq!((&installed["active"], &installed["state"]), (&json!(true), &json!("ready")));
    fs::remove_file(folder.path().join("crm.wasm")).unwrap();
    hang_up();
    read_after(&operator, second["read_at"].as_str()).await;
    assert_eq!(operator.get("/v1/plugins/stranger/1.0").await.status, 200, "it stays");
    let logged = host.logged();
    let told = logged.iter().find(|line| line.contains("a file left the plugins folder"));
    assert!(told.is_some_and(|line| line.contains("crm.wasm") && line.contains("WARN")));
}

#[tokio::test]
async fn a_process_that_is_killed_over_the_folder_leaves_nothing_half_stored() {
    let folder = Folder::new();
    let mut host = folder.process().await;
    read_after(&host.operator_without_tenant(), None).await;
    for n in 0..4 {
        let component = of_type(&format!("kind{n}"), "well");
        folder.put(&format!("{n}.wasm"), &with_section(component, "version", "1.0"));
    }
    // At any point of the look, whatever the machine makes of it.
    for rounds in 0..3_u32 {
        let process = Pid::from_raw(i32::try_from(host.process_id()).unwrap()).unwrap();
        kill_process(process, Signal::HUP).unwrap();
        let began = Instant::now();
        let reached = |lines: &[String]| {
            let installed =
                lines.iter().filter(|line| line.contains("of the folder was installed"));
            installed.count() as u32 > rounds
        };
        while !reached(&host.logged()) && began.elapsed() < PATIENCE {
            tokio::time::sleep(INTERVAL).await;
        }
        host.kill_and_restart().await;
    }
    let operator = host.operator_without_tenant();
    let shown = read_after(&operator, None).await;
    for n in 0..4 {
        assert_eq!(file(&shown, &format!("{n}.wasm"))["state"], "installed", "{shown}");
        let plugin = operator.get(&format!("/v1/plugins/kind{n}/1.0")).await.json;
        assert_eq!((&plugin["active"], &plugin["state"]), (&json!(true), &json!("ready")));
    }
    assert_eq!(components(&host.data_directory()).len(), 4, "and no more");
}
