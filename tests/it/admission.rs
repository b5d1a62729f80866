//! What a stranger's component must be to come in, and that nothing is left of one that may not.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::stranger::{self, behaving, of_type, upload, version, with_section};
use crate::support::test_host::TestHost;
use crate::support::test_process::TestProcess;

/// `(component)`.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A section of a module or a component.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], number(content.len()), content.to_vec()].concat()
}

/// LEB128.
fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        bytes.push(if number > 0 { low | 0x80 } else { low });
        if number == 0 {
            return bytes;
        }
    }
}

/// A component around a module of these sections.
fn around(sections: &[Vec<u8>]) -> Vec<u8> {
    let module = [MODULE.to_vec(), sections.concat()].concat();
    [EMPTY.to_vec(), section(1, &module)].concat()
}

/// A component that imports an instance under a name.
fn importing(name: &str) -> Vec<u8> {
    let import = [&[1, 0, name.len() as u8], name.as_bytes(), &[5, 0]].concat();
    [EMPTY.to_vec(), section(7, &[1, 0x42, 0]), section(10, &import)].concat()
}

/// A module with functions of these bodies.
fn functions(bodies: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let count = number(bodies.len());
    let types = [count.clone(), vec![0; bodies.len()]].concat();
    let sized = bodies.iter().map(|body| [number(body.len()), body.clone()].concat());
    let code = [count, sized.collect::<Vec<_>>().concat()].concat();
    vec![section(1, &[1, 0x60, 0, 0]), section(3, &types), section(10, &code)]
}

/// One function that takes long to compile: blocks in blocks around loads and sums of many locals.
fn hard_to_compile(bytes: usize) -> Vec<u8> {
    let mut body = vec![1, 0xe8, 0x07, 0x7e];
    let mut local: usize = 0;
    while body.len() < bytes {
        let (from, to) = (number(local % 1000), number((local * 7 + 1) % 1000));
        // local.get from; local.get to; i64.mul; local.tee to; local.get from; i64.add; local.set from
        for (code, index) in [(0x20, &from), (0x20, &to)] {
            body.push(code);
            body.extend_from_slice(index);
        }
        body.push(0x7e);
        body.push(0x22);
        body.extend_from_slice(&to);
        body.push(0x20);
        body.extend_from_slice(&from);
        body.extend_from_slice(&[0x7c, 0x21]);
        body.extend_from_slice(&from);
        if local.is_multiple_of(16) {
            // (if (i64.eqz (local.get to)) (then))
            body.push(0x20);
            body.extend_from_slice(&to);
            body.extend_from_slice(&[0x50, 0x04, 0x40, 0x0b]);
        }
        local += 1;
    }
    body.push(0x0b);
    body
}

/// Uploads what must be refused; the codes.
async fn refused(host: &TestHost, component: &[u8]) -> Vec<String> {
    let answer = upload(&host.operator(), component, "?version=1").await;
    assert_eq!(answer.status, 422, "{}", answer.json);
    let errors = answer.json["errors"].as_array().unwrap();
    for error in errors {
        let detail = error["detail"].as_str().unwrap();
        assert!(
            detail.contains(';') || error["code"] == "invalid_descriptor",
            "no remedy: {detail}"
        );
        assert!(!detail.contains("a secret of the guest"), "{detail}");
    }
    errors.iter().map(|error| error["code"].as_str().unwrap().to_owned()).collect()
}

/// Nothing is left: no row, no file, no compiled code.
async fn nothing_left(host: &TestHost, files: usize) {
    let listed = host.operator().get("/v1/plugins").await.json;
    let installed = listed["items"].as_array().unwrap().iter().filter(|p| p["built_in"] == false);
    assert_eq!(installed.count(), 0, "{listed}");
    assert_eq!(host.stored_files().len(), files);
}

