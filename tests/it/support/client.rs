//! What a test says to a host, and what it hears: plain HTTP, as any other program would.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use bytes::Bytes;
use cordon_egress::{OperatorClient, operator_client};
use cordon_model::api_key::Scope;
use serde_json::{Value, json};

/// How long a request may take to reach the status that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is asked for.
const INTERVAL: Duration = Duration::from_millis(10);

/// The holder of one key, or of none.
#[derive(Clone)]
pub(crate) struct Client {
    http: Arc<OperatorClient>,
    pub(super) server: String,
    pub(super) key: Option<String>,
    pub(super) tenant: Option<String>,
}

/// What a host answered.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The body; null when it is no JSON.
    pub(crate) json: Value,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Client {
    pub(crate) fn new(server: &str, key: Option<&str>, tenant: Option<&str>) -> Self {
        Self {
            http: Arc::new(operator_client().unwrap()),
            server: server.to_owned(),
            key: key.map(str::to_owned),
            tenant: tenant.map(str::to_owned),
        }
    }

    /// A new tenant, as the holder of a key with every scope. For the operator.
    pub(crate) async fn tenant(&self, name: &str) -> Self {
        let created = self.post("/v1/tenants", &json!({ "name": name })).await;
        assert_eq!(created.status, 201, "{}", created.json);
        let scopes: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        let body = json!({ "name": "test", "scopes": scopes });
        let made = self.post(&format!("/v1/tenants/{name}/api-keys"), &body).await;
        assert_eq!(made.status, 201, "{}", made.json);
        Self::new(&self.server, made.json["key"].as_str(), None)
    }

    /// The key that it holds.
    pub(crate) fn key(&self) -> &str {
        self.key.as_deref().expect("it holds one")
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send("GET", path, None).await
    }

    /// The body of an answer that is no JSON.
    pub(crate) async fn get_bytes(&self, path: &str) -> Vec<u8> {
        let response = self.get(path).await;
        assert_eq!(response.status, 200, "{}", response.json);
        response.body.to_vec()
    }

    /// The body of an answer that is text.
    pub(crate) async fn get_text(&self, path: &str) -> String {
        String::from_utf8(self.get_bytes(path).await).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, Some(body)).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Response {
        let body = ("application/json", body.to_string().into());
        self.call("POST", path, headers, Some(body)).await
    }

    pub(crate) async fn post_bytes(&self, path: &str, content_type: &str, body: &[u8]) -> Response {
        let body = (content_type, Bytes::copy_from_slice(body));
        self.call("POST", path, &[], Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Response {
        self.send("PUT", path, Some(body)).await
    }

    pub(crate) async fn put_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Response {
        let body = ("application/json", body.to_string().into());
        self.call("PUT", path, headers, Some(body)).await
    }

    pub(crate) async fn patch_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Response {
        let body = ("application/merge-patch+json", body.to_string().into());
        self.call("PATCH", path, headers, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, None).await
    }

    /// Any method, with or without a JSON body.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let body = body.map(|body| ("application/json", body.to_string().into()));
        self.call(method, path, &[], body).await
    }

    /// Waits until a request is in this status, and gives it back. Fails as soon as it can only
    /// be waited for in vain.
    pub(crate) async fn wait_for_status(&self, id: &str, wanted: &str) -> Value {
        let began = Instant::now();
        loop {
            let request = self.get(&format!("/v1/privacy-requests/{id}")).await;
            assert_eq!(request.status, 200, "{}", request.json);
            let status = request.json["status"].as_str().unwrap();
            if status == wanted {
                return request.json;
            }
            let rests = matches!(status, "complete" | "denied" | "canceled" | "error");
            let in_vain = rests || began.elapsed() > PATIENCE;
            assert!(!in_vain, "waiting for {wanted}: {:#}", request.json);
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Waits until a request can go no further by itself, and gives it back.
    pub(crate) async fn wait_until_it_rests(&self, id: &str) -> Value {
        let began = Instant::now();
        loop {
            let request = self.get(&format!("/v1/privacy-requests/{id}")).await;
            assert_eq!(request.status, 200, "{}", request.json);
            let status = request.json["status"].as_str().unwrap();
            if matches!(status, "complete" | "denied" | "canceled" | "error") {
                return request.json;
            }
            assert!(began.elapsed() <= PATIENCE, "waiting for an end: {:#}", request.json);
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Anything that can be said over HTTP; the body comes with its media type.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<(&str, Bytes)>,
    ) -> Response {
        let tenant = self.tenant.as_deref().map(|tenant| ("Cordon-Tenant", tenant));
        let headers: Vec<_> = headers.iter().copied().chain(tenant).collect();
        let url = format!("{}{path}", self.server);
        let answer =
            self.http.request(method, &url, self.key.as_deref(), &headers, body).await.unwrap();
        Response {
            status: answer.status,
            json: serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
            headers: answer.headers,
            body: answer.body,
        }
    }
}
