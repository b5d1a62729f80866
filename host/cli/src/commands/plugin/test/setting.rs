//! What a cassette says beside its exchanges, made into what a run needs: a connection with its
//! plan and grants, the person, the credentials.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, anyhow, ensure};
use cordon_model::connection::{Connection, Mode};
use cordon_model::grant::{Grants, HttpGrant, Paths, SecretGrant};
use cordon_model::plan::{Assessment, Draft, Place};
use cordon_model::plugin::{Plugin, ReadGrant};
use cordon_model::port::{Clock as _, Connectors as _};
use cordon_model::secret::Credentials;
use cordon_model::subject::{DataSubject, Identity, IdentitySource, check_identity_value};
use cordon_model::tenant::Tenant;
use cordon_model::{Action, ConnectionKey, Problem, Revision, Secret, Severity};
use serde_json::Value;
use uuid::Uuid;

use super::cassette::{Cassette, GrantsGiven, PlaceGiven, Reading};
use super::names::Names;
use super::source::Source;
use crate::clock::SystemClock;
use crate::commands::plugin::sandbox::Sandbox;
use crate::output::{items, text};

/// Everything a run of the cassette depends on.
pub(super) struct Setting {
    pub(super) connection: Connection,
    pub(super) subject: DataSubject,
    pub(super) policy_settings: Option<String>,
    /// What the plugin asks to read and was granted.
    pub(super) reads: Vec<ReadGrant>,
    pub(super) credentials: Credentials,
    pub(super) names: Names,
}

impl Setting {
    /// What a cassette says, with its own credentials.
    pub(super) async fn of(cassette: &Cassette, sandbox: &Sandbox) -> anyhow::Result<Self> {
        Self::from(Source::Cassette, cassette, sandbox, None).await
    }

    /// Asks the plugin for its plan and grants what the cassette grants. `source`: where what the
    /// cassette says was written. `credentials`: the real ones; none: those of the cassette.
    pub(super) async fn from(
        source: Source<'_>,
        cassette: &Cassette,
        sandbox: &Sandbox,
        credentials: Option<Credentials>,
    ) -> anyhow::Result<Self> {
        let plugin = &sandbox.admission.plugin;
        let mut connection = connection(source, cassette, plugin)?;
        if let Some(action) = cassette.action.action() {
            ensure!(
                connection.capabilities.contains(&action),
                "{}: the connection's capabilities do not hold {}",
                source.of_action(),
                action.capability()
            );
        }
        let assessed = assess(sandbox, &connection, None).await?;
        let errors = errors(&assessed);
        ensure!(errors.is_empty(), "{}", source.sentences(errors, &connection.config));
        let policy_settings = cassette.policy_settings.as_ref().map(ToString::to_string);
        if policy_settings.is_some() {
            check_policy_settings(sandbox, &connection, policy_settings.clone()).await?;
        }
        let identities = identities(cassette)?;
        let kinds = kinds(&identities, &assessed);
        connection.needs =
            Grants::needed_by(&assessed.queries, &assessed.egress, |name| kinds.contains(name))
                .map_err(|problems| anyhow!(source.sentences(&problems, &connection.config)))?;
        connection.needs.reads.extend(plugin.descriptor.reads.iter().copied());
        connection.grants = match &cassette.grants {
            None => connection.needs.clone(),
            Some(given) => given.grants()?.limited_to(&connection.needs),
        };
        connection.queries = assessed.queries;
        let asked = plugin.descriptor.reads.iter();
        let reads = asked.filter(|read| connection.grants.reads.contains(read)).copied().collect();
        let credentials = match credentials {
            Some(credentials) => credentials,
            None => made_up(cassette, &connection.needs)?,
        };
        let names = Names::new(
            identities.iter().map(|(kind, values)| (kind.as_str(), values.as_slice())),
            credentials.iter().map(|(name, secret)| (name.as_str(), secret.expose())),
        );
        let subject = subject(source, &identities)?;
        Ok(Self { connection, subject, policy_settings, reads, credentials, names })
    }
}

/// Asks the plugin like a host does: when a connection is written, and with settings when a policy
/// is about to store them for it.
async fn assess(
    sandbox: &Sandbox,
    connection: &Connection,
    policy_settings: Option<String>,
) -> anyhow::Result<Assessment> {
    let draft = Draft {
        config: connection.config.to_string(),
        actions: connection.capabilities.iter().copied().collect(),
        policy_settings,
    };
    let digest = sandbox.admission.plugin.reference.digest;
    Ok(sandbox.runtime.validate(&Sandbox::terms(), digest, &draft).await?)
}

async fn check_policy_settings(
    sandbox: &Sandbox,
    connection: &Connection,
    policy_settings: Option<String>,
) -> anyhow::Result<()> {
    let assessed = assess(sandbox, connection, policy_settings).await?;
    let one =
        |problem: &Problem| format!("/policy_settings{}: {}", problem.pointer, problem.message);
    let said: Vec<String> = errors(&assessed).into_iter().map(one).collect();
    ensure!(said.is_empty(), "{}", said.join("; "));
    Ok(())
}

fn errors(assessed: &Assessment) -> Vec<&Problem> {
    let problems = assessed.problems.iter();
    problems.filter(|problem| problem.severity == Severity::Error).collect()
}

