//! The real program in a process of its own, which can be killed.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use cordon_runtime::CompilerProcess;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::client::Client;
use super::target;

/// The user and the group that own nothing.
const NOBODY: u32 = 65_534;
/// How long a start may take. Far more than it does: tests share the machine with a compiler.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `cordon serve` on a directory that is removed with it.
pub(crate) struct TestProcess {
    directory: TempDir,
    environment: Vec<(String, String)>,
    child: Child,
    address: String,
    /// Everything it wrote to standard error, over all its starts.
    lines: Arc<Mutex<Vec<String>>>,
}

impl TestProcess {
    /// Starts it; returns when it listens.
    pub(crate) async fn start() -> Self {
        Self::start_in(&[]).await
    }

    /// The same, with these variables in its environment.
    pub(crate) async fn start_in(environment: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment: Vec<_> = environment.iter().map(owned).collect();
        let lines = Arc::default();
        let (child, address) = spawn(directory.path(), &environment, &lines).await;
        Self { directory, environment, child, address, lines }
    }

    /// Kills it with SIGKILL and starts it again on the same directory, on another port.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.kill();
        (self.child, self.address) =
            spawn(self.directory.path(), &self.environment, &self.lines).await;
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The number under which the system knows it.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Every line that it logged so far.
    pub(crate) fn logged(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Everything it remembers.
    pub(crate) fn data_directory(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The command line, talking to this process as its operator, for the tenant `default`.
    pub(crate) async fn cordon(&self, arguments: &[&str]) -> Command {
        let mut command = command().await;
        command
            .args(arguments)
            .env("CORDON_SERVER", format!("http://{}", self.address))
            .env("CORDON_KEY_FILE", self.data_directory().join("operator.key"))
            .env("CORDON_TENANT", "default")
            .stdin(Stdio::null());
        command
    }

    /// The operator, acting for the tenant `default`.
    pub(crate) fn operator(&self) -> Client {
        self.operator_for(Some("default"))
    }

    /// The operator, acting for nobody in particular.
    pub(crate) fn operator_without_tenant(&self) -> Client {
        self.operator_for(None)
    }

    fn operator_for(&self, tenant: Option<&str>) -> Client {
        let key = std::fs::read_to_string(self.directory.path().join("data/operator.key")).unwrap();
        let server = format!("http://{}", self.address);
        Client::new(&server, Some(key.trim()), tenant)
    }
}

impl Drop for TestProcess {
    fn drop(&mut self) {
        // It may be gone already; a test that ends has no more use for it either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the program where it must refuse to start; what it said. Fails unless it exits with 1.
pub(crate) async fn refused_start(data: impl AsRef<Path>, more: &[&str]) -> String {
    let mut command = command().await;
    command.args(["serve", "--data"]).arg(data.as_ref()).args(more);
    if !more.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    refused(command).await
}

/// The same, by a user who owns nothing. Needs root.
pub(crate) async fn refused_start_of_nobody(data: &Path) -> String {
    let program = tokio::task::spawn_blocking(program).await.unwrap();
    // Where the program lies may be nobody's business.
    let copied = data.parent().unwrap().join("cordon");
    std::fs::copy(program, &copied).unwrap();
    let mut command = Command::new(copied);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    command.env_clear().current_dir("/").uid(NOBODY).gid(NOBODY);
    refused(command).await
}

async fn refused(mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    stderr
}

/// The program, with nothing of Cordon's in its environment.
pub(crate) async fn command() -> Command {
    let program = tokio::task::spawn_blocking(program).await.unwrap();
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CORDON_") {
            command.env_remove(name);
        }
    }
    command
}

async fn spawn(
    directory: &Path,
    environment: &[(String, String)],
    lines: &Arc<Mutex<Vec<String>>>,
) -> (Child, String) {
    let mut child = command()
        .await
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(directory.join("data"))
        .env("CORDON_LOG_FORMAT", "json")
        .env("CORDON_EGRESS_DEVELOPMENT_NETWORKS", "127.0.0.0/8,::1/128")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (listening, address) = oneshot::channel();
    let (stderr, kept) = (child.stderr.take().unwrap(), Arc::clone(lines));
    // Ends with the process. Reads to the end, so that a full pipe never holds the process up.
    std::thread::spawn(move || {
        let mut listening = Some(listening);
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some(address) = address_in(&line)
                && let Some(listening) = listening.take()
            {
                // The test may have given up waiting.
                let _ = listening.send(address);
            }
            kept.lock().unwrap().push(line);
        }
    });
    match tokio::time::timeout(PATIENCE, address).await {
        Ok(Ok(address)) => (child, address),
        _ => {
            let _ = child.kill();
            panic!("it does not listen: {}", lines.lock().unwrap().join("\n"));
        }
    }
}

/// The address in the line that says that the host listens.
fn address_in(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let is_it = line["message"] == "listening";
    is_it.then(|| line["address"].as_str().map(str::to_owned)).flatten()
}

/// The program as the compiler of a host in the test's own process.
pub(crate) async fn compiler() -> CompilerProcess {
    let program = tokio::task::spawn_blocking(program).await.unwrap();
    CompilerProcess { program: program.to_owned(), arguments: vec!["compile-component".to_owned()] }
}

/// The program, built once: cargo builds a dependency's library for a test, not its binary.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let profile_directory = target::of_profile();
        let profile = match profile_directory.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            other => other,
        };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            // The whole workspace, so that dependencies have the features they have for the tests
            // and none is compiled a second time.
            .args(["build", "--bin", "cordon", "--profile", profile])
            .arg("--target-dir")
            .arg(target::directory())
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
            .status()
            .unwrap();
        assert!(status.success(), "the program does not build");
        profile_directory.join("cordon")
    })
}
