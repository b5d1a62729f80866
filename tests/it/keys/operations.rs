//! Every operation of the API, read out of its own OpenAPI document, and a body for each: so that
//! a route that is added is tried without anybody thinking of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::support::client::{Client, Response};

/// One operation.
pub(super) struct Operation {
    /// Upper case.
    pub(super) method: String,
    /// With `{parameters}`.
    pub(super) path: String,
    /// Whether it says that it takes no key.
    pub(super) public: bool,
    /// Media type and bytes that have the shape of what it takes.
    body: Option<(String, Vec<u8>)>,
}

/// What stands for the parameters of a path, by the segment before them.
pub(super) type Names = BTreeMap<&'static str, String>;

impl Operation {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether it is about an object that the path names.
    pub(super) fn names_an_object(&self) -> bool {
        self.path.contains('{')
    }

    /// The path to the object that these names stand for.
    pub(super) fn path_to(&self, names: &Names) -> String {
        let mut before = "";
        let mut path = String::new();
        for segment in self.path.split('/').skip(1) {
            path.push('/');
            match segment.strip_prefix('{') {
                None => path.push_str(segment),
                Some(parameter) => {
                    let of =
                        names.get(before).or_else(|| names.get(parameter.trim_end_matches('}')));
                    path.push_str(of.unwrap_or_else(|| {
                        panic!("{}: say in world.rs what {segment} stands for", self.name())
                    }));
                }
            }
            before = segment;
        }
        path
    }

    pub(super) async fn call(&self, client: &Client, names: &Names) -> Response {
        let body = self.body.as_ref().map(|(kind, bytes)| (kind.as_str(), bytes.clone().into()));
        client.call(&self.method, &self.path_to(names), &[], body).await
    }

    /// The same, for a tenant that the header names.
    pub(super) async fn call_for(&self, client: &Client, names: &Names, tenant: &str) -> Response {
        let body = self.body.as_ref().map(|(kind, bytes)| (kind.as_str(), bytes.clone().into()));
        let named = [("Cordon-Tenant", tenant)];
        client.call(&self.method, &self.path_to(names), &named, body).await
    }

    /// What reads before what writes, what removes last, and tenants after what is theirs.
    pub(super) fn order(&self) -> (usize, bool, usize) {
        let methods = ["GET", "PUT", "PATCH", "POST", "DELETE"];
        let rank = methods.iter().position(|known| *known == self.method).unwrap();
        (rank, self.path.starts_with("/v1/tenants"), usize::MAX - self.path.len())
    }
}

/// Every operation of the document.
pub(super) fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if !["get", "put", "patch", "post", "delete"].contains(&method.as_str()) {
                continue;
            }
            let body = operation["requestBody"]["content"].as_object().map(|content| {
                let (kind, media) = content.iter().next().unwrap();
                let bytes = match kind.ends_with("json") {
                    true => sample(document, &media["schema"], 0).to_string().into_bytes(),
                    false => b"\0asm".to_vec(),
                };
                (kind.clone(), bytes)
            });
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                public: operation["security"] == json!([{}]),
                body,
            });
        }
    }
    operations.sort_by_key(Operation::order);
    operations
}

/// The smallest value that has the shape of a schema.
fn sample(document: &Value, schema: &Value, depth: usize) -> Value {
    assert!(depth < 20, "a schema goes on for ever: {schema}");
    let inner = |schema: &Value| sample(document, schema, depth + 1);
    if let Some(reference) = schema["$ref"].as_str() {
        return inner(document.pointer(reference.trim_start_matches('#')).unwrap());
    }
    for of in ["oneOf", "anyOf", "allOf"] {
        if let Some(schemas) = schema[of].as_array() {
            let real = schemas.iter().find(|schema| schema["type"] != "null").unwrap();
            return inner(real);
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return words[0].clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").unwrap().clone(),
        kind => kind.clone(),
    };
    match kind.as_str().unwrap_or("object") {
        "string" => json!("x"),
        "integer" | "number" => json!(1),
        "boolean" => json!(false),
        "array" => json!([]),
        _ => {
            let required = schema["required"].as_array().into_iter().flatten();
            let members = required.map(|name| {
                let name = name.as_str().unwrap();
                (name.to_owned(), inner(&schema["properties"][name]))
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}
