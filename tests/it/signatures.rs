//! Who vouches for a plugin, and that nobody goes back to an old version by accident.

use std::io::Write as _;
use std::process::Stdio;

use cordon_engine::service::plugins::Publisher;
use serde_json::{Value, json};

use crate::support::client::{Client, Response};
use crate::support::publisher::{Signer, upload_signed};
use crate::support::stranger::{
    self, activate, behaving, connect, connection, install, submit, upload, upstream, version,
    wait_until_settled,
};
use crate::support::test_host::TestHost;
use crate::support::test_process::{TestProcess, compiler};

/// A host that takes what these signed, and nothing else.
async fn host(publishers: Vec<Publisher>) -> TestHost {
    stranger::host_with(|config| {
        config.engine.plugin_publishers = publishers;
        config.engine.plugin_signatures_required = true;
    })
    .await
}

fn first_code(refused: &Response) -> (u16, &Value) {
    (refused.status, &refused.json["errors"][0]["code"])
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap().iter();
    items.map(|plugin| plugin["name"].as_str().unwrap()).collect()
}

async fn state(client: &Client, version: &str) -> (String, String) {
    let shown = wait_until_settled(client, version).await;
    let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
    (text("state"), text("problem"))
}

#[tokio::test]
async fn only_what_a_publisher_signed_is_installed_and_everybody_sees_who() {
    let (acme, mallory) = (Signer::new("acme"), Signer::new("mallory"));
    let host = host(vec![acme.publisher()]).await;
    let operator = host.operator();
    let (component, other) = (version("well", "1.0"), behaving("post"));

    let refused = upload(&operator, &component, "").await;
    assert_eq!(first_code(&refused), (422, &json!("signature_missing")), "{}", refused.json);
    for (signature, query, code) in [
        (acme.sign(&other, "stranger", "1.0"), "", "signature_wrong"),
        (mallory.sign(&component, "stranger", "1.0"), "", "publisher_unknown"),
        (acme.sign(&component, "other", "1.0"), "?name=stranger", "signature_mismatch"),
        (acme.sign(&component, "stranger", "1.0"), "?version=1.1", "signature_mismatch"),
        ("a comment".to_owned(), "", "signature_malformed"),
        ("x".repeat(5_000), "", "signature_malformed"),
    ] {
        let refused = upload_signed(&operator, &component, &signature, query).await;
        assert_eq!(first_code(&refused), (422, &json!(code)), "{}", refused.json);
    }
    let headers = [("Cordon-Signature", "not base64!")];
    let body = Some(("application/wasm", component.clone().into()));
    let refused = operator.call("POST", "/v1/plugins", &headers, body).await;
    assert_eq!((refused.status, &refused.json["code"]), (400, &json!("invalid_header")));
    let listed = operator.get("/v1/plugins").await.json;
    assert!(!names(&listed).contains(&"stranger"), "nothing is left: {listed}");

    // Name and version come from what is signed.
    let signature = acme.sign(&component, "shop", "3.0.0");
    let installed = upload_signed(&operator, &component, &signature, "").await;
    assert_eq!(installed.status, 201, "{}", installed.json);
    let shown = operator.get("/v1/plugins/shop/3.0.0").await.json;
    assert_eq!(shown["signed_by"]["publisher"], "acme", "{shown}");
    assert_eq!(shown["signed_by"]["key_id"], acme.publisher().key_id());
    assert_eq!(shown["signed_by"]["trusted_comment"], "cordon name=shop version=3.0.0");
    let ledger = operator.get("/v1/audit?event=plugin.refused").await.json;
    assert_eq!(ledger["items"].as_array().unwrap().len(), 7, "{ledger}");
}

