//! Components that come in by a way they must not: nothing that nobody vouched for runs, nothing
//! goes back to an older version, nothing reaches further than what was approved, and nothing that
//! costs too much to compile is compiled.
//!
//! Where signatures are required there is a host of its own: on the others anybody may bring an
//! unsigned plugin.

use std::time::{Duration, Instant};

use cordon_engine::service::plugins::Publisher;
use serde_json::{Value, json};

use super::harness::{Attack, Contained, attack};
use super::mallory::refused;
use crate::support::client::Response;
use crate::support::publisher::{Signer, upload_signed};
use crate::support::stranger::{self, behaving, upload, version, with_section};
use crate::support::test_host::TestHost;
use crate::support::upstream::{Reply, Upstream};

/// `(component)`.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

pub(crate) const ATTACKS: [Attack; 6] = [
    attack!("supply/unsigned", |_world| {
        let host = host(vec![Signer::new("acme").publisher()]).await;
        let detail = "this host takes signed plugins only; send the .minisig file of the \
                      component with it (--signature FILE)";
        let answer = timed(upload(&host.operator(), &version("well", "1.0"), "")).await;
        left_nothing(&host).await;
        refused(answer, "signature_missing", detail)
    }),
    attack!("supply/signature-of-another", |_world| {
        let acme = Signer::new("acme");
        let host = host(vec![acme.publisher()]).await;
        let (component, other) = (version("well", "1.0"), behaving("trap-run"));
        let stolen = acme.sign(&other, "stranger", "1.0");
        let moved = acme.sign(&component, "other", "1.0");
        let operator = host.operator();
        let wrong = timed(upload_signed(&operator, &component, &stolen, "")).await;
        let mismatch = timed(upload_signed(&operator, &component, &moved, "?name=stranger")).await;
        left_nothing(&host).await;
        Contained::all([
            refused(
                wrong,
                "signature_wrong",
                "the signature of the publisher acme is not over this component and this comment",
            ),
            refused(
                mismatch,
                "signature_mismatch",
                "the signature is of other 1.0, not of stranger ",
            ),
        ])
    }),
    attack!("supply/revoked-key", |_world| {
        let acme = Signer::new("acme");
        let host = host(vec![acme.revoked()]).await;
        let component = version("well", "1.0");
        let signature = acme.sign(&component, "stranger", "1.0");
        let answer = timed(upload_signed(&host.operator(), &component, &signature, "")).await;
        left_nothing(&host).await;
        refused(answer, "publisher_revoked", "the key of the publisher acme is revoked")
    }),
    attack!("supply/older-version", |world| {
        let mallory = world.mallory().await;
        let newer = upload(mallory.client(), &version("well", "2.0"), "").await;
        assert_eq!(newer.status, 201, "{}", newer.json);
        let removed = mallory.client().delete("/v1/plugins/stranger/2.0").await;
        assert_eq!(removed.status, 204, "{}", removed.json);
        let (older, took) = timed(upload(mallory.client(), &version("well", "1.0"), "")).await;
        let detail = "1.0 is older than stranger 2.0, which was here; allow it with \
                      ?allow_downgrade=true (--allow-downgrade)";
        assert_eq!(
            (older.status, &older.json["code"], &older.json["detail"]),
            (409, &json!("downgrade"), &json!(detail)),
            "{}",
            older.json
        );
        Contained { outcome: "downgrade".to_owned(), took }
    }),
    attack!("supply/grown-needs", |world| {
        let upstream = Upstream::start().await;
        upstream.on("GET", "/people", |_| Reply::json("[]"));
        upstream.on("POST", "/people", |_| Reply::json("[]"));
        let mallory = world.mallory().await;
        stranger::install(mallory.client(), &version("well", "1.0")).await;
        mallory.connect(&stranger::connection("hostile", &upstream, json!({}))).await;
        mallory.request("access").await.completes("as_approved");
        let grown = version("post", "2.0");
        let (installed, took) = timed(upload(mallory.client(), &grown, "?activate=true")).await;
        assert_eq!(installed.status, 201, "{}", installed.json);
        let ended = mallory.request("access").await;
        let methods: Vec<String> = upstream.calls().into_iter().map(|call| call.method).collect();
        assert_eq!(methods, ["GET", "GET"], "nothing beyond what was approved");
        let task = &ended.request["tasks"][0];
        assert_eq!(task["plugin"]["version"], "1.0", "{task:#}");
        let contained = ended.completes("kept_as_approved");
        Contained { took: contained.took.max(took), ..contained }
    }),
    attack!("supply/compiled-code-and-bombs", |world| {
        let mallory = world.mallory().await;
        let cache = world.process().data_directory().join("cache");
        let compiled = std::fs::read_dir(cache).unwrap().next().unwrap().unwrap().path();
        let kept = std::fs::read(compiled).unwrap();
        // As the host keeps it, behind the proof that it is the host's own; and by itself.
        let at = kept.windows(4).position(|window| window == b"\x7fELF").unwrap();
        let compiled = mallory.upload(&kept[at..]).await;
        let kept = mallory.upload(&kept).await;
        let remedy = "build a WebAssembly component (not a core module, not compiled code) that \
                      uses no proposal beyond the standard";
        let no_header = format!("not a WebAssembly component: no component header; {remedy}");
        let large = mallory.upload(&around(&[vec![0x01; 600 << 10]])).await;
        let many = mallory.upload(&around(&vec![vec![]; 60_001])).await;
        Contained::all([
            refused(kept, "not_a_component", &no_header),
            refused(
                compiled,
                "compiled_code",
                "this is compiled code (.cwasm), which nobody can check; send the component that \
                 it was compiled from",
            ),
            refused(
                large,
                "function_too_large",
                "a function of the component has 614402 bytes; 524288 are allowed; build it with \
                 less inlining, or with a lower optimization level",
            ),
            refused(
                many,
                "too_many",
                "the component has too many functions; 60000 are allowed; leave out what it does \
                 not need",
            ),
        ])
    }),
];

/// A host that takes what these signed, and nothing else.
async fn host(publishers: Vec<Publisher>) -> TestHost {
    stranger::host_with(|config| {
        config.engine.plugin_publishers = publishers;
        config.engine.plugin_signatures_required = true;
    })
    .await
}

async fn timed(answer: impl Future<Output = Response>) -> (Response, Duration) {
    let began = Instant::now();
    (answer.await, began.elapsed())
}

/// Neither the plugin nor its code.
async fn left_nothing(host: &TestHost) {
    let listed: Value = host.operator().get("/v1/plugins").await.json;
    assert!(!listed.to_string().contains("stranger"), "{listed}");
}

/// A component around a module with functions of these bodies, and `end` behind each.
fn around(bodies: &[Vec<u8>]) -> Vec<u8> {
    let count = number(bodies.len());
    let types = [count.clone(), vec![0; bodies.len()]].concat();
    let code = bodies.iter().flat_map(|body| {
        let size = number(body.len() + 2);
        [size, vec![0], body.clone(), vec![0x0b]].concat()
    });
    let code = [count, code.collect()].concat();
    let sections = [section(1, &[1, 0x60, 0, 0]), section(3, &types), section(10, &code)];
    let module = [b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat();
    // Another digest than that of whoever tried it before.
    with_section([EMPTY.to_vec(), section(1, &module)].concat(), "of", "mallory")
}

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
