//! A host without sandbox and scheduler: the store, the services and the router.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use cordon_api::{Options, State};
use cordon_engine::{Handle, Ports, Services};
use cordon_model::Secret;
use cordon_model::port::{Clock as _, StateStore};
use cordon_package::{Destination, Destinations, ZipPackages};
use cordon_secrets::VaultSecrets;
use cordon_store::RedbStore;
use cordon_turns::Processors;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::scripted::{ManualClock, Scripted, ScriptedEgress};

/// A host on a directory of its own.
pub(crate) struct Host {
    pub(crate) services: Services,
    pub(crate) clock: Arc<ManualClock>,
    router: Router,
    operator_key: String,
    _directory: TempDir,
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    /// Status and code of a problem.
    pub(crate) fn problem(&self) -> (u16, &str) {
        (self.status.as_u16(), self.json["code"].as_str().unwrap_or_default())
    }

    /// Code and pointer of everything that is wrong.
    pub(crate) fn errors(&self) -> Vec<(&str, &str)> {
        let errors = self.json["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|e| (e["code"].as_str().unwrap(), e["pointer"].as_str().unwrap()))
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

impl Host {
    pub(crate) async fn start() -> Self {
        let mut host = Self::unstarted();
        let keep = |key: &Secret| -> Result<(), cordon_engine::Error> {
            host.operator_key = key.expose().to_owned();
            Ok(())
        };
        host.services.first_start(keep).await.unwrap();
        host
    }

    /// A host on a fresh store, before its first start.
    pub(crate) fn unstarted() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = cordon_store::Options::new(directory.path().join("data"));
        let store = Arc::new(RedbStore::open(options).unwrap());
        let local = Destination::local(directory.path().join("packages")).unwrap();
        let packages = ZipPackages::new(
            Destinations::new(local),
            Arc::clone(&store) as _,
            Default::default(),
            Processors::of_the_machine(),
        );
        let clock = Arc::new(ManualClock::new());
        let ports = Ports {
            store: Arc::clone(&store) as Arc<dyn StateStore>,
            connectors: Arc::new(Scripted),
            plugins: Arc::new(Scripted),
            egress: Arc::new(ScriptedEgress::default()),
            webhooks: Arc::new(ScriptedEgress::default()),
            packages: Arc::new(packages),
            secrets: Arc::new(VaultSecrets::new(store as Arc<dyn StateStore>)),
            clock: Arc::clone(&clock) as _,
        };
        let services = Services::new(ports, cordon_engine::Options::default(), Handle::default());
        let state = State::new(services.clone(), Options::default(), || "cordon_up 1\n".to_owned());
        Self {
            services,
            clock,
            router: cordon_api::router(state),
            operator_key: String::new(),
            _directory: directory,
        }
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) fn operator_key(&self) -> &str {
        &self.operator_key
    }

    pub(crate) fn advance(&self, by: Duration) {
        let before = self.clock.now();
        self.clock.advance(by);
        assert!(self.clock.now() > before);
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, json }
    }

    /// As the operator, with headers and a JSON body; `null`: none.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        self.call_as(&self.operator_key, method, path, headers, body).await
    }

    pub(crate) async fn call_as(
        &self,
        key: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], &Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &[], body).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, &[], body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, &[], body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &[], &Value::Null).await
    }
}