#[tokio::test]
async fn what_a_revoked_key_signed_does_not_run_after_the_next_start() {
    let acme = Signer::new("acme");
    let mut host = host(vec![acme.publisher()]).await;
    let (operator, upstream) = (host.operator(), upstream().await);
    let component = version("well", "1.0");
    let signature = acme.sign(&component, "stranger", "1.0");
    let installed = upload_signed(&operator, &component, &signature, "").await;
    assert_eq!(installed.status, 201, "{}", installed.json);
    connect(&operator, &connection("crm", &upstream, json!({}))).await;
    let id = submit(&operator).await;
    operator.wait_for_status(&id, "complete").await;

    for (publishers, required, reason) in [
        (vec![acme.revoked()], true, "the key of the publisher acme is revoked"),
        (vec![acme.revoked()], false, "the key of the publisher acme is revoked"),
        (Vec::new(), true, "a key that none of"),
    ] {
        host.restart_configured(|config| {
            config.engine.plugin_publishers = publishers;
            config.engine.plugin_signatures_required = required;
        })
        .await;
        let operator = host.operator();
        let (state, problem) = state(&operator, "1.0").await;
        assert_eq!(state, "unavailable");
        assert!(problem.contains(reason), "{problem}");
        let id = submit(&operator).await;
        let failed = operator.wait_for_status(&id, "error").await;
        assert_eq!(failed["tasks"][0]["failure"]["code"], "plugin_unavailable");
        let again = upload_signed(&operator, &component, &signature, "").await;
        assert_eq!(again.status, 422, "it cannot be mended with the same signature");
    }
    assert_eq!(upstream.calls().len(), 1, "nothing was sent since");

    // Somebody else vouches for the same bytes.
    let heir = Signer::new("heir");
    host.restart_configured(|config| config.engine.plugin_publishers = vec![heir.publisher()])
        .await;
    let operator = host.operator();
    assert_eq!(state(&operator, "1.0").await.0, "unavailable");
    let signature = heir.sign(&component, "stranger", "1.0");
    let mended = upload_signed(&operator, &component, &signature, "").await;
    assert_eq!((mended.status, &mended.json["state"]), (200, &json!("ready")), "{}", mended.json);
    assert_eq!(mended.json["signed_by"]["publisher"], "heir");
}

#[tokio::test]
async fn what_was_installed_unsigned_does_not_run_once_signatures_are_required() {
    let acme = Signer::new("acme");
    let mut host = stranger::host().await;
    let component = version("well", "1.0");
    install(&host.operator(), &component).await;
    let signature = acme.sign(&component, "stranger", "1.0");
    let refused = upload_signed(&host.operator(), &component, &signature, "").await;
    let code = json!("publisher_unknown");
    assert_eq!(
        first_code(&refused),
        (422, &code),
        "a signature that is given counts or is refused"
    );

    host.restart_configured(|config| {
        config.engine.plugin_publishers = vec![acme.publisher()];
        config.engine.plugin_signatures_required = true;
    })
    .await;
    let operator = host.operator();
    let (unavailable, problem) = state(&operator, "1.0").await;
    assert_eq!(unavailable, "unavailable");
    assert!(problem.contains("not signed"), "{problem}");
    let mended = upload_signed(&operator, &component, &signature, "").await;
    assert_eq!((mended.status, &mended.json["state"]), (200, &json!("ready")), "{}", mended.json);
    host.restart().await;
    assert_eq!(state(&host.operator(), "1.0").await.0, "ready", "it is checked again, and good");
}

