//! What is written, without building it.

use super::*;

fn text<'f>(files: &'f [(String, String)], path: &str) -> &'f str {
    let found = files.iter().find(|(known, _)| known == path);
    &found.unwrap_or_else(|| panic!("no {path}")).1
}

#[test]
fn every_project_has_what_its_commands_look_for_and_no_mark_is_left() {
    for (language, own) in [
        (
            Language::Rust,
            &["Cargo.toml", "src/lib.rs", "sdk/Cargo.toml", "sdk/wit/connector.wit"][..],
        ),
        (Language::JavaScript, &["package.json", "connector.js", "build.mjs", "wit/connector.wit"]),
        (Language::Python, &["pyproject.toml", "connector.py", "requirements.txt"]),
    ] {
        let files = files("user-service", language);
        for path in own.iter().chain(&["README.md", ".gitignore", "connection.json"]) {
            text(&files, path);
        }
        assert!(text(&files, "cassettes/access.json").contains("\"user_service\""));
        let connection: serde_json::Value =
            serde_json::from_str(text(&files, "connection.json")).unwrap();
        assert_eq!(
            (&connection["key"], &connection["name"]),
            (&"user-service".into(), &"User service".into())
        );
        for (path, text) in &files {
            let marked = ["@NAME@", "@TYPE@", "@TITLE@"].iter().any(|mark| text.contains(mark));
            assert!(!marked, "{path}");
        }
    }
}

#[test]
fn the_embedded_sdk_inherits_nothing() {
    let files = files("crm", Language::Rust);
    let manifest: toml::Table = text(&files, "sdk/Cargo.toml").parse().unwrap();
    assert!(!format!("{manifest:?}").contains("workspace"), "{manifest:?}");
    assert!(text(&files, "sdk/src/bindings.rs").contains("path: \"wit\""));
}

#[test]
fn a_connector_type_is_made_of_any_name() {
    assert_eq!(connector_type("user-service"), "user_service");
    assert_eq!(connector_type("7z"), "c_7z");
    assert_eq!(connector_type(&"9".repeat(64)).len(), 64);
    assert_eq!(title("user-service"), "User service");
}

#[test]
fn a_directory_that_holds_something_is_left_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("crm");
    std::fs::create_dir(&directory).unwrap();
    write(&directory, &files("crm", Language::Python)).unwrap();
    let before = std::fs::read_dir(&directory).unwrap().count();
    let error = write(&directory, &files("crm", Language::Rust)).unwrap_err();
    assert!(format!("{error:#}").contains("not empty"), "{error:#}");
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), before);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1, "nothing is left beside it");
}
