//! Packages as a caller of the port sees them: made, put, read back, in real directories.

#![cfg(test)]

mod page;
mod supplied;
mod support;
mod tools;

use cordon_model::json::{Json, Shape};
use cordon_model::package::{FoundIdentity, Omission};
use cordon_model::port::{PackageError, Packages as _};
use cordon_package::Options;
use proptest::prelude::*;
use serde_json::json;
use support::{Host, SEED_ACCESS, contents, section, sha256_hex, text_of, unzip};

#[tokio::test]
async fn the_example_of_the_document_gives_two_files_with_its_ten_rows() {
    let host = Host::new();
    let contents = contents(vec![section("user-service", &[SEED_ACCESS])]);
    let package = host.put(&contents).await.unwrap();
    let zip = host.packages.get(&contents.tenant, contents.request, &package).await.unwrap();
    let files = unzip(&zip);
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "user-service/1.csv",
            "user-service/1.json",
            "user-service/2.csv",
            "user-service/2.json",
            "index.html",
            "manifest.json",
        ]
    );
    assert_eq!(
        text_of(&files, "user-service/1.csv"),
        "first_name,Peter\r\nlast_name,Gibbons\r\ncompany,Initech\r\n\
         friends_0,Samir\r\nfriends_1,Michael\r\n"
    );
    assert_eq!(
        text_of(&files, "user-service/2.csv"),
        "address_type,Home\r\naddress_street,191 N. Lamar\r\naddress_city,Flander\r\n\
         address_state,Illinois\r\naddress_zip_code,77070\r\n"
    );
    assert_eq!(
        text_of(&files, "user-service/1.json"),
        r#"{"first_name":"Peter","last_name":"Gibbons","company":"Initech","friends":["Samir","Michael"]}"#
    );
    assert_eq!(package.files, 6);
    assert_eq!(package.size, zip.len() as u64);
    assert_eq!(package.sha256, sha256_hex(&zip));
    assert_eq!(package.object_key, format!("acme/{}/{}.zip", contents.request, package.sha256));
}