#[tokio::test]
async fn an_older_version_than_ever_was_here_comes_only_when_it_is_allowed() {
    let mut host = stranger::host().await;
    let operator = host.operator();
    install(&operator, &version("well", "1.2.0")).await;
    install(&operator, &version("well", "1.10.0")).await;
    let older = version("post", "1.9.0");
    let refused = upload(&operator, &older, "").await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("downgrade")));
    assert!(refused.json["detail"].as_str().unwrap().contains("1.10.0"), "{}", refused.json);

    // Removing what is newer, and a start, change nothing.
    activate(&operator, "1.2.0").await;
    assert_eq!(operator.delete("/v1/plugins/stranger/1.10.0").await.status, 204);
    assert_eq!(operator.delete("/v1/plugins/stranger/1.2.0").await.status, 204);
    host.restart().await;
    let operator = host.operator();
    let refused = upload(&operator, &older, "").await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("downgrade")));
    let unordered = upload(&operator, &behaving("post"), "?version=nightly").await;
    assert_eq!((unordered.status, &unordered.json["code"]), (409, &json!("version_unordered")));

    let allowed = upload(&operator, &older, "?allow_downgrade=true").await;
    assert_eq!(allowed.status, 201, "{}", allowed.json);
    let ledger = operator.get("/v1/audit?event=plugin.downgraded").await.json;
    let told = ledger["items"][0].to_string();
    assert!(told.contains("1.9.0") && told.contains("1.10.0"), "{told}");
    // Another tenant has versions of its own.
    let beta = host.tenant("beta").await;
    assert_eq!(upload(&beta, &version("well", "0.1.0"), "").await.status, 201);
}

#[tokio::test]
async fn code_that_somebody_else_compiled_is_refused_by_its_name() {
    let host = stranger::host().await;
    let component = version("well", "1.0");
    let compiled = tokio::task::spawn_blocking({
        let compiler = compiler().await;
        move || {
            let mut child = std::process::Command::new(compiler.program)
                .args(compiler.arguments)
                .args(["--memory-bytes-max", "4294967296", "--processor-seconds-max", "120"])
                .args(["--stack-bytes-max", "524288"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(&component).unwrap();
            child.wait_with_output().unwrap().stdout
        }
    });
    let compiled = compiled.await.unwrap();
    assert!(compiled.len() > 10_000, "it was compiled");
    let refused = upload(&host.operator(), &compiled, "?version=1.0").await;
    assert_eq!(first_code(&refused), (422, &json!("compiled_code")), "{}", refused.json);
    assert!(refused.json.to_string().contains(".cwasm"), "{}", refused.json);
}

#[tokio::test]
async fn the_command_line_sends_the_signature_that_lies_beside_a_component() {
    let acme = Signer::new("acme");
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let config = format!(
        "[plugins]\nrequire_signatures = true\n[[plugins.publishers]]\nname = \"acme\"\n\
         public_key = \"{}\"\n",
        acme.public_key()
    );
    std::fs::write(path("cordon.toml"), config).unwrap();
    let config = path("cordon.toml");
    let host = TestProcess::start_in(&[("CORDON_CONFIG", config.to_str().unwrap())]).await;
    let component = version("well", "1.0.0");
    std::fs::write(path("shop.wasm"), &component).unwrap();
    let run = async |arguments: &[&str]| {
        let mut command = host.cordon(arguments).await;
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code().unwrap(), told.concat())
    };
    let file = path("shop.wasm");
    let install = ["plugin", "install", file.to_str().unwrap()];
    let (code, told) = run(&install).await;
    assert!(code == 1 && told.contains("signed plugins only"), "{told}");
    std::fs::write(path("shop.wasm.minisig"), acme.sign(&component, "shop", "1.0.0")).unwrap();
    let (code, told) = run(&install).await;
    assert!(code == 0 && told.contains("acme (key "), "{told}");
    let (_, told) = run(&["plugin", "list"]).await;
    let line = told.lines().find(|line| line.starts_with("shop")).unwrap();
    assert!(line.contains("acme"), "{told}");
    let older = version("post", "0.9.0");
    std::fs::write(path("shop.wasm"), &older).unwrap();
    let other = path("older.sig");
    std::fs::write(&other, acme.sign(&older, "shop", "0.9.0")).unwrap();
    let with = ["--signature", other.to_str().unwrap()];
    let (code, told) = run(&[&install[..], &with[..]].concat()).await;
    assert!(code == 1 && told.contains("downgrade"), "{told}");
    let allowed = [&install[..], &with[..], &["--allow-downgrade"]].concat();
    let (code, told) = run(&allowed).await;
    assert!(code == 0, "{told}");
}