#[tokio::test]
async fn what_is_no_component_or_uses_what_none_may_is_refused_and_leaves_nothing() {
    let host = stranger::host_with(|config| config.runtime.functions_max = 1_000).await;
    let files = host.stored_files().len();
    let nop = || vec![0, 0x0b];
    let cases: [(&str, Vec<u8>, &str); 11] = [
        ("text", b"hello".to_vec(), "not_a_component"),
        ("nothing", Vec::new(), "not_a_component"),
        (
            "a core module",
            [MODULE.to_vec(), functions(&[nop()]).concat()].concat(),
            "not_a_component",
        ),
        ("compiled code", b"\x7fELF\x02\x01\x01\0".repeat(100), "compiled_code"),
        ("a cut component", behaving("well")[..10_000].to_vec(), "not_a_component"),
        ("a foreign import", importing("evil:host/shell@1.0.0"), "foreign_import"),
        ("too many functions", around(&functions(&vec![nop(); 1_001])), "too_many"),
        ("memory64", around(&[section(5, &[1, 0x04, 1])]), "not_a_component"),
        ("shared memory", around(&[section(5, &[1, 0x03, 1, 1])]), "not_a_component"),
        (
            "a function over the limit",
            around(&functions(&[[vec![0], vec![0x01; 600 << 10], vec![0x0b]].concat()])),
            "function_too_large",
        ),
        ("no connector", EMPTY.to_vec(), "unloadable"),
    ];
    for (what, component, code) in cases {
        assert_eq!(refused(&host, &component).await, [code], "{what}");
    }
    nothing_left(&host, files).await;
    let told = host.operator_without_tenant().get("/v1/audit?ledger=host").await.json;
    let tenants = host.operator().get("/v1/audit").await.json;
    let count = |ledger: &serde_json::Value| {
        let items = ledger["items"].as_array().unwrap();
        items.iter().filter(|entry| entry["event"] == "plugin.refused").count()
    };
    assert_eq!((count(&told), count(&tenants)), (0, 11), "the ledger of whom it was for");
}

#[tokio::test]
async fn a_component_that_breaks_or_loops_when_it_is_asked_is_refused_and_leaves_nothing() {
    let host = stranger::host_with(|config| {
        config.runtime.call_timeout = Duration::from_millis(300);
    })
    .await;
    let files = host.stored_files().len();
    for (mode, code) in [
        ("trap-describe", "describe_failed"),
        ("spin-describe", "describe_failed"),
        ("send-describe", "describe_failed"),
        ("trap-validate", "validate_failed"),
    ] {
        let began = Instant::now();
        assert_eq!(refused(&host, &behaving(mode)).await, [code], "{mode}");
        assert!(began.elapsed() < Duration::from_secs(60), "{mode}");
    }
    assert_eq!(refused(&host, &of_type("Not-A-Type", "well")).await, ["invalid_descriptor"]);
    nothing_left(&host, files).await;
    let metrics = host.operator_without_tenant().get_text("/metrics").await;
    assert!(metrics.contains("cordon_plugin_traps_total{digest="), "{metrics}");
    assert!(
        metrics.contains("cordon_plugin_refused_total")
            || metrics.contains("cordon_plugins_refused_total")
    );
}

#[tokio::test]
async fn a_component_that_is_too_large_is_refused_while_it_is_read() {
    let host = stranger::host_with(|config| config.api.component_bytes_max = 10_000).await;
    let answer = upload(&host.operator(), &behaving("well"), "?version=1").await;
    assert_eq!((answer.status, &answer.json["code"]), (413, &json!("body_too_large")));
    let as_json = host.operator().post("/v1/plugins", &json!({})).await;
    assert_eq!((as_json.status, &as_json.json["code"]), (415, &json!("unsupported_media_type")));
}

#[tokio::test]
async fn names_types_and_versions_are_taken_once() {
    let host = stranger::host().await;
    let acme = host.tenant("acme").await;
    let reserved = upload(&acme, &of_type("api_proxy", "well"), "?version=1").await;
    assert_eq!((reserved.status, &reserved.json["code"]), (409, &json!("type_taken")));
    let posing = upload(&acme, &behaving("well"), "?name=api_proxy&version=1").await;
    assert_eq!((posing.status, &posing.json["code"]), (409, &json!("type_taken")));

    stranger::install(&acme, &version("well", "1.0")).await;
    let other_bytes = with_section(behaving("well"), "x", "y");
    let other = upload(&acme, &other_bytes, "?version=1.0").await;
    assert_eq!((other.status, &other.json["code"]), (409, &json!("version_taken")));
    let other = upload(&acme, &other_bytes, "?name=crm&version=1.0").await;
    assert_eq!((other.status, &other.json["code"]), (409, &json!("type_taken")));
    let again = upload(&acme, &version("well", "1.0"), "").await;
    assert_eq!(again.status, 200, "{}", again.json);
    let renamed = upload(&acme, &version("well", "1.0"), "?version=2").await;
    assert_eq!((renamed.status, &renamed.json["code"]), (409, &json!("exists")));
    let of_all = upload(&host.operator_without_tenant(), &version("well", "1.0"), "").await;
    assert_eq!((of_all.status, &of_all.json["code"]), (409, &json!("type_taken")));
    let beta = host.tenant("beta").await;
    stranger::install(&beta, &version("well", "1.0")).await;
}

