//! Connectors that answer what a test needs, and a clock that a test moves.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cordon_model::grant::{EgressPolicy, Grants, Paths};
use cordon_model::plan::{Assessment, Draft, Place, Query, WhenMissing};
use cordon_model::plugin::{Descriptor, InstalledPlugin, Plugin, PluginRef};
use cordon_model::port::{
    Admission, AdmissionError, CallsInUse, Candidate, Clock, ConnectorCall, ConnectorError,
    Connectors, DryRunCall, DryRunEnd, Egress, EgressQuestion, EgressVerdict, Plugins, Readiness,
    RunEnd, TestEnd, WebhookMessage, WebhookReach, WebhookResponse, WebhookSender,
};
use cordon_model::task::CallReport;
use cordon_model::tenant::Terms;
use cordon_model::{
    Action, Failure, PluginDigest, Problem, TenantId, Timestamp, connection::Connection,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// A clock that stands until it is moved.
pub(crate) struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new("2027-01-31T12:00:00Z".parse().unwrap()))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// `api_proxy` and `manual_webhook`, as far as the API sees them. A query's `names` say what its
/// templates hold; a `broken` one is a problem; a label of `two` refuses a webhook.
pub(crate) struct Scripted;

/// A way out that allows everything and leads to one address.
#[derive(Default)]
pub(crate) struct ScriptedEgress(EgressPolicy);

#[async_trait]
impl Egress for ScriptedEgress {
    fn policy(&self) -> &EgressPolicy {
        &self.0
    }

    fn check_ca_bundle(&self, pem: &str) -> Result<(), Problem> {
        match pem {
            "" => Err(Problem::error("invalid_ca_bundle", "/ca_bundle", "holds no certificate")),
            _ => Ok(()),
        }
    }

    async fn explain(&self, _: EgressQuestion<'_>) -> EgressVerdict {
        EgressVerdict {
            stage: "resolve",
            denied: None,
            rule: "everything is allowed".to_owned(),
            missing: Grants::default(),
            addresses: vec!["93.184.215.14".parse().unwrap()],
        }
    }
}

fn plugin(connector_type: &str, category: &str, actions: &[Action]) -> Plugin {
    Plugin {
        scope: None,
        reference: PluginRef {
            name: connector_type.to_owned(),
            version: "0.1.0".to_owned(),
            digest: PluginDigest::of(connector_type.as_bytes()),
        },
        descriptor: Descriptor {
            connector_type: connector_type.to_owned(),
            category: category.to_owned(),
            display_name: connector_type.to_uppercase(),
            actions: actions.to_vec(),
            config_schema: "{}".to_owned(),
            policy_schema: None,
            reads: Vec::new(),
        },
        built_in: true,
    }
}

fn assess(config: &Value) -> Assessment {
    let mut assessment = Assessment::default();
    let queries = config.pointer("/queries/access").and_then(Value::as_array);
    for (n, query) in queries.into_iter().flatten().enumerate() {
        let pointer = format!("/queries/access/{n}");
        if query.get("broken").is_some() {
            let at = format!("{pointer}/url");
            assessment.problems.push(Problem::error("invalid_template", at, "is broken"));
        }
        let names: BTreeSet<(String, Place)> = query
            .get("names")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|name| Some((name.as_str()?.to_owned(), Place::Header)))
            .collect();
        assessment.queries.push(Query {
            label: format!("access[{n}]"),
            pointer,
            action: Some(Action::Access),
            wanted: None,
            when_missing: WhenMissing::Fail,
            origin: "https://api.acme.com".to_owned(),
            paths: Paths::all(),
            method: "GET".to_owned(),
            names,
            verify_tls: true,
            raw: false,
        });
    }
    assessment
}

#[async_trait]
impl WebhookSender for ScriptedEgress {
    fn check(&self, _: &WebhookReach<'_>, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    async fn post(
        &self,
        _: &WebhookReach<'_>,
        _: WebhookMessage,
    ) -> Result<WebhookResponse, Failure> {
        Ok(WebhookResponse { status: 204, retry_after: None, body: bytes::Bytes::new() })
    }
}

#[async_trait]
impl Connectors for Scripted {
    fn plugins(&self, _: &TenantId) -> Vec<Plugin> {
        vec![
            plugin("api_proxy", "api", &Action::ALL),
            plugin("manual_webhook", "manual", &[Action::Access]),
        ]
    }

    fn plugin_for(&self, tenant: &TenantId, connector_type: &str) -> Option<Plugin> {
        self.plugins(tenant).into_iter().find(|p| p.descriptor.connector_type == connector_type)
    }

    async fn validate(
        &self,
        _: &Terms,
        _: PluginDigest,
        draft: &Draft,
    ) -> Result<Assessment, ConnectorError> {
        match &draft.policy_settings {
            None => Ok(assess(&serde_json::from_str(&draft.config).unwrap())),
            Some(settings) if settings.contains("refused") => {
                let problem = Problem::error("too_long", "/fields/0/pii_field", "is too long");
                Ok(Assessment { problems: vec![problem], ..Assessment::default() })
            }
            Some(_) => Ok(Assessment::default()),
        }
    }

    async fn test(&self, _: &Connection, _: &Terms, _: Timestamp, _: CancellationToken) -> TestEnd {
        let call = CallReport {
            label: "test[0]".to_owned(),
            occurrence: 0,
            status: Some(200),
            outcome: "success".to_owned(),
            attempts: 1,
            response_bytes: 2,
            duration_ms: 3,
        };
        TestEnd { calls: vec![call], result: Ok(()) }
    }

    async fn dry_run(&self, _: DryRunCall) -> Result<DryRunEnd, ConnectorError> {
        Ok(DryRunEnd::default())
    }

    fn in_use(&self, _: Option<&TenantId>) -> CallsInUse {
        CallsInUse { calls: 3, of_one_connection: 2, waiting: 1, memory_bytes: 65_536 }
    }

    async fn run(&self, _: ConnectorCall) -> RunEnd {
        RunEnd { calls: Vec::new(), result: Err(ConnectorError::Host("not here".to_owned())) }
    }
}

#[async_trait]
impl Plugins for Scripted {
    async fn admit(&self, _: Candidate) -> Result<Admission, AdmissionError> {
        Err(AdmissionError::Host("not here".to_owned()))
    }

    fn announce(&self, _: &InstalledPlugin) {}

    async fn load(&self, _: &InstalledPlugin, _: Bytes) {}

    fn give_up(&self, _: &InstalledPlugin, _: &str) {}

    fn activate(&self, _: Option<&TenantId>, _: PluginDigest) {}

    fn forget(&self, _: Option<&TenantId>, _: PluginDigest) {}

    fn forget_tenant(&self, _: &TenantId) {}

    fn readiness(&self, _: Option<&TenantId>, _: PluginDigest) -> Readiness {
        Readiness::Ready
    }
}
