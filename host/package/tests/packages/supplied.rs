//! Files that a person supplied: they reach the package as they are, under safe names.

use bytes::Bytes;
use cordon_model::package::{PackageFile, Section};
use cordon_package::Options;
use serde_json::{Value, json};

use crate::support::{Host, contents, section, sha256_hex, text_of};

fn file(label: &str, name: &str, bytes: &[u8]) -> PackageFile {
    PackageFile {
        label: label.to_owned(),
        name: name.to_owned(),
        media_type: "application/pdf".to_owned(),
        bytes: Bytes::copy_from_slice(bytes),
    }
}

fn by_hand(records: &[&str], files: Vec<PackageFile>) -> Section {
    let mut section = section("paper-archive", records);
    section.plugin.name = "manual_webhook".to_owned();
    section.files = files;
    section
}

#[tokio::test]
async fn a_supplied_file_is_kept_as_it_is_and_named_by_its_label() {
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let record = r#"[{"badge":"B-17","scan":null,"note":"x"}]"#;
    let files = vec![file("scan", "../Zeugnis 1.pdf", &bytes)];
    let contents = contents(vec![by_hand(&[record], files)]);
    let files = Host::new().files(&contents).await;

    let path = "paper-archive/files/1-Zeugnis 1.pdf";
    let (_, kept) = files.iter().find(|(name, _)| name == path).expect(path);
    assert_eq!(*kept, bytes);
    assert_eq!(
        text_of(&files, "paper-archive/1.json"),
        format!(r#"{{"badge":"B-17","scan":"{path}","note":"x"}}"#)
    );
    assert_eq!(
        text_of(&files, "paper-archive/1.csv"),
        format!("badge,B-17\r\nscan,{path}\r\nnote,x\r\n")
    );
    let manifest: Value = serde_json::from_str(&text_of(&files, "manifest.json")).unwrap();
    let entries = manifest["files"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["path"] == path).unwrap();
    assert_eq!(entry["sha256"], sha256_hex(&bytes));
    assert_eq!((&entry["size"], &entry["connection"]), (&json!(70_000), &json!("paper-archive")));
    assert_eq!(entry["plugin"]["name"], "manual_webhook");
    let supplied = json!({
        "label": "scan", "name": "../Zeugnis 1.pdf", "media_type": "application/pdf",
    });
    assert_eq!(entry["supplied"], supplied);
}

#[tokio::test]
async fn files_of_one_name_stand_side_by_side_and_one_label_may_have_several() {
    let files = vec![file("scan", "a.pdf", b"1"), file("scan", "a.pdf", b"2")];
    let more = vec![file("letter", "a.pdf", b"3")];
    let contents = contents(vec![by_hand(&[], files), by_hand(&["[{}]"], more)]);
    let files = Host::new().files(&contents).await;
    for (path, expected) in [
        ("paper-archive/files/1-a.pdf", "1"),
        ("paper-archive/files/2-a.pdf", "2"),
        ("paper-archive/files/3-a.pdf", "3"),
        (
            "paper-archive/1.json",
            r#"{"scan":["paper-archive/files/1-a.pdf","paper-archive/files/2-a.pdf"]}"#,
        ),
        ("paper-archive/2.json", r#"{"letter":"paper-archive/files/3-a.pdf"}"#),
    ] {
        assert_eq!(text_of(&files, path), expected, "{path}");
    }
}

#[tokio::test]
async fn only_the_first_record_of_an_answer_names_its_files() {
    let record = r#"[{"a":1},{"a":2}]"#;
    let contents = contents(vec![by_hand(&[record], vec![file("scan", "x", b"")])]);
    let files = Host::new().files(&contents).await;
    let first = r#"{"a":1,"scan":"paper-archive/files/1-x"}"#;
    assert_eq!(text_of(&files, "paper-archive/1.json"), first);
    assert_eq!(text_of(&files, "paper-archive/2.json"), r#"{"a":2}"#);
}

#[tokio::test]
async fn supplied_files_count_against_the_limits_of_the_package() {
    let files = vec![file("scan", "a.pdf", &[0; 20_000])];
    let contents = contents(vec![by_hand(&[], files)]);
    let host = Host::with_options(Options { bytes_max: 20_000, ..Options::default() });
    let error = host.put(&contents).await.unwrap_err();
    assert!(error.to_string().contains("more than 20000 bytes"), "{error}");
    assert_eq!(host.objects(), 0);
}

#[test]
fn debug_shows_neither_name_nor_content_of_a_file() {
    let text = format!("{:?}", file("scan", "passport of P.pdf", b"secret"));
    assert_eq!(text, "PackageFile(6 bytes)");
}
