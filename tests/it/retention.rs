//! How long package and content are kept after a request's end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cordon_model::port::StateStore as _;
use cordon_model::{RequestId, TaskId, TenantId};
use cordon_store::RedbStore;
use serde_json::{Value, json};

use crate::support::manual_clock::ManualClock;
use crate::support::seed;
use crate::support::test_host::TestHost;

const DAY: Duration = Duration::from_hours(24);

/// The files of packages below the data directory.
fn packages(host: &TestHost) -> Vec<PathBuf> {
    let is_package = |path: &PathBuf| path.iter().any(|part| part == "packages");
    host.stored_files().into_iter().map(|(path, _)| path).filter(is_package).collect()
}

#[tokio::test]
async fn after_its_days_a_requests_package_and_content_are_gone_and_its_report_stays() {
    let upstream = seed::upstream().await;
    let clock = Arc::new(ManualClock::default());
    let mut host = TestHost::start_at(clock.clone(), |config| {
        config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    seed::connect(&host, &seed::connection(&upstream)).await;
    let policy = json!({
        "key": "brief",
        "rules": [{ "action": "access" }, { "action": "delete" }],
        "requires_approval": false,
        "retention_days": 30,
    });
    assert_eq!(host.operator().post("/v1/policies", &policy).await.status, 201);
    let done = seed::complete(&host, "brief").await;
    let kept = seed::complete(&host, "access").await;
    let (id, task) = (done["id"].as_str().unwrap(), done["tasks"][0]["id"].as_str().unwrap());
    let path = format!("/v1/privacy-requests/{id}");
    let package = format!("{path}/package");
    assert_eq!(host.operator().get(&package).await.status, 200);
    assert_eq!(packages(&host).len(), 2);

    clock.advance(29 * DAY);
    seed::complete(&host, "access").await;
    assert_eq!(host.operator().get(&package).await.status, 200, "a day is left");
    clock.advance(2 * DAY);
    let gone = wait_until_expired(&host, &path).await;
    assert_eq!((&gone["status"], &gone["package"]), (&json!("complete"), &Value::Null));
    assert_eq!(gone["tasks"], done["tasks"], "what was done stays in the report");
    let answer = host.operator().get(&package).await;
    assert_eq!((answer.status, &answer.json["code"]), (410, &json!("gone")));
    assert_eq!(packages(&host).len(), 2, "those of the two other requests");
    let other = format!("/v1/privacy-requests/{}/package", kept["id"].as_str().unwrap());
    assert_eq!(host.operator().get(&other).await.status, 200, "its policy has no limit");
    let events = host.operator().get(&format!("{path}/events?limit=200")).await.json;
    let last = events["items"].as_array().unwrap().last().unwrap();
    assert_eq!(last["event"], "request.expired");

    host.stop().await;
    let (id, task): (RequestId, TaskId) = (id.parse().unwrap(), task.parse().unwrap());
    let tenant = TenantId::default_tenant();
    let store = RedbStore::open(cordon_store::Options::new(host.data_directory())).unwrap();
    assert!(store.records(&tenant, id, task).await.unwrap().is_empty());
    assert!(store.inputs(&tenant, id).await.unwrap().is_empty());
    for task in gone["tasks"].as_array().unwrap() {
        let task: TaskId = task["id"].as_str().unwrap().parse().unwrap();
        assert!(store.journal(&tenant, id, task).await.unwrap().is_empty());
    }
    let kept_id: RequestId = kept["id"].as_str().unwrap().parse().unwrap();
    let kept_task: TaskId = kept["tasks"][0]["id"].as_str().unwrap().parse().unwrap();
    assert!(!store.records(&tenant, kept_id, kept_task).await.unwrap().is_empty());
}

async fn wait_until_expired(host: &TestHost, path: &str) -> Value {
    let expired = async {
        loop {
            let request = host.operator().get(path).await.json;
            if request["expired_at"].is_string() {
                return request;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), expired).await.expect("its days are over")
}
