//! Grants as the body that grants them, for those who are told what is missing. What is left out
//! of it has its default.

use cordon_model::grant::Grants;
use cordon_model::plan::Place;
use cordon_model::plugin::ReadGrant;
use serde_json::{Map, Value, json};

/// The body of `PUT …/grants`.
pub(super) fn body(grants: &Grants) -> Value {
    let mut body = Map::new();
    let http = grants.http.iter().map(|grant| {
        let mut object = json!({
            "origin": grant.origin.to_string(),
            "methods": grant.methods,
        });
        for (name, text) in
            [("path", grant.paths.path()), ("path_prefix", grant.paths.path_prefix())]
        {
            if let (Some(text), Some(object)) = (text, object.as_object_mut()) {
                object.insert(name.to_owned(), text.into());
            }
        }
        for (name, set) in [("unverified_tls", grant.unverified_tls), ("raw", grant.raw)] {
            if let (true, Some(object)) = (set, object.as_object_mut()) {
                object.insert(name.to_owned(), true.into());
            }
        }
        object
    });
    let private = grants.private.iter().map(|network| network.to_string().into());
    let secrets = grants.secrets.iter().map(|grant| {
        let places: Vec<&str> = grant.places.iter().copied().map(Place::as_str).collect();
        json!({ "name": grant.name, "origin": grant.origin.to_string(), "places": places })
    });
    let lists: [(&str, Vec<Value>); 3] =
        [("http", http.collect()), ("private", private.collect()), ("secrets", secrets.collect())];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        body.insert(name.to_owned(), list.into());
    }
    for (name, grant) in
        [("identities", ReadGrant::Identities), ("responses", ReadGrant::Responses)]
    {
        if grants.reads.contains(&grant) {
            body.insert(name.to_owned(), "read".into());
        }
    }
    body.into()
}
