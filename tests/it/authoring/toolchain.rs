//! `cordon plugin build` where the toolchain lacks what connectors are compiled to. The toolchain
//! is made of scripts: no test takes anything away from the one of the machine.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::project::{Ran, isolate, ran, rust_module};
use crate::support::test_process;

/// Says where its libraries would be.
const RUSTC: &str = "echo \"$TOOLS/libraries\"";
/// Answers like cargo when it has made a module.
const CARGO: &str = r#"echo '{"reason":"compiler-artifact","filenames":["'"$MODULE"'"]}'"#;
/// Adds a target.
const RUSTUP: &str = "mkdir \"$TOOLS/libraries\"";

/// An author's machine.
struct Machine(TempDir);

impl Machine {
    /// With a toolchain that has no target, a project, and no rustup.
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(machine.0.path().join("tools")).unwrap();
        std::fs::create_dir(machine.0.path().join("project")).unwrap();
        let manifest = "[package]\nname = \"crm\"\nversion = \"1.0.0\"\n";
        std::fs::write(machine.0.path().join("project/Cargo.toml"), manifest).unwrap();
        machine.with("rustc", RUSTC).with("cargo", CARGO)
    }

    /// With a tool, which writes down how it is called and then does this.
    fn with(self, name: &str, script: &str) -> Self {
        let file = self.tools().join(name);
        let script = format!("#!/bin/sh\necho \"{name} $*\" >> \"$TOOLS/calls\"\n{script}\n");
        std::fs::write(&file, script).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn tools(&self) -> std::path::PathBuf {
        self.0.path().join("tools")
    }

    async fn build(&self) -> Ran {
        let module = rust_module().await;
        let mut command = test_process::command().await;
        isolate(&mut command);
        // The tools of this machine are out of sight, but for what the scripts are made of.
        let mut path = OsString::from(self.tools());
        path.push(":/usr/bin:/bin");
        command.env("PATH", path).env("TOOLS", self.tools()).env("MODULE", module);
        command.args(["plugin", "build"]).current_dir(self.0.path().join("project"));
        ran(command).await
    }

    /// How tools were called, but for questions to the compiler.
    fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.tools().join("calls")).unwrap();
        let asked = |line: &&str| line.starts_with("rustc ");
        calls.lines().filter(|line| !asked(line)).map(str::to_owned).collect()
    }

    fn component(&self) -> std::path::PathBuf {
        self.0.path().join("project/dist/crm.wasm")
    }
}

/// Whether the machine has a rustup where the scripts' tools are: it would be asked.
fn rustup_is_everywhere() -> bool {
    ["/usr/bin/rustup", "/bin/rustup"].into_iter().any(|file| Path::new(file).exists())
}

#[tokio::test]
async fn a_missing_target_is_added_before_anything_is_compiled() {
    let machine = Machine::new().with("rustup", RUSTUP);
    let built = machine.build().await;
    assert_eq!(built.code, 0, "{}{}", built.stdout, built.stderr);
    let calls = machine.calls();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert_eq!(calls[0], "rustup target add wasm32-unknown-unknown");
    assert!(calls[1].starts_with("cargo build --release --target wasm32-unknown-unknown"));
    assert!(machine.component().is_file());
}

#[tokio::test]
async fn a_target_that_is_there_is_not_added() {
    let machine = Machine::new().with("rustup", RUSTUP);
    std::fs::create_dir(machine.tools().join("libraries")).unwrap();
    let built = machine.build().await;
    assert_eq!(built.code, 0, "{}{}", built.stdout, built.stderr);
    assert!(machine.calls().iter().all(|call| call.starts_with("cargo ")), "{:?}", machine.calls());
}

#[tokio::test]
async fn a_target_that_cannot_be_added_is_said_with_the_remedy_and_nothing_is_compiled() {
    let mut machines = vec![Machine::new().with("rustup", "echo offline >&2; exit 1")];
    if !rustup_is_everywhere() {
        machines.push(Machine::new());
    }
    for machine in machines {
        let built = machine.build().await;
        assert_eq!(built.code, 1, "{}", built.stdout);
        let remedy = "the toolchain cannot compile to wasm32-unknown-unknown; run: rustup target \
                      add wasm32-unknown-unknown";
        assert!(built.stderr.contains(remedy), "{}", built.stderr);
        let called = std::fs::read_to_string(machine.tools().join("calls")).unwrap();
        assert!(!called.contains("cargo "), "{called}");
        assert!(!machine.component().exists());
    }
}
