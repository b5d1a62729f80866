//! The runtime starts, stops and cancels without leaving anything behind.

use std::time::Duration;

use cordon_model::port::{CredentialsSource, SecretsError};
use cordon_model::secret::Credentials;
use cordon_model::tenant::Allowance;
use cordon_model::{Failure, FailureCode};

use super::*;

struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn credentials(&self, _connection: &Connection) -> Result<Credentials, SecretsError> {
        Ok(Credentials::new())
    }

    fn source(&self, _connection: &Connection) -> CredentialsSource {
        CredentialsSource::None
    }
}

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

fn runtime() -> Runtime {
    let gate = cordon_egress::Gate::new(cordon_egress::Options::default()).unwrap();
    let options = Options { instances_max: 2, workers: 1, ..Options::default() };
    Runtime::new(options, Arc::new(gate), Arc::new(NoSecrets), Arc::new(Epoch)).unwrap()
}

#[test]
fn a_runtime_with_a_limit_that_cannot_be_enforced_does_not_start_and_names_it() {
    let gate = Arc::new(cordon_egress::Gate::new(cordon_egress::Options::default()).unwrap());
    let options =
        Options { instances_max: 2, processor_time_max: Duration::ZERO, ..Options::default() };
    let refused = Runtime::new(options, gate, Arc::new(NoSecrets), Arc::new(Epoch)).err().unwrap();
    assert!(matches!(refused, Error::Limit { name: "processor_time_max", .. }), "{refused}");
}

#[tokio::test]
async fn a_component_without_the_exports_of_the_contract_is_not_admitted() {
    let runtime = runtime();
    let refused = runtime.admit("empty", "1", b"\0asm\x0d\0\x01\0", false).await;
    assert!(matches!(refused, Err(Error::Unloadable(_))), "{refused:?}");
    assert!(runtime.plugins(&TenantId::default_tenant()).is_empty());
}

#[tokio::test]
async fn a_plugin_that_is_not_loaded_is_unavailable() {
    let draft = Draft { config: "{}".to_owned(), actions: vec![], policy_settings: None };
    let terms = Terms::nowhere(TenantId::default_tenant(), &Allowance::default());
    let answer = runtime().validate(&terms, PluginDigest::of(b"gone"), &draft).await;
    let Err(ConnectorError::Failed(Failure { code, .. })) = answer else { panic!("{answer:?}") };
    assert_eq!(code, FailureCode::PluginUnavailable);
}

#[tokio::test]
async fn the_runtime_can_be_dropped_where_blocking_is_not_allowed() {
    drop(runtime());
}

#[tokio::test]
async fn a_port_call_does_not_outlive_its_caller() {
    let runtime = runtime();
    let (begun, has_begun) = tokio::sync::oneshot::channel::<()>();
    let (ended, has_ended) = tokio::sync::oneshot::channel::<()>();
    let work = async move {
        let _ends_with_the_work = ended;
        let _ = begun.send(());
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = runtime.spawn(work) => panic!("it never ends by itself"),
        _ = has_begun => {}
    }
    assert!(has_ended.await.is_err(), "the work was dropped");
}

#[tokio::test]
async fn the_threads_of_guests_give_way_to_the_rest_of_the_host() {
    let priority = || getpriority_process(None).unwrap();
    let guests = threads(1).unwrap();
    let of_guests = guests.spawn(async move { priority() }).await.unwrap();
    assert_eq!(of_guests, (priority() + GIVE_WAY).min(19));
    guests.shutdown_background();
}
