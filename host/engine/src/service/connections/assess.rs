//! From the object that a person wrote to a checked connection.
//!
//! What every connection has is read in [`super::draft`]; what its connector makes of it is asked
//! of the plugin, and the egress gate looks at the plan; what its templates name is compared with
//! the tenant's identities and the connection's secrets in [`super::names`].

use std::collections::BTreeSet;

use cordon_model::connection::Connection;
use cordon_model::grant::{EgressLimits, Grants, OriginPattern, PrivateNetwork};
use cordon_model::plan::{Assessment, Draft as PluginDraft, EgressNeed, Query};
use cordon_model::plugin::{Plugin, ReadGrant};
use cordon_model::port::{ConnectorError, SecretsError};
use cordon_model::{Action, ConnectionKey, Problem, TenantId};
use serde_json::Value;
use uuid::Uuid;

use super::Wanted;
use super::draft::{self, Draft};
use super::names::{self, CredentialNames, Identities};
use crate::service::problems::{Problems, nearest};
use crate::service::revisions::next_revision;
use crate::{Access, Error, Services};

/// What a connection is granted by being written. The needs of a built-in connector are: its
/// configuration says all of them, and an administrator wrote it. Private networks and reading are
/// granted explicitly always, and so is everything to any other plugin.
fn granted(needs: &Grants, stored: Option<&Connection>, built_in: bool) -> Grants {
    let before = stored.map(|stored| stored.grants.clone()).unwrap_or_default();
    if built_in {
        Grants { http: needs.http.clone(), secrets: needs.secrets.clone(), ..before }
    } else {
        before
    }
}

/// Allowed is not harmless: it stays on the connection for as long as it is so.
fn warn_of_unchecked_certificates(queries: &[Query], problems: &mut Problems) {
    for query in queries.iter().filter(|query| !query.verify_tls) {
        let message = "certificates stay unchecked: anybody on the way can read and change what \
                       is sent and answered";
        problems.warning("tls_unverified", &query.pointer, message);
    }
}

/// What the tenant is not left is refused when it is written. The gate, which looked at the
/// planned requests, knows the operator's policy and no tenant.
fn check_queries(queries: &[Query], limits: &EgressLimits, problems: &mut Problems) {
    for query in queries {
        let Ok(origin) = query.origin.parse::<OriginPattern>() else { continue };
        if let Err(refusal) = limits.judge(&origin) {
            let pointer = format!("{}/url", query.pointer);
            problems.error(refusal.code(), pointer, format!("{origin}: {refusal}"));
        }
    }
}

/// A connection as far as its object and its plugin say. What its templates name is not looked at
/// yet: that depends on the tenant's other connections.
pub(in crate::service) struct Sketch {
    pub(in crate::service) connection: Connection,
    egress: Vec<EgressNeed>,
    reads: Vec<ReadGrant>,
    built_in: bool,
    problems: Problems,
}

impl Services {
    /// The connection that an object describes, with every check done.
    pub(super) async fn assess(
        &self,
        access: &Access,
        body: Value,
        stored: Option<&Connection>,
        wanted: Wanted,
    ) -> Result<Connection, Error> {
        let sketch = self.sketch(access, body, stored, wanted, None).await?;
        let identities = self.identities(access, &sketch.connection).await?;
        self.conclude(sketch, stored, &identities).await
    }

    /// What a stored connection becomes with another version of its plugin. Its revision is the
    /// next one; what it was tested with is gone.
    pub(in crate::service) async fn reassess(
        &self,
        access: &Access,
        stored: &Connection,
        plugin: Plugin,
    ) -> Result<Connection, Error> {
        let (body, wanted) = (stored.config.clone(), Wanted::default());
        let sketch = self.sketch(access, body, Some(stored), wanted, Some(plugin)).await?;
        let identities = self.identities(access, &sketch.connection).await?;
        let connection = self.conclude(sketch, Some(stored), &identities).await?;
        Ok(Connection { last_test: None, ..connection })
    }

