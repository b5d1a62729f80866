//! Paths of grants in rows: those written before there were exact paths, and those that say
//! nothing.

use cordon_model::connection::Connection;
use cordon_model::grant::Paths;
use serde_json::{Value, json};

use super::sample::connection;
use crate::record::{decode, encode};

/// The sample's row, its grants changed.
fn row(change: impl Fn(&mut Value)) -> Vec<u8> {
    let bytes = encode(&connection("acme", "crm", 1)).unwrap();
    let mut row: Value = serde_json::from_slice(&bytes).unwrap();
    let data = &mut row["data"];
    change(&mut data["queries"][0]);
    change(&mut data["needs"]["http"][0]);
    change(&mut data["grants"]["http"][0]);
    serde_json::to_vec(&row).unwrap()
}

fn set(grant: &mut Value, fields: &Value) {
    let grant = grant.as_object_mut().unwrap();
    grant.retain(|name, _| !name.starts_with("path"));
    grant.extend(fields.as_object().unwrap().clone());
}

#[test]
fn a_row_that_was_written_before_there_were_exact_paths_is_read_as_it_was_meant() {
    let row = row(|grant| set(grant, &json!({ "path_prefix": "/v0/users" })));
    let read: Connection = decode(&row, "connections").unwrap();
    let below = Paths::Under("/v0/users".parse().unwrap());
    assert_eq!(read.queries[0].paths, below);
    assert_eq!(read.needs.http[0].paths, below);
    assert_eq!(read.grants.http[0].paths, below);
    assert!(read.missing().http.is_empty(), "what was granted stays granted");
}

#[test]
fn a_row_without_paths_or_with_two_kinds_is_damaged_and_grants_nothing() {
    for fields in [json!({}), json!({ "path": "/a", "path_prefix": "/a" }), json!({ "path": "" })] {
        let row = row(|grant| set(grant, &fields));
        assert!(decode::<Connection>(&row, "connections").is_err(), "{fields}");
    }
}
