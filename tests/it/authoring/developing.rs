//! `cordon plugin dev` against a running host, as an author uses it: a change of a source is a new
//! version that requests see, and what does not compile or breaks its cassettes changes nothing.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::project::{isolate, second_rust_project};
use crate::support::client::Client;
use crate::support::stranger;
use crate::support::test_process::TestProcess;
use crate::support::upstream::{Reply, Upstream};

/// How long a step may take: a build among them, beside other tests.
const PATIENCE: Duration = Duration::from_secs(300);

/// The statuses that the connector takes for an answer.
const LISTED: &str = "success(&[200, 404])";

/// A running `plugin dev`.
struct Developing {
    child: Child,
    steps: mpsc::UnboundedReceiver<Value>,
    /// What it and its tools say on standard error.
    said: Option<JoinHandle<String>>,
}

impl Developing {
    async fn start(host: &TestProcess, directory: &Path) -> Self {
        let mut command = host.cordon(&["--json", "plugin", "dev"]).await;
        isolate(&mut command);
        command.current_dir(directory).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (told, steps) = mpsc::unbounded_channel();
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        // Both end with the process.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // The test may be over.
                let _ = told.send(serde_json::from_str(&line).unwrap());
            }
        });
        let said = std::thread::spawn(move || {
            let mut said = String::new();
            stderr.read_to_string(&mut said).unwrap();
            said
        });
        Self { child, steps, said: Some(said) }
    }

    /// The steps up to the next one with this name.
    async fn until(&mut self, name: &str) -> Vec<Value> {
        let mut steps = Vec::new();
        loop {
            let next = tokio::time::timeout(PATIENCE, self.steps.recv()).await;
            let step = next.unwrap_or_else(|_| panic!("no {name} after {steps:?}"));
            let step = step.unwrap_or_else(|| panic!("ended without {name} after {steps:?}"));
            let last = step["step"] == name;
            steps.push(step);
            if last {
                return steps;
            }
        }
    }

    /// One round: its steps, and the last thing that was said in it.
    async fn round(&mut self, expected: &[&str]) -> String {
        let steps = self.until("watching").await;
        let names: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
        assert_eq!(names.split_last().unwrap().1, expected, "{steps:?}");
        steps[steps.len() - 2]["message"].as_str().unwrap().to_owned()
    }

    /// Ends it like the terminal does; how it ended, its last words, and what its tools said.
    async fn interrupt(mut self) -> (ExitStatus, String, String) {
        let process = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(process, Signal::INT).unwrap();
        let left = self.until("left").await.remove(0);
        let said = self.said.take().unwrap();
        let ended =
            tokio::task::spawn_blocking(move || (self.child.wait().unwrap(), said.join().unwrap()));
        let (status, said) = ended.await.unwrap();
        (status, left["message"].as_str().unwrap().to_owned(), said)
    }
}

impl Drop for Developing {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A source file, and what stood in it first.
struct Source {
    file: PathBuf,
    text: String,
}

impl Source {
    fn of(project: &Path) -> Self {
        let file = project.join("src/lib.rs");
        let text = std::fs::read_to_string(&file).unwrap();
        Self { file, text }
    }

    /// Changes what stood there first.
    fn change(&self, from: &str, to: &str) {
        let changed = self.text.replace(from, to);
        assert_ne!(changed, self.text);
        std::fs::write(&self.file, changed).unwrap();
    }
}

/// An API that has forgotten everybody, and says so.
async fn upstream() -> Upstream {
    let upstream = Upstream::start().await;
    upstream.on("GET", "/v1/contacts", |_| Reply::status(410));
    upstream
}

/// A connection of the connector under development.
async fn connect(operator: &Client, upstream: &Upstream) {
    let connection = json!({
        "key": "users", "name": "Users", "connector_type": "user_service", "mode": "live",
        "capabilities": ["privacy/access"], "config": { "origin": upstream.url("") },
    });
    let created = operator.post("/v1/connections", &connection).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let secrets = json!({ "api_key": "made-up" });
    let stored = operator.put("/v1/connections/users/secrets", &secrets).await;
    assert!(stored.status < 300, "{}", stored.json);
    stranger::grant(operator, "users").await;
}

/// The versions of the plugin that are installed; one of them, and it is active.
async fn active(operator: &Client) -> Vec<String> {
    let listed = operator.get("/v1/plugins").await.json;
    let own = listed["items"].as_array().unwrap().iter().filter(|p| p["name"] == "user-service");
    own.map(|plugin| {
        assert_eq!(plugin["active"], true, "{plugin}");
        plugin["version"].as_str().unwrap().to_owned()
    })
    .collect()
}

#[tokio::test]
async fn a_change_is_seen_by_requests_and_what_is_broken_changes_nothing() {
    let (host, upstream) = (TestProcess::start().await, upstream().await);
    let (operator, project) = (host.operator(), second_rust_project().await);
    let source = Source::of(&project);
    let mut developing = Developing::start(&host, &project).await;
    developing.round(&["built", "tested", "installed"]).await;
    assert_eq!(active(&operator).await, ["0.1.0-dev.1"]);
    connect(&operator, &upstream).await;
    let id = stranger::submit(&operator).await;
    let failed = operator.wait_for_status(&id, "error").await;
    assert_eq!(failed["tasks"][0]["failure"]["label"], "access/contacts", "{failed}");
    // What failed could be tried again, and would need the version that it began with.
    let canceled = operator.post(&format!("/v1/privacy-requests/{id}/cancel"), &json!({})).await;
    assert_eq!(canceled.status, 200, "{}", canceled.json);

    // The connector learns what the API's answer means.
    source.change(LISTED, "success(&[200, 404, 410])");
    developing.round(&["built", "tested", "installed", "removed"]).await;
    assert_eq!(active(&operator).await, ["0.1.0-dev.2"]);
    let id = stranger::submit(&operator).await;
    operator.wait_for_status(&id, "complete").await;

    // It does not compile: the version before goes on.
    source.change(LISTED, "success(200 or 404)");
    let said = developing.round(&["failed"]).await;
    assert!(said.contains("cargo failed; what it said stands above"), "{said}");
    assert_eq!(active(&operator).await, ["0.1.0-dev.2"]);
    let id = stranger::submit(&operator).await;
    operator.wait_for_status(&id, "complete").await;

    // It compiles, and is not what its cassettes say.
    source.change("/v1/contacts?email={}&", "/v2/contacts?email={}&");
    let said = developing.round(&["built", "failed"]).await;
    assert!(said.contains("+ https://contacts.example/v2/contacts?email={email}"), "{said}");
    assert_eq!(active(&operator).await, ["0.1.0-dev.2"]);

    let (status, last_words, tools) = developing.interrupt().await;
    assert!(status.success(), "{status}");
    assert!(last_words.contains("0.1.0-dev.2 stays active"), "{last_words}");
    assert!(tools.contains("success(200 or 404)"), "what the compiler said: {tools}");
}