    /// The first part of the checks. `plugin`: none, the active one of the type.
    pub(super) async fn sketch(
        &self,
        access: &Access,
        body: Value,
        stored: Option<&Connection>,
        wanted: Wanted,
        plugin: Option<Plugin>,
    ) -> Result<Sketch, Error> {
        let mut problems = Problems::default();
        let draft = draft::read(&body, &mut problems)?;
        let bundle = draft.ca_bundle.as_deref();
        problems.extend(bundle.and_then(|pem| self.ports.egress.check_ca_bundle(pem).err()));
        let identity = draft.identity(stored, wanted, &mut problems);
        let Some(plugin) = self.plugin_of(&access.tenant, &draft, plugin, &mut problems) else {
            return Err(problems.refuse());
        };
        let actions = draft.capabilities.iter().map(|(_, action)| *action).collect();
        let assessment = self.ask_plugin(&access.tenant, &plugin, &body, actions, None).await?;
        problems.extend(assessment.problems);
        let Some(identity) = identity else { return Err(problems.refuse()) };
        let (built_in, reads) = (plugin.built_in, plugin.descriptor.reads.clone());
        let mut connection = self.connection_from(access, draft, identity, plugin, body, stored)?;
        connection.queries = assessment.queries;
        let egress = assessment.egress;
        Ok(Sketch { connection, egress, reads, built_in, problems })
    }

    /// The rest of the checks, knowing every name that is an identity in the tenant.
    pub(in crate::service) async fn conclude(
        &self,
        sketch: Sketch,
        stored: Option<&Connection>,
        identities: &Identities,
    ) -> Result<Connection, Error> {
        let Sketch { mut connection, egress, reads, built_in, mut problems } = sketch;
        let credentials = self.credential_names(&connection, &mut problems).await;
        let Connection { key, config, queries, .. } = &connection;
        names::check(key, config, queries, identities, &credentials, &mut problems);
        warn_of_unchecked_certificates(&connection.queries, &mut problems);
        let is_identity = |name: &str| identities.contains(name);
        match Grants::needed_by(&connection.queries, &egress, is_identity) {
            Ok(needs) => connection.needs = needs,
            Err(found) => problems.extend(found),
        }
        let limits = self.tenant_by_id(&connection.tenant).await?.egress;
        check_queries(&connection.queries, &limits, &mut problems);
        self.check_needs(&egress, &limits, &mut problems);
        connection.needs.reads.extend(reads);
        connection.needs.private = self.private_needs(&connection.needs);
        connection.grants = granted(&connection.needs, stored, built_in);
        connection.problems = problems.finish()?;
        Ok(connection)
    }

    fn plugin_of(
        &self,
        tenant: &TenantId,
        draft: &Draft,
        given: Option<Plugin>,
        problems: &mut Problems,
    ) -> Option<Plugin> {
        let connector_type = draft.connector_type.as_deref()?;
        let active = || self.ports.connectors.plugin_for(tenant, connector_type);
        let Some(plugin) = given.or_else(active) else {
            let message = self.no_plugin_for(tenant, connector_type);
            problems.error("unknown_connector_type", "/connector_type", message);
            return None;
        };
        for (n, action) in &draft.capabilities {
            if !plugin.descriptor.actions.contains(action) {
                let message = format!("connections of this type cannot be asked for {action}");
                problems.error("unsupported_capability", format!("/capabilities/{n}"), message);
            }
        }
        Some(plugin)
    }

    /// What could never be granted is refused when it is written. The gate looked at the planned
    /// requests; this is what the plugin may reach beside them.
    fn check_needs(&self, egress: &[EgressNeed], limits: &EgressLimits, problems: &mut Problems) {
        let origins = egress.iter().filter_map(|need| need.origin.parse::<OriginPattern>().ok());
        for origin in origins {
            if let Err(refusal) = self.ports.egress.policy().judge_within(limits, &origin) {
                let message = format!("the plugin needs {origin}: {refusal}");
                problems.error(refusal.code(), "", message);
            }
        }
    }

    /// Private addresses that are written out in what is needed. Where a name leads no plan says.
    fn private_needs(&self, needs: &Grants) -> Vec<PrivateNetwork> {
        let own = &self.ports.egress.policy().private;
        let addresses = needs.http.iter().filter_map(|grant| grant.origin.address());
        let mut networks: Vec<_> = addresses
            .filter_map(PrivateNetwork::of_address)
            .filter(|address| own.iter().any(|network| network.covers(address)))
            .collect();
        networks.sort();
        networks.dedup();
        networks
    }