fn connection(
    source: Source<'_>,
    cassette: &Cassette,
    plugin: &Plugin,
) -> anyhow::Result<Connection> {
    let config = Value::Object(cassette.connection.clone());
    let of_type = &plugin.descriptor.connector_type;
    let connector_type = text(&config, "connector_type");
    ensure!(
        connector_type.as_deref() == Some(of_type),
        "{}: the component serves {of_type}",
        source.of_connection("/connector_type")
    );
    let mut capabilities = BTreeSet::new();
    for (n, word) in items(&config, "capabilities").enumerate() {
        let action = word.as_str().and_then(Action::from_capability);
        let known = Action::ALL.map(Action::capability).join(", ");
        let place = source.of_connection(&format!("/capabilities/{n}"));
        let wrong = || anyhow!("{place}: must be one of {known}");
        capabilities.insert(action.ok_or_else(wrong)?);
    }
    let now = SystemClock.now();
    Ok(Connection {
        tenant: Sandbox::terms().tenant,
        key: "cassette".parse::<ConnectionKey>().context("the connection's key")?,
        uuid: Uuid::nil(),
        name: text(&config, "name").unwrap_or_default(),
        description: None,
        connector_type: of_type.clone(),
        plugin: plugin.reference.clone(),
        capabilities,
        mode: Mode::Test,
        enabled: true,
        credentials_location: None,
        vault_secrets: None,
        ca_bundle: text(&config, "ca_bundle"),
        job_timeout: None,
        config,
        queries: Vec::new(),
        needs: Grants::default(),
        grants: Grants::default(),
        problems: Vec::new(),
        last_test: None,
        created_at: now,
        updated_at: now,
        revision: Revision::FIRST,
    })
}

/// Kinds and their values, in their order.
fn identities(cassette: &Cassette) -> anyhow::Result<Vec<(String, Vec<String>)>> {
    let mut identities = Vec::new();
    for (kind, given) in &cassette.identities {
        let values: Option<Vec<String>> = match given {
            Value::String(one) => Some(vec![one.clone()]),
            Value::Array(several) => {
                several.iter().map(|value| value.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        let values = values.with_context(|| {
            format!("/identities/{kind}: must be a string or a list of strings")
        })?;
        identities.push((kind.clone(), values));
    }
    Ok(identities)
}

fn subject(
    source: Source<'_>,
    identities: &[(String, Vec<String>)],
) -> anyhow::Result<DataSubject> {
    let mut subject = DataSubject::default();
    for (kind, values) in identities {
        let place = source.of_identities(kind);
        let parsed = kind.parse().map_err(|error| anyhow!("{place}: {error}"))?;
        for value in values {
            check_identity_value(value).map_err(|error| anyhow!("{place}: {error}"))?;
            subject.identities.push(Identity {
                kind: Clone::clone(&parsed),
                value: value.clone(),
                source: IdentitySource::Submitted,
            });
        }
    }
    Ok(subject)
}

/// Names that are identities: all others are secrets.
fn kinds(identities: &[(String, Vec<String>)], assessed: &Assessment) -> BTreeSet<String> {
    let given = identities.iter().map(|(kind, _)| kind.clone());
    let usual = Tenant::initial_identity_kinds().into_iter().map(|kind| kind.to_string());
    let found = assessed.queries.iter().filter_map(|query| query.wanted.as_ref());
    given.chain(usual).chain(found.map(ToString::to_string)).collect()
}

/// The cassette's credentials, and a made-up one for each that it does not give.
fn made_up(cassette: &Cassette, needs: &Grants) -> anyhow::Result<Credentials> {
    let mut secrets: BTreeMap<String, String> = needs
        .secrets
        .iter()
        .map(|grant| (grant.name.clone(), format!("made-up-{}", grant.name)))
        .collect();
    for (name, value) in &cassette.secrets {
        let value = value.as_str().with_context(|| format!("/secrets/{name}: must be a string"))?;
        secrets.insert(name.clone(), value.to_owned());
    }
    Ok(secrets.into_iter().map(|(name, value)| (name, Secret::new(value))).collect())
}

impl GrantsGiven {
    fn grants(&self) -> anyhow::Result<Grants> {
        let mut grants = Grants::default();
        for (n, given) in self.http.iter().enumerate() {
            let at = |error| anyhow!("/grants/http/{n}: {error}");
            grants.http.push(HttpGrant {
                origin: given.origin.parse().map_err(at)?,
                methods: given.methods.iter().cloned().collect(),
                paths: Paths::read(given.path.as_deref(), given.path_prefix.as_deref())
                    .map_err(at)?,
                unverified_tls: given.unverified_tls,
                raw: given.raw,
            });
        }
        for (n, given) in self.secrets.iter().enumerate() {
            let places = given.places.iter().map(|place| match place {
                PlaceGiven::Url => Place::Url,
                PlaceGiven::Header => Place::Header,
                PlaceGiven::Body => Place::Body,
            });
            grants.secrets.push(SecretGrant {
                name: given.name.clone(),
                origin: given
                    .origin
                    .parse()
                    .map_err(|error| anyhow!("/grants/secrets/{n}: {error}"))?,
                places: places.collect(),
            });
        }
        for (given, read) in
            [(self.identities, ReadGrant::Identities), (self.responses, ReadGrant::Responses)]
        {
            if given == Reading::Read {
                grants.reads.insert(read);
            }
        }
        grants.sort();
        Ok(grants)
    }
}
