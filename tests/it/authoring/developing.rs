//! `cordon plugin dev` against a running host: a change of a source is a new version, active and
//! tested, and the one before is gone.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

use super::project::{isolate, rust_project};
use crate::support::test_process::TestProcess;

/// How long a step may take: a build among them, beside other tests.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running `plugin dev`.
struct Developing {
    child: Child,
    steps: mpsc::UnboundedReceiver<Value>,
}

impl Developing {
    async fn start(host: &TestProcess, directory: &Path) -> Self {
        let mut command = host.cordon(&["--json", "plugin", "dev"]).await;
        isolate(&mut command);
        command.current_dir(directory).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (told, steps) = mpsc::unbounded_channel();
        let stdout = child.stdout.take().unwrap();
        // Ends with the process.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // The test may be over.
                let _ = told.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, steps }
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
}

impl Drop for Developing {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn names(steps: &[Value]) -> Vec<&str> {
    steps.iter().map(|step| step["step"].as_str().unwrap()).collect()
}

/// A copy of the project without what was built.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != "dist" {
                copy(&entry.path(), &target);
            }
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_change_is_built_tested_installed_and_takes_the_place_of_the_one_before() {
    let host = TestProcess::start().await;
    let place = tempfile::tempdir().unwrap();
    let project = place.path().join("user-service");
    copy(rust_project().await, &project);
    let mut developing = Developing::start(&host, &project).await;
    let steps = developing.until("watching").await;
    assert_eq!(names(&steps), ["built", "tested", "installed", "watching"], "{steps:?}");
    assert_eq!(active(&host).await, ["0.1.0-dev.1"]);

    let source = project.join("src/lib.rs");
    let text = std::fs::read_to_string(&source).unwrap();
    let changed = text.replace("\"User service\"", "\"Users, and more of them\"");
    assert_ne!(changed, text);
    std::fs::write(&source, changed).unwrap();
    let steps = developing.until("watching").await;
    assert_eq!(names(&steps), ["built", "tested", "installed", "removed", "watching"], "{steps:?}");
    assert_eq!(active(&host).await, ["0.1.0-dev.2"]);

    // What breaks its cassettes is not installed.
    std::fs::write(&source, text.replace("/v1/contacts?email={}&", "/v2/contacts?email={}&"))
        .unwrap();
    let steps = developing.until("watching").await;
    assert_eq!(names(&steps), ["built", "failed", "watching"], "{steps:?}");
    assert_eq!(active(&host).await, ["0.1.0-dev.2"]);

    let id = i32::try_from(developing.child.id()).unwrap();
    let process = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    let steps = developing.until("left").await;
    assert!(
        steps[0]["message"].as_str().unwrap().contains("0.1.0-dev.2 stays active"),
        "{steps:?}"
    );
    let ended = tokio::task::spawn_blocking(move || developing.child.wait().unwrap());
    assert!(ended.await.unwrap().success());
}

/// The versions of the plugin that are installed; one of them, and it is active.
async fn active(host: &TestProcess) -> Vec<String> {
    let listed = host.operator().get("/v1/plugins").await.json;
    let own = listed["items"].as_array().unwrap().iter().filter(|p| p["name"] == "user-service");
    own.map(|plugin| {
        assert_eq!(plugin["active"], true, "{plugin}");
        plugin["version"].as_str().unwrap().to_owned()
    })
    .collect()
}