#[tokio::test]
async fn a_component_without_a_version_is_told_where_to_put_one() {
    let host = stranger::host().await;
    let answer = upload(&host.operator(), &behaving("well"), "").await;
    assert_eq!(answer.json["errors"][0]["code"], "version_missing", "{}", answer.json);
    assert!(answer.json["detail"].as_str().unwrap().contains("?version="));
    let bad = upload(&host.operator(), &behaving("well"), "?version=..&name=A%20B").await;
    let codes: Vec<_> = bad.json["errors"].as_array().unwrap().iter().map(|e| &e["code"]).collect();
    assert_eq!(codes, ["invalid_name", "invalid_version"]);
    let named = upload(&host.operator(), &behaving("well"), "?version=1&name=acme-crm").await;
    assert_eq!((named.status, &named.json["name"]), (201, &json!("acme-crm")), "{}", named.json);
    assert_eq!(named.header("location"), Some("/v1/plugins/acme-crm/1"));
    let imports = named.json["imports"].as_array().unwrap();
    assert!(imports.contains(&json!("cordon:connector/http@0.1.0")), "{imports:?}");
    assert_eq!(named.json["digest"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn a_damaged_file_of_compiled_code_is_made_again_and_never_run() {
    let mut host = stranger::host().await;
    let operator = host.operator();
    let installed = stranger::install(&operator, &version("well", "1")).await;
    let digest = installed["digest"].as_str().unwrap().to_owned();
    host.stop().await;
    let cached = |host: &TestHost| {
        let files = std::fs::read_dir(host.data_directory().join("cache")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        files.find(|path| path.to_string_lossy().contains(&digest)).unwrap()
    };
    let path = cached(&host);
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(&path, &bad).unwrap();
    host.restart_stopped().await;
    let shown = stranger::wait_until_ready(&host.operator(), "1").await;
    assert_eq!(shown["digest"], installed["digest"]);
    assert_ne!(std::fs::read(cached(&host)).unwrap(), bad, "written again");
}

/// What a compile bomb costs those who have nothing to do with it. The limits are raised so that
/// it is compiled at all.
#[tokio::test]
async fn a_component_that_is_hard_to_compile_costs_the_serving_process_nothing() {
    let host = TestProcess::start_in(&[
        ("CORDON_PLUGINS_FUNCTION_BYTES", "16777216"),
        ("CORDON_PLUGINS_COMPILER_SECONDS", "4"),
    ])
    .await;
    let operator = host.operator();
    // The one that is refused before the compiler sees it has the process take its memory.
    upload(&operator, EMPTY, "?version=1").await;
    let bomb = around(&functions(&[hard_to_compile(7 << 20)]));
    let before = rss_kib(host.process_id());
    let uploading = {
        let operator = operator.clone();
        tokio::spawn(async move { upload(&operator, &bomb, "?version=1").await })
    };
    let (mut times, mut most) = (Vec::new(), before);
    while !uploading.is_finished() {
        let began = Instant::now();
        assert_eq!(operator.get("/v1/connections").await.status, 200);
        times.push(began.elapsed());
        most = most.max(rss_kib(host.process_id()));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let answer = uploading.await.unwrap();
    assert_eq!(answer.json["errors"][0]["code"], "compiler_limit", "{}", answer.json);
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    let growth = most.saturating_sub(before);
    println!("FIGURE compile_bomb serving_rss_growth_kib={growth} api_p99_ms={}", p99.as_millis());
    // The bytes themselves are read, and looked at.
    assert!(growth < 100 * 1024, "{growth} KiB");
    assert!(p99 < Duration::from_millis(500), "{p99:?}");
    assert_eq!(operator.get("/healthz").await.status, 200);
}

fn rss_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}