#[tokio::test]
async fn the_manifest_says_what_each_file_is_and_what_is_missing() {
    let host = Host::new();
    let mut contents = contents(vec![section("crm", &[r#"[{"a":1}]"#])]);
    contents.external_id = Some("case-7".to_owned());
    contents.omissions = vec![Omission {
        connection: Some("billing".parse().unwrap()),
        task: None,
        code: "missing_placeholder".to_owned(),
        detail: "no user_id is known".to_owned(),
    }];
    let package = host.put(&contents).await.unwrap();
    let zip = host.packages.get(&contents.tenant, contents.request, &package).await.unwrap();
    let files = unzip(&zip);
    let manifest: serde_json::Value =
        serde_json::from_str(&text_of(&files, "manifest.json")).unwrap();
    let plugin = json!({
        "name": "api_proxy",
        "version": "0.1.0",
        "digest": contents.sections[0].plugin.digest.to_string(),
    });
    let file = |path: &str| {
        let text = text_of(&files, path);
        json!({
            "path": path,
            "sha256": sha256_hex(text.as_bytes()),
            "size": text.len(),
            "connection": "crm",
            "plugin": plugin,
        })
    };
    let page = text_of(&files, "index.html");
    let page = json!({
        "path": "index.html",
        "sha256": sha256_hex(page.as_bytes()),
        "size": page.len(),
    });
    assert_eq!(
        manifest,
        json!({
            "format_version": 1,
            "request_id": contents.request.to_string(),
            "tenant": "acme",
            "policy": "access",
            "external_id": "case-7",
            "submitted_at": "2026-03-01T09:30:00Z",
            "files": [file("crm/1.csv"), file("crm/1.json"), page],
            "omissions": [{
                "connection": "billing",
                "task_id": null,
                "code": "missing_placeholder",
                "detail": "no user_id is known",
            }],
        })
    );
}

#[tokio::test]
async fn found_identities_are_a_file_of_their_own_even_when_there_are_none() {
    let host = Host::new();
    let mut contents = contents(Vec::new());
    for (identities, expected) in [
        (Vec::new(), json!([])),
        (
            vec![FoundIdentity {
                connection: "crm".parse().unwrap(),
                kind: "user_id".parse().unwrap(),
                value: "3ef6159b".to_owned(),
            }],
            json!([{"kind": "user_id", "value": "3ef6159b", "connection": "crm"}]),
        ),
    ] {
        contents.identities = Some(identities);
        let package = host.put(&contents).await.unwrap();
        let zip = host.packages.get(&contents.tenant, contents.request, &package).await.unwrap();
        let text = text_of(&unzip(&zip), "identities.json");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), expected);
        assert_eq!(package.files, 3);
    }
}

#[tokio::test]
async fn records_are_numbered_over_all_answers_of_a_connection() {
    let host = Host::new();
    let contents = contents(vec![
        section("crm", &[r#"[{"a":1}]"#, "[]", r#"[{"a":2}]"#]),
        section("billing", &[r#"[{"b":1}]"#]),
        section("crm", &[r#"[{"a":3}]"#]),
    ]);
    let package = host.put(&contents).await.unwrap();
    let zip = host.packages.get(&contents.tenant, contents.request, &package).await.unwrap();
    let files = unzip(&zip);
    for (path, expected) in [
        ("crm/1.json", r#"{"a":1}"#),
        ("crm/2.json", r#"{"a":2}"#),
        ("billing/1.json", r#"{"b":1}"#),
        ("crm/3.json", r#"{"a":3}"#),
    ] {
        assert_eq!(text_of(&files, path), expected);
    }
    assert_eq!(package.files, 10);
}

#[tokio::test]
async fn the_same_contents_make_the_same_bytes_on_any_host() {
    let contents = contents(vec![section("crm", &[SEED_ACCESS])]);
    let (first, second) = (Host::new(), Host::new());
    let package = first.put(&contents).await.unwrap();
    assert_eq!(second.put(&contents).await.unwrap(), package);
    let (tenant, request) = (&contents.tenant, contents.request);
    assert_eq!(
        first.packages.get(tenant, request, &package).await.unwrap(),
        second.packages.get(tenant, request, &package).await.unwrap()
    );
}

#[tokio::test]
async fn a_package_put_twice_is_one_object() {
    let host = Host::new();
    let mut contents = contents(vec![section("crm", &[SEED_ACCESS])]);
    let first = host.put(&contents).await.unwrap();
    let stored = host.stored(&first);
    assert_eq!(host.put(&contents).await.unwrap(), first);
    assert_eq!(host.stored(&first), stored, "it was not written again");
    assert_eq!(host.objects(), 1);

    contents.sections.push(section("billing", &["[{}]"]));
    let second = host.put(&contents).await.unwrap();
    assert_ne!(second.object_key, first.object_key);
    assert_eq!(host.stored(&first), stored);
    assert_eq!(host.objects(), 2);
}

#[tokio::test]
async fn what_is_stored_shows_neither_values_nor_names() {
    let host = Host::new();
    let contents = contents(vec![section("user-service", &[SEED_ACCESS])]);
    let package = host.put(&contents).await.unwrap();
    let stored = host.stored(&package);
    assert!(!stored.starts_with(b"PK"));
    for text in ["Peter", "first_name", "user-service", "manifest.json"] {
        assert!(!stored.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
}

#[tokio::test]
async fn a_changed_byte_is_damage_and_no_package() {
    let host = Host::new();
    let contents = contents(vec![section("crm", &[SEED_ACCESS])]);
    let package = host.put(&contents).await.unwrap();
    let mut stored = host.stored(&package);
    let middle = stored.len() / 2;
    stored[middle] ^= 1;
    std::fs::write(host.path(&package), stored).unwrap();

    let got = host.packages.get(&contents.tenant, contents.request, &package).await;
    assert!(matches!(got, Err(PackageError::Damaged)));
    let again = host.put(&contents).await;
    assert!(matches!(again, Err(PackageError::Damaged)), "deletes must not follow it");
}

#[tokio::test]
async fn a_package_that_was_taken_away_is_gone() {
    let host = Host::new();
    let contents = contents(vec![section("crm", &[SEED_ACCESS])]);
    let package = host.put(&contents).await.unwrap();
    std::fs::remove_file(host.path(&package)).unwrap();
    let got = host.packages.get(&contents.tenant, contents.request, &package).await;
    assert!(matches!(got, Err(PackageError::Gone)));
}

#[tokio::test]
async fn another_tenant_or_request_finds_nothing_under_the_same_reference() {
    let host = Host::new();
    let contents = contents(vec![section("crm", &[SEED_ACCESS])]);
    let package = host.put(&contents).await.unwrap();
    let other_tenant = "globex".parse().unwrap();
    let got = host.packages.get(&other_tenant, contents.request, &package).await;
    assert!(matches!(got, Err(PackageError::Gone)));
    let other_request = "0198f2c0-0000-7000-8000-000000000002".parse().unwrap();
    let got = host.packages.get(&contents.tenant, other_request, &package).await;
    assert!(matches!(got, Err(PackageError::Gone)));
}

#[tokio::test]
async fn a_file_moved_to_another_request_does_not_open_there() {
    let host = Host::new();
    let contents = contents(vec![section("crm", &[SEED_ACCESS])]);
    let package = host.put(&contents).await.unwrap();
    let other = "0198f2c0-0000-7000-8000-000000000002".parse().unwrap();
    let mut moved = package.clone();
    moved.object_key = format!("acme/{other}/{}.zip", package.sha256);
    std::fs::create_dir_all(host.path(&moved).parent().unwrap()).unwrap();
    std::fs::rename(host.path(&package), host.path(&moved)).unwrap();
    let got = host.packages.get(&contents.tenant, other, &moved).await;
    assert!(matches!(got, Err(PackageError::Damaged)));
}

#[tokio::test]
async fn a_destination_must_be_one_of_the_operators() {
    let host = Host::new();
    let mut contents = contents(Vec::new());
    assert!(host.packages.has_destination("local"));
    assert!(host.packages.has_destination("archive"));
    assert!(!host.packages.has_destination("../archive"));

    contents.destination = "elsewhere".to_owned();
    let put = host.put(&contents).await;
    assert!(matches!(put, Err(PackageError::UnknownDestination(name)) if name == "elsewhere"));

    contents.destination = "archive".to_owned();
    let package = host.put(&contents).await.unwrap();
    assert_eq!(package.destination, "archive");
    assert_eq!(host.objects(), 0, "nothing was put at `local`");
    assert!(host.packages.get(&contents.tenant, contents.request, &package).await.is_ok());
}

#[tokio::test]
async fn a_package_over_a_limit_is_refused_and_nothing_is_stored() {
    let contents = contents(vec![section("crm", &[SEED_ACCESS])]);
    for (options, message) in [
        (Options { files_max: 5, ..Options::default() }, "more than 5 files"),
        (Options { files_max: 0, ..Options::default() }, "more than 0 files"),
        (Options { rows_per_file_max: 4, ..Options::default() }, "more than 4 rows in one file"),
        (Options { bytes_max: 10, ..Options::default() }, "more than 10 bytes before compression"),
        (
            Options { bytes_max: 500, ..Options::default() },
            "more than 500 bytes before compression",
        ),
    ] {
        let host = Host::with_options(options);
        let error = host.put(&contents).await.unwrap_err();
        assert!(matches!(&error, PackageError::TooLarge(text) if text == message), "{error}");
        assert_eq!(host.objects(), 0);
    }
    let host = Host::with_options(Options { files_max: 6, ..Options::default() });
    assert!(host.put(&contents).await.is_ok(), "a limit itself is allowed");
}

#[tokio::test]
async fn numbers_unicode_and_formulas_reach_the_person_as_they_are() {
    let host = Host::new();
    let record = r#"{"id":9007199254740993,"price":0.10,"name":"Zoë 李 🦀","note":"=1+1","phone":"+15125550100","low":-5}"#;
    let contents = contents(vec![section("crm", &[&format!("[{record}]")])]);
    let package = host.put(&contents).await.unwrap();
    let zip = host.packages.get(&contents.tenant, contents.request, &package).await.unwrap();
    let files = unzip(&zip);
    assert_eq!(text_of(&files, "crm/1.json"), record);
    assert_eq!(
        text_of(&files, "crm/1.csv"),
        "id,9007199254740993\r\nprice,0.10\r\nname,Zoë 李 🦀\r\nnote,'=1+1\r\n\
         phone,+15125550100\r\nlow,-5\r\n"
    );
}

proptest! {
    #[test]
    fn every_json_file_is_the_record_itself(
        texts in prop::collection::vec((".{0,8}", ".{0,40}", "-?[1-9][0-9]{0,30}(\\.[0-9]{1,30})?"), 0..5)
    ) {
        let objects: Vec<_> = texts
            .into_iter()
            .map(|(key, text, number)| {
                let list = Json::Array(vec![Json::Number(number), Json::Null, Json::Bool(true)]);
                Json::Object(vec![(format!("{key}_"), Json::String(text)), (key, list)])
            })
            .collect();
        let body = Json::Array(objects.clone()).to_text();
        let contents = contents(vec![section("crm", &[&body])]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let zip = runtime.block_on(async {
            let host = Host::new();
            let package = host.put(&contents).await.unwrap();
            host.packages.get(&contents.tenant, contents.request, &package).await.unwrap()
        });
        let files = unzip(&zip);
        for (index, object) in objects.iter().enumerate() {
            let text = text_of(&files, &format!("crm/{}.json", index + 1));
            prop_assert_eq!(&Json::parse(text.as_bytes(), Shape::Object).unwrap(), object);
        }
        prop_assert_eq!(files.len(), 2 + 2 * objects.len());
    }
}
