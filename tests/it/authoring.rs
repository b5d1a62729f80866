//! The author of a connector at work: the real program, from an empty directory to a component
//! that does what its cassettes say.

mod cassettes;
mod developing;
mod languages;
mod project;
mod recording;
mod segments;
mod toolchain;

use std::path::Path;

use serde_json::Value;

use self::project::{author, ran, rust_project};

#[tokio::test]
async fn a_new_connector_in_rust_builds_and_passes_its_own_tests_and_cassettes() {
    let project = rust_project().await;
    let mut cargo = project::command("cargo").await;
    cargo.args(["test", "--quiet"]).current_dir(project);
    let tested = ran(cargo).await;
    assert_eq!(tested.code, 0, "{}", tested.stderr);
    assert!(tested.stdout.contains("test result: ok"), "{}", tested.stdout);
    let played = author(&["plugin", "test"], project).await;
    assert_eq!(played.code, 0, "{}{}", played.stdout, played.stderr);
    let lines: Vec<&str> = played.stdout.lines().collect();
    let expected = ["access.json  2 exchanges", "delete.json  2 exchanges", "unavailable.json"];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, end) in lines.iter().zip(expected) {
        assert!(line.starts_with("ok      ") && line.contains(end), "{line}");
    }
}

#[tokio::test]
async fn what_is_built_says_what_it_is_and_is_inspected_as_it_is() {
    let project = rust_project().await;
    let built = author(&["--json", "plugin", "build"], project).await.json();
    let component = project.join("dist/user-service.wasm");
    assert_eq!(Path::new(built["component"].as_str().unwrap()), component.canonicalize().unwrap());
    let path = component.to_str().unwrap();
    let line = ["--json", "plugin", "inspect", path, "--config", "connection.json"];
    let inspected = author(&line, project).await.json();
    for name in ["name", "version", "digest", "size", "imports"] {
        assert_eq!(built[name], inspected[name], "{name}");
    }
    assert_eq!((&built["name"], &built["version"]), (&"user-service".into(), &"0.1.0".into()));
    assert_eq!(inspected["connector_type"], "user_service");
    let imports = built["imports"].as_array().unwrap();
    let own = |import: &Value| import.as_str().unwrap().starts_with("cordon:connector/");
    assert!(!imports.is_empty() && imports.iter().all(own), "{imports:?}");
    assert_eq!(inspected["config"]["problems"], serde_json::json!([]));
    for figure in ["describe_us", "validate_us", "memory_bytes", "calls"] {
        assert!(inspected["this_machine"][figure].as_u64().unwrap() > 0, "{figure}");
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_said_with_the_remedy_and_the_right_exit_code() {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("full")).unwrap();
    std::fs::write(place.path().join("full/file"), "x").unwrap();
    for (line, code, said) in [
        (&["new", "User Service"][..], 2, "a-z, 0-9, '_' and '-'"),
        (&["new", "-x"], 2, "-x"),
        (&["new", "crm", "--lang", "cobol"], 2, "cobol"),
        (&["new", "crm", "--directory", "full"], 1, "is not empty"),
        (&["new", "7z"], 1, "begins with a letter"),
        (&["build"], 1, "is no connector's project: it has none of Cargo.toml"),
        (&["test", "absent.wasm", "--cassette", "x.json"], 1, "absent.wasm cannot be read"),
        (&["test", "--record"], 2, "--connection"),
        (&["test", "--keep", "/x"], 2, "--record"),
    ] {
        let line = [&["plugin"][..], line].concat();
        let ran = author(&line, place.path()).await;
        assert_eq!(ran.code, code, "{line:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{line:?}: {}", ran.stderr);
    }
    let made = author(&["plugin", "new", "crm", "--lang", "python"], place.path()).await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    let unbuilt = author(&["plugin", "test", "crm"], place.path()).await;
    assert_eq!(unbuilt.code, 1);
    assert!(unbuilt.stderr.contains("run: cordon plugin build"), "{}", unbuilt.stderr);
    let mut names: Vec<_> =
        std::fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["crm", "full"], "nothing half written is left");
}
