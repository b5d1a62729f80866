//! The program in the hands of an author, and one project that several tests share: building a
//! connector takes its time.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::support::test_process;

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
    command.env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", target());
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
fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // `<target>/<profile>/deps/it-…`
    test.ancestors().nth(3).unwrap().join("authoring")
}

/// The project `user-service`, built. Tests must leave it as it is.
pub(super) async fn rust_project() -> &'static Path {
    static PROJECT: OnceCell<PathBuf> = OnceCell::const_new();
    PROJECT
        .get_or_init(|| async {
            let directory = target().join("projects").join("user-service");
            if directory.exists() {
                std::fs::remove_dir_all(&directory).unwrap();
            }
            let path = directory.to_str().unwrap();
            let line = ["plugin", "new", "user-service", "--directory", path];
            let made = author(&line, Path::new("/")).await;
            assert_eq!(made.code, 0, "{}", made.stderr);
            let built = author(&["plugin", "build"], &directory).await;
            assert_eq!(built.code, 0, "{}", built.stderr);
            directory
        })
        .await
}

/// The component of that project.
pub(super) async fn rust_component() -> PathBuf {
    rust_project().await.join("dist/user-service.wasm")
}
