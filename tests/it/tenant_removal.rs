//! The end of a tenant: nothing of it is left, whatever it was doing and however often the host is
//! killed meanwhile, and nobody else notices.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::needles::Needles;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::test_process::TestProcess;
use crate::support::upstream::{Gate, Reply, Upstream};

/// Stands in nothing but what the tenant has.
const CONNECTION_KEY: &str = "crm-of-the-doomed-one";

/// Gives a tenant a connection of the example and its secret.
async fn furnish(client: &Client, upstream: &Upstream) {
    let mut connection = seed::connection(upstream);
    connection["key"] = json!(CONNECTION_KEY);
    let created = client.post("/v1/connections", &connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let secrets = json!({ "credentials": seed::CREDENTIALS });
    let path = format!("/v1/connections/{CONNECTION_KEY}/secrets");
    assert_eq!(client.put(&path, &secrets).await.status, 200);
}

async fn submit(client: &Client) -> String {
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let accepted = client.post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    accepted.json["id"].as_str().unwrap().to_owned()
}

/// Events of the host's own ledger about a tenant.
async fn told_of(operator: &Client, tenant: &str) -> Vec<String> {
    let ledger = operator.get("/v1/audit?ledger=host").await;
    assert_eq!(ledger.status, 200, "{}", ledger.json);
    let items = ledger.json["items"].as_array().unwrap().iter();
    let about = items.filter(|item| item["facts"]["tenant"] == tenant);
    about.map(|item| item["event"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_removed_tenant_leaves_nothing_behind_and_its_name_can_be_used_again() {
    let upstream = seed::upstream().await;
    let mut host = TestHost::start().await;
    let (doomed, other) = (host.tenant("doomed").await, host.tenant("other").await);
    for tenant in [&doomed, &other] {
        furnish(tenant, &upstream).await;
        let id = submit(tenant).await;
        tenant.wait_for_status(&id, "complete").await;
    }
    let packages = host.data_directory().join("packages");
    assert!(packages.join("doomed").exists());
    let operator = host.operator_without_tenant();
    let refused = doomed.delete("/v1/tenants/doomed").await;
    assert_eq!(refused.status, 403, "not its own doing: {}", refused.json);
    let removed = operator.delete("/v1/tenants/doomed").await;
    assert_eq!(removed.status, 204, "{}", removed.json);

    assert_eq!(doomed.get("/v1/connections").await.status, 401);
    assert_eq!(operator.get("/v1/tenants/doomed").await.status, 404);
    assert_eq!(operator.delete("/v1/tenants/doomed").await.status, 404);
    let listed = operator.get("/v1/tenants").await.json.to_string();
    assert!(!listed.contains("doomed"), "{listed}");
    let zips = |name: &str| walk(&packages.join(name)).len();
    assert_eq!((zips("doomed"), zips("other")), (0, 1));
    assert_eq!(told_of(&operator, "doomed").await, ["tenant.deleted", "tenant.removal_started"]);
    assert_eq!(other.get("/v1/privacy-requests").await.json["items"].as_array().unwrap().len(), 1);

    let anew = host.tenant("doomed").await;
    for list in ["/v1/connections", "/v1/privacy-requests"] {
        assert_eq!(anew.get(list).await.json["items"], json!([]), "{list}");
    }
    assert_eq!(operator.delete("/v1/tenants/doomed").await.status, 204);
    host.stop().await;
    let needles = Needles::new([seed::EMAIL.to_owned(), seed::CREDENTIALS.to_owned()]);
    for (path, bytes) in host.stored_files() {
        assert!(needles.found_in(&bytes).is_empty(), "{}", path.display());
    }
}

#[tokio::test]
async fn a_tenant_with_requests_that_are_not_final_goes_only_by_force_and_what_it_sends_ends() {
    let upstream = seed::upstream().await;
    let gate = Gate::new();
    let held = gate.clone();
    upstream.on("GET", "/v0/users", move |_| Reply::json(seed::ACCESS).held_by(&held));
    let host = TestHost::start().await;
    let doomed = host.tenant("doomed").await;
    furnish(&doomed, &upstream).await;
    submit(&doomed).await;
    upstream.wait_for_calls(1).await;
    let operator = host.operator_without_tenant();
    let refused = operator.delete("/v1/tenants/doomed").await;
    assert_eq!((refused.status, &refused.json["code"]), (409, &json!("in_use")));
    assert!(refused.json["detail"].as_str().unwrap().contains("1 requests"), "{}", refused.json);
    assert_eq!(doomed.get("/v1/connections").await.status, 200, "nothing has happened");
    let removed = operator.delete("/v1/tenants/doomed?force=true").await;
    assert_eq!(removed.status, 204, "{}", removed.json);
    gate.open();
    assert_eq!(doomed.get("/v1/connections").await.status, 401);
    assert_eq!(operator.get("/v1/tenants/doomed").await.status, 404);
    let ledger = operator.get("/v1/audit?ledger=host").await.json;
    let deleted = &ledger["items"][0];
    assert_eq!(deleted["event"], "tenant.deleted", "{ledger:#}");
    for (fact, count) in
        [("requests_erased", 1), ("open_requests_erased", 1), ("untold_requests_erased", 0)]
    {
        assert_eq!(
            deleted["facts"][fact].to_string().trim_matches('"'),
            count.to_string(),
            "{fact}"
        );
    }
    // Work goes on for everybody else.
    furnish(&host.operator(), &upstream).await;
    let id = submit(&host.operator()).await;
    host.wait_for_status(&id, "complete").await;
}

#[tokio::test]
async fn a_removal_that_a_crash_interrupts_is_brought_to_its_end_by_the_next_start() {
    let upstream = seed::upstream().await;
    let mut host = TestProcess::start().await;
    let operator = host.operator();
    furnish(&operator, &upstream).await;
    let id = submit(&operator).await;
    operator.wait_for_status(&id, "complete").await;
    let remaining = operator.post("/v1/tenants", &json!({ "name": "remaining" })).await;
    assert_eq!(remaining.status, 201, "{}", remaining.json);
    // Killed once it is marked, at a moment of the machine's choosing.
    let asking = operator.clone();
    let asked = tokio::spawn(async move { asking.delete("/v1/tenants/default").await });
    while operator.get("/v1/tenants/default").await.status == 200 {
        tokio::task::yield_now().await;
    }
    host.kill_and_restart().await;
    // Whoever asked may have heard the end of it, or of the host.
    let _ = asked.await;
    let operator = host.operator();
    let absent = operator.get("/v1/tenants/default").await;
    assert_eq!(absent.status, 404, "it was marked before it was killed: {}", absent.json);
    // The name is free as soon as nothing is left; asking again waits for that, or is too late.
    let again = operator.delete("/v1/tenants/default").await;
    assert!(matches!(again.status, 204 | 404), "{}", again.json);
    let made = operator.post("/v1/tenants", &json!({ "name": "default" })).await;
    assert_eq!(made.status, 201, "{}", made.json);
    for list in ["/v1/connections", "/v1/privacy-requests"] {
        assert_eq!(operator.get(list).await.json["items"], json!([]), "{list}");
    }
    assert_eq!(walk(&host.data_directory().join("packages").join("default")).len(), 0);
    let ready: Value = operator.get("/v1/tenants/remaining").await.json;
    assert_eq!(ready["name"], "remaining");
}

#[tokio::test]
async fn a_request_that_comes_with_the_removal_of_its_tenant_keeps_it_or_is_refused() {
    let upstream = seed::upstream().await;
    let gate = Gate::new();
    let held = gate.clone();
    // None of them ends while its tenant is asked about.
    upstream.on("GET", "/v0/users", move |_| Reply::json(seed::ACCESS).held_by(&held));
    let host = TestHost::start().await;
    let operator = host.operator_without_tenant();
    let (mut kept, mut removed) = (0, 0);
    for round in 0..12 {
        let name = format!("doomed-{round}");
        let tenant = host.tenant(&name).await;
        furnish(&tenant, &upstream).await;
        let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
        let submitting = async {
            for _ in 0..round % 4 {
                tokio::task::yield_now().await;
            }
            tenant.post("/v1/privacy-requests", &body).await
        };
        let path = format!("/v1/tenants/{name}");
        let (submitted, ended) = tokio::join!(submitting, operator.delete(&path));
        match (submitted.status, ended.status) {
            (202, 409) => kept += 1,
            // Refused for whatever was gone first when it was looked at.
            (400..=499, 204) => removed += 1,
            other => panic!("{other:?}: {} {}", submitted.json, ended.json),
        }
    }
    println!("{kept} were kept, {removed} removed");
    gate.open();
}

/// Every file below a directory; none when there is no directory.
fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