    /// Why a type has no connections, with the type that was probably meant.
    pub(in crate::service) fn no_plugin_for(
        &self,
        tenant: &TenantId,
        connector_type: &str,
    ) -> String {
        let plugins = self.ports.connectors.plugins(tenant);
        let known: BTreeSet<&str> =
            plugins.iter().map(|plugin| plugin.descriptor.connector_type.as_str()).collect();
        match nearest(connector_type, known.iter().copied()) {
            Some(near) => format!("no plugin serves this type; did you mean {near}?"),
            None => {
                let known: Vec<_> = known.into_iter().collect();
                format!("no plugin serves this type; there are {}", known.join(", "))
            }
        }
    }

    /// Asks the plugin about a configuration, and about what a policy is about to store for it.
    pub(in crate::service) async fn ask_plugin(
        &self,
        tenant: &TenantId,
        plugin: &Plugin,
        config: &Value,
        actions: Vec<Action>,
        policy_settings: Option<String>,
    ) -> Result<Assessment, Error> {
        let draft = PluginDraft { config: config.to_string(), actions, policy_settings };
        let terms = self.terms_of(tenant).await?;
        match self.ports.connectors.validate(&terms, plugin.reference.digest, &draft).await {
            Ok(assessment) => Ok(assessment),
            Err(ConnectorError::Failed(failure)) => {
                let message = format!("the plugin could not look at it: {}", failure.detail);
                Err(Error::problem(Problem::error(failure.code.as_str(), "", message)))
            }
            Err(ConnectorError::Host(reason)) => Err(Error::Unavailable(reason)),
        }
    }

    /// Every name that is an identity in the tenant, this connection's own queries included.
    pub(in crate::service) async fn identities(
        &self,
        access: &Access,
        connection: &Connection,
    ) -> Result<Identities, Error> {
        let mut others = self.all_connections(&access.tenant).await?;
        others.retain(|other| other.key != connection.key);
        let mut identities = Identities::new(self.kinds_known_to(&access.tenant, &others).await?);
        identities.declare(&connection.queries);
        Ok(identities)
    }

    /// The names of the connection's credentials, where they can be had now.
    async fn credential_names(
        &self,
        connection: &Connection,
        problems: &mut Problems,
    ) -> CredentialNames {
        if let Some(names) = &connection.vault_secrets {
            return CredentialNames::Known(names.clone());
        }
        if connection.credentials_location.is_none() {
            return CredentialNames::NotStored;
        }
        match self.ports.secrets.credentials(connection).await {
            Ok(credentials) => CredentialNames::Known(credentials.into_keys().collect()),
            Err(reason) => {
                let (code, pointer) = (names::CREDENTIALS_UNAVAILABLE, "/credentials_location");
                let message = match reason {
                    SecretsError::Unserved => format!(
                        "{reason}; store them with PUT /v1/connections/{}/secrets",
                        connection.key
                    ),
                    SecretsError::Unavailable(_) => reason.to_string(),
                };
                problems.warning(code, pointer, message);
                CredentialNames::NotStored
            }
        }
    }

    fn connection_from(
        &self,
        access: &Access,
        draft: Draft,
        (key, uuid): (ConnectionKey, Uuid),
        plugin: Plugin,
        config: Value,
        stored: Option<&Connection>,
    ) -> Result<Connection, Error> {
        let now = self.now();
        // A result tells of the configuration that was tested.
        let same = |stored: &&Connection| {
            ["queries", "config", "ca_bundle"]
                .iter()
                .all(|part| stored.config.get(part) == config.get(part))
        };
        Ok(Connection {
            tenant: access.tenant.clone(),
            key,
            uuid,
            name: draft.name,
            description: draft.description,
            connector_type: plugin.descriptor.connector_type,
            plugin: plugin.reference,
            capabilities: draft.capabilities.into_iter().map(|(_, action)| action).collect(),
            mode: draft.mode,
            enabled: draft.enabled,
            credentials_location: draft.credentials_location,
            vault_secrets: stored.and_then(|stored| stored.vault_secrets.clone()),
            ca_bundle: draft.ca_bundle,
            job_timeout: draft.job_timeout,
            queries: Vec::new(),
            needs: Grants::default(),
            grants: Grants::default(),
            problems: Vec::new(),
            last_test: stored.filter(same).and_then(|stored| stored.last_test.clone()),
            created_at: stored.map_or(now, |stored| stored.created_at),
            updated_at: now,
            revision: next_revision(stored.map(|stored| stored.revision), None)?,
            config,
        })
    }
}
