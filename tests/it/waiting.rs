//! Waiting is not a state of a process: a thousand requests outlast twenty kills and eight days.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cordon_cli::config::Config;
use cordon_cli::host::Host;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::client::Client;
use crate::support::manual::{ARCHIVE, POLICY, Part, ask_by, give_form, input_of, link};
use crate::support::manual_clock::ManualClock;
use crate::support::package::unzip;
use crate::support::seed;
use crate::support::test_process::TestProcess;

const REQUESTS: usize = 1000;
const KILLS: u32 = 20;
/// Callers at the same time.
const CALLERS: usize = 16;
/// How long all of them together may take for one step. Far more than they do.
const PATIENCE: Duration = Duration::from_secs(300);

/// Has every item done by one of a few callers; what came out, in no order.
async fn by_many<I, T, F>(
    operator: &Client,
    items: impl IntoIterator<Item = I>,
    work: impl Fn(Client, I) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (mut callers, mut done) = (JoinSet::new(), Vec::new());
    for item in items {
        if callers.len() == CALLERS {
            done.push(callers.join_next().await.unwrap().unwrap());
        }
        callers.spawn(work(operator.clone(), item));
    }
    done.extend(callers.join_all().await);
    done
}

async fn submit(operator: Client) -> String {
    let body = json!({ "policy": POLICY, "identities": { "email": seed::EMAIL } });
    let accepted = operator.post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    accepted.json["id"].as_str().unwrap().to_owned()
}

async fn answer(operator: Client, id: String) {
    let given = operator.put(&input_of(&id, ARCHIVE), &json!({ "badge": id })).await;
    assert_eq!(given.status, 200, "{}", given.json);
}

/// How many requests are in this status.
async fn count(operator: &Client, status: &str) -> usize {
    let (mut count, mut cursor) = (0, String::new());
    loop {
        let path = format!("/v1/privacy-requests?status={status}&limit=200{cursor}");
        let page = operator.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.json);
        count += page.json["items"].as_array().unwrap().len();
        match &page.json["next_cursor"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => return count,
        }
    }
}

/// Waits until nothing is at work any more.
async fn wait_until_all_rest(operator: &Client) {
    let began = Instant::now();
    while count(operator, "approved").await + count(operator, "in_processing").await > 0 {
        assert!(began.elapsed() < PATIENCE, "they are still at work");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn figure(name: &str, began: Instant, steps: u32) {
    let per = began.elapsed().as_secs_f64() * 1000.0 / f64::from(steps);
    println!("FIGURE waiting {name} {per:.2} ms each, {steps} of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_requests_wait_through_twenty_kills_and_eight_days_and_complete_after_input() {
    let requests = u32::try_from(REQUESTS).unwrap();
    let mut process = TestProcess::start().await;
    let operator = process.operator();
    ask_by(&operator, &[ARCHIVE], true).await;
    let began = Instant::now();
    let ids = by_many(&operator, 0..REQUESTS, |operator, _| submit(operator)).await;
    figure("submitted", began, requests);
    wait_until_all_rest(&operator).await;
    figure("submitted and waiting", began, requests);

    let began = Instant::now();
    for _ in 0..KILLS {
        process.kill_and_restart().await;
    }
    figure("killed and started again", began, KILLS);
    let began = Instant::now();
    assert_eq!(count(&process.operator(), "requires_input").await, REQUESTS);
    figure("listed", began, requests);
    process.kill();

    let clock = Arc::new(ManualClock::default());
    clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    let mut config = Config::new(process.data_directory());
    config.listen.set_port(0);
    let began = Instant::now();
    let host = Host::start(config, clock).await.unwrap();
    figure("started eight days later", began, 1);
    let key = std::fs::read_to_string(host.operator_key_path()).unwrap();
    let server = format!("http://{}", host.address());
    let operator = Client::new(&server, Some(key.trim()), Some("default"));
    // A later request came to wait: the scheduler went through everything that is due.
    let later = submit(operator.clone()).await;
    operator.wait_for_status(&later, "requires_input").await;
    assert_eq!(count(&operator, "requires_input").await, REQUESTS + 1, "nothing has changed");

    let began = Instant::now();
    by_many(&operator, ids.clone(), answer).await;
    figure("answered", began, requests);
    wait_until_all_rest(&operator).await;
    figure("answered and complete", began, requests);
    assert_eq!(count(&operator, "complete").await, REQUESTS);
    for id in ids.iter().step_by(100) {
        let package = operator.get_bytes(&format!("/v1/privacy-requests/{id}/package")).await;
        let record: Value =
            serde_json::from_slice(&unzip(package)["paper-archive/1.json"]).unwrap();
        assert_eq!(record["badge"], *id, "each its own");
    }
    assert_eq!(count(&operator, "requires_input").await, 1);
    host.stop().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_was_acknowledged_outlasts_a_kill_with_its_file() {
    let mut process = TestProcess::start().await;
    ask_by(&process.operator(), &[ARCHIVE], false).await;
    let fields = json!([{ "pii_field": "Scan", "types": ["file"] }]);
    let webhook = json!({ "fields": fields });
    link(&process.operator(), POLICY, ARCHIVE, &webhook).await;
    let id = submit(process.operator()).await;
    process.operator().wait_for_status(&id, "requires_input").await;
    let scan = b"%PDF".repeat(50_000);
    let parts: [Part<'_>; 1] = [("scan", Some(("scan.pdf", "application/pdf")), &scan)];
    let path = input_of(&id, ARCHIVE);
    let given = give_form(&process.operator(), &path, &parts).await;
    assert_eq!(given.status, 200, "{}", given.json);
    process.kill_and_restart().await;
    let resume = format!("/v1/privacy-requests/{id}/resume");
    assert_eq!(process.operator().post(&resume, &json!({})).await.status, 200);
    process.kill_and_restart().await;
    process.operator().wait_for_status(&id, "complete").await;
    let package = format!("/v1/privacy-requests/{id}/package");
    let files = unzip(process.operator().get_bytes(&package).await);
    assert!(files.values().any(|file| *file == scan));
}
