//! The program in the hands of an author, and one project that several tests share: building a
//! connector takes its time.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::support::{target, test_process};

/// How a command ended.
pub(super) struct Ran {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ran {
    pub(super) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// `cordon` with these arguments, in a directory.
pub(super) async fn author(arguments: &[&str], directory: &Path) -> Ran {
    let mut command = test_process::command().await;
    command.args(arguments).current_dir(directory);
    isolate(&mut command);
    ran(command).await
}

/// Another program, as the author's terminal would run it.
pub(super) async fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    isolate(&mut command);
    command
}

/// Runs it to its end.
pub(super) async fn ran(mut command: Command) -> Ran {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Without what the cargo that runs these tests set for itself; one directory for everything that
/// is compiled here, and no network.
pub(super) fn isolate(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if is_cargos(&name) {
            command.env_remove(name);
        }
    }
    command.env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", compiled());
}

fn is_cargos(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    let kept = ["CARGO_HOME"];
    !kept.contains(&name.as_ref())
        && (name.starts_with("CARGO")
            || name.starts_with("RUSTFLAGS")
            || name == "LLVM_PROFILE_FILE")
}

/// `<target>/authoring`.
fn compiled() -> PathBuf {
    target::directory().join("authoring")
}

/// The project `user-service`, built. Tests must leave it as it is.
pub(super) async fn rust_project() -> &'static Path {
    static PROJECT: OnceCell<PathBuf> = OnceCell::const_new();
    PROJECT
        .get_or_init(|| async {
            let place = tempfile::tempdir().unwrap();
            let made = author(&["plugin", "new", "user-service"], place.path()).await;
            assert_eq!(made.code, 0, "{}", made.stderr);
            // Always in the same place: what cargo compiled for it the last time is good for it
            // still, as far as nothing changed.
            let directory = compiled().join("projects").join("user-service");
            put(&place.path().join("user-service"), &directory);
            let built = author(&["plugin", "build"], &directory).await;
            assert_eq!(built.code, 0, "{}", built.stderr);
            // Other projects have a library of this name, too.
            let module = compiled().join("wasm32-unknown-unknown/release/connector.wasm");
            std::fs::copy(module, kept_module()).unwrap();
            directory
        })
        .await
}

/// The component of that project.
pub(super) async fn rust_component() -> PathBuf {
    rust_project().await.join("dist/user-service.wasm")
}

/// The module that cargo makes of a connector's library, before it is a component.
pub(super) async fn rust_module() -> PathBuf {
    rust_project().await;
    kept_module()
}

fn kept_module() -> PathBuf {
    compiled().join("projects/connector.wasm")
}

/// A second project like it, as it was before it was built, in a place of its own that is always
/// the same. Its SDK is that of the first one, which is compiled.
pub(super) async fn second_rust_project() -> PathBuf {
    let (first, directory) = (rust_project().await, compiled().join("projects/developing"));
    let place = tempfile::tempdir().unwrap();
    put(first, place.path());
    for made in ["dist", "sdk"] {
        std::fs::remove_dir_all(place.path().join(made)).unwrap();
    }
    let manifest = place.path().join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let sdk = Value::from(first.join("sdk").to_str().unwrap()).to_string();
    let shared = text.replace("\"sdk\"", &sdk);
    assert_ne!(shared, text);
    std::fs::write(manifest, shared).unwrap();
    put(place.path(), &directory);
    directory
}

/// Makes a directory hold what another one holds, and nothing else; leaves alone what is the same
/// already.
fn put(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(to).unwrap() {
        let entry = entry.unwrap();
        if !from.join(entry.file_name()).exists() {
            if entry.file_type().unwrap().is_dir() {
                std::fs::remove_dir_all(entry.path()).unwrap();
            } else {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
    }
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            put(&entry.path(), &target);
        } else {
            let content = std::fs::read(entry.path()).unwrap();
            if std::fs::read(&target).ok().as_ref() != Some(&content) {
                std::fs::write(target, content).unwrap();
            }
        }
    }
}
