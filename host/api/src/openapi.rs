//! The OpenAPI document: what the routes say of themselves, and what holds for all of them.

use cordon_model::page::Page;
use utoipa::Modify as _;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response};

use crate::error::{FieldProblem, ProblemBody};

/// What holds for every route; the routes add themselves.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Cordon",
        description = "Runs privacy requests through connectors that cannot leak what they never see.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    security(("api_key" = [])),
    components(schemas(ProblemBody, FieldProblem)),
)]
struct Base;

struct Additions;

impl utoipa::Modify for Additions {
    fn modify(&self, document: &mut OpenApi) {
        if let Some(components) = document.components.as_mut() {
            let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
            components.add_security_scheme("api_key", scheme);
        }
        for item in document.paths.paths.values_mut() {
            for operation in operations(item) {
                let answers = &mut operation.responses.responses;
                answers.entry("default".to_owned()).or_insert_with(|| RefOr::T(problem()));
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}

fn problem() -> Response {
    let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
    let mut response = Response::new("What went wrong; `code` is listed in docs/errors.md");
    let content = RefOr::T(Content::new(Some(schema)));
    response.content.insert("application/problem+json".to_owned(), content);
    response
}

/// The document before the routes are added.
pub(crate) fn base() -> OpenApi {
    <Base as utoipa::OpenApi>::openapi()
}

/// Adds what holds for all routes.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    Additions.modify(&mut document);
    document
}

/// The OpenAPI document, as JSON.
pub fn openapi_json() -> String {
    let (_, document) = crate::router::routes();
    // The document is made of strings, lists and maps: writing it as JSON cannot fail.
    complete(document).to_pretty_json().unwrap_or_default()
}

/// Most items of a page, for the descriptions of `?limit=`.
const _: () = assert!(Page::LIMIT_MAX == 200, "the descriptions of `limit` say 200");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_says_what_a_problem_looks_like_and_has_a_name_of_its_own() {
        let document: serde_json::Value = serde_json::from_str(&openapi_json()).unwrap();
        let mut names = std::collections::BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let problem = &operation["responses"]["default"];
                assert!(problem.is_object(), "{method} {path}");
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} stands twice");
                assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            }
        }
        assert!(names.len() > 35, "{}", names.len());
    }

    #[test]
    fn every_path_of_this_step_is_there() {
        let document: serde_json::Value = serde_json::from_str(&openapi_json()).unwrap();
        let found = |path: &str, method: &str| document["paths"][path][method].is_object();
        for (path, methods) in [
            ("/healthz", "get"),
            ("/readyz", "get"),
            ("/openapi.json", "get"),
            ("/metrics", "get"),
            ("/v1/tenants", "get post"),
            ("/v1/tenants/{tenant}", "get patch"),
            ("/v1/tenants/{tenant}/api-keys", "get post"),
            ("/v1/tenants/{tenant}/api-keys/{id}", "delete"),
            ("/v1/connection-types", "get"),
            ("/v1/connections", "get post"),
            ("/v1/connections/{key}", "get put patch delete"),
            ("/v1/connections/{key}/secrets", "put"),
            ("/v1/connections/{key}/test", "post"),
            ("/v1/connections/{key}/dry-run", "post"),
            ("/v1/connections/{key}/grants", "get put"),
            ("/v1/egress/explain", "post"),
            ("/v1/import/datagrail", "post"),
            ("/v1/plugins", "get post"),
            ("/v1/plugins/{name}/{version}", "get delete"),
            ("/v1/plugins/{name}/{version}/activate", "post"),
            ("/v1/policies", "get post"),
            ("/v1/policies/{key}", "get put delete"),
            ("/v1/policies/{key}/manual-webhooks", "get post"),
            ("/v1/policies/{key}/manual-webhooks/{connection}", "get put delete"),
            ("/v1/policies/{key}/webhooks", "get post"),
            ("/v1/policies/{key}/webhooks/{id}", "get put delete"),
            ("/v1/tenants/{tenant}/callback-secret", "post"),
            ("/v1/privacy-requests", "get post"),
            ("/v1/privacy-requests/search", "post"),
            ("/v1/privacy-requests/{id}", "get"),
            ("/v1/privacy-requests/{id}/approve", "post"),
            ("/v1/privacy-requests/{id}/deny", "post"),
            ("/v1/privacy-requests/{id}/cancel", "post"),
            ("/v1/privacy-requests/{id}/retry", "post"),
            ("/v1/privacy-requests/{id}/resume", "post"),
            ("/v1/privacy-requests/{id}/settle", "post"),
            ("/v1/privacy-requests/{id}/manual-inputs", "get"),
            ("/v1/privacy-requests/{id}/manual-inputs/{connection}", "put"),
            ("/v1/privacy-requests/{id}/tasks/{task}/input", "get put"),
            ("/v1/privacy-requests/{id}/events", "get"),
            ("/v1/privacy-requests/{id}/package", "get"),
            ("/v1/audit", "get"),
        ] {
            for method in methods.split(' ') {
                assert!(found(path, method), "{method} {path}");
            }
        }
    }
}
