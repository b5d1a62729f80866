//! Fixes a request's tasks: which connections take part, in which stage, and what they need.
//!
//! BEHAVIOUR I1–I3. Also answers at submission whether every rule is served.

use std::collections::BTreeSet;

use cordon_model::commit::Commit;
use cordon_model::connection::Connection;
use cordon_model::input::{Form, FormField};
use cordon_model::page::Page;
use cordon_model::plan::{Query, WhenMissing};
use cordon_model::policy::{ManualField, ManualWebhook, PolicyTerms};
use cordon_model::request::{Event, PrivacyRequest, WebhookRun, WebhookState};
use cordon_model::subject::{DataSubject, IdentityKind};
use cordon_model::task::{Stage, Task, TaskState};
use cordon_model::{Action, Failure, FailureCode, PolicyKey, TaskId, TenantId};

use crate::ids::new_uuid;
use crate::services::Services;
use crate::step::{ApplyError, HostError};
use crate::waiting;

/// Everything of a tenant that can take part in a request.
pub(crate) struct Cast {
    /// Enabled, live, and allowed by the policy; oldest first.
    connections: Vec<Connection>,
    /// Enabled manual webhooks of the policy whose connection is among the enabled live ones.
    manual: Vec<(Connection, ManualWebhook)>,
    /// Every kind of identity that the tenant knows of.
    kinds: BTreeSet<IdentityKind>,
}

impl Services {
    /// Who can take part in requests under a policy.
    pub(crate) async fn cast(
        &self,
        tenant: &TenantId,
        policy: &PolicyKey,
        terms: &PolicyTerms,
    ) -> Result<Cast, HostError> {
        let all = self.all_connections(tenant).await?;
        let kinds = self.kinds_known_to(tenant, &all).await?;
        let takes_part = |c: &&Connection| waiting::takes_part(c);
        let webhooks = self.store().manual_webhooks(tenant, policy).await?;
        let manual = webhooks
            .into_iter()
            .filter(|webhook| webhook.enabled && (webhook.confirm || terms.has(Action::Access)))
            .filter_map(|webhook| {
                let of = |c: &&Connection| c.key == webhook.connection;
                let connection = all.iter().filter(takes_part).find(of)?.clone();
                Some((connection, webhook))
            })
            .collect();
        let listed =
            |c: &&Connection| terms.connections.as_ref().is_none_or(|keys| keys.contains(&c.key));
        // A connector for which policies store something takes part through its policy only.
        let by_rule = |c: &&Connection| {
            let plugin = self.ports.connectors.plugin_for(tenant, &c.connector_type);
            plugin.is_some_and(|plugin| plugin.descriptor.policy_schema.is_none())
        };
        let connections =
            all.iter().filter(takes_part).filter(listed).filter(by_rule).cloned().collect();
        Ok(Cast { connections, manual, kinds })
    }

    /// Every connection of a tenant, oldest first.
    pub(crate) async fn all_connections(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<Connection>, HostError> {
        let mut all = Vec::new();
        let mut page = Page::first();
        loop {
            let listing = self.store().connections(tenant, &page).await?;
            all.extend(listing.items);
            match listing.next_cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => break,
            }
        }
        all.reverse();
        Ok(all)
    }

    /// The tenant's declared kinds, and those that identifiers queries declare (BEHAVIOUR B5).
    pub(crate) async fn kinds_known_to(
        &self,
        tenant: &TenantId,
        connections: &[Connection],
    ) -> Result<BTreeSet<IdentityKind>, HostError> {
        let declared = self.store().tenant(tenant).await?.map(|t| t.identity_kinds);
        let mut kinds = declared.unwrap_or_default();
        let queries = connections.iter().flat_map(|connection| &connection.queries);
        kinds.extend(queries.filter_map(|query| query.wanted.clone()));
        Ok(kinds)
    }
}

impl Cast {
    /// Rules that nothing serves.
    pub(crate) fn unserved(&self, terms: &PolicyTerms) -> Vec<Action> {
        let served = |action: Action| {
            (action == Action::Access && !self.manual.is_empty())
                || self.connections.iter().any(|c| c.capabilities.contains(&action))
        };
        terms.rules.iter().map(|rule| rule.action).filter(|action| !served(*action)).collect()
    }

    /// The identity kinds that a query names.
    fn kinds_of<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = IdentityKind> + 'a {
        query
            .names
            .iter()
            .filter_map(|(name, _)| name.parse::<IdentityKind>().ok())
            .filter(|kind| self.kinds.contains(kind))
    }

    fn queries<'a>(
        connection: &'a Connection,
        action: Action,
        wanted: Option<&'a IdentityKind>,
    ) -> impl Iterator<Item = &'a Query> + 'a {
        let of = move |q: &&Query| q.action == Some(action) && q.wanted.as_ref() == wanted;
        connection.queries.iter().filter(of)
    }

    /// What a task cannot run without: the kinds that its queries name and do not skip over.
    fn needs(
        &self,
        connection: &Connection,
        action: Action,
        wanted: Option<&IdentityKind>,
    ) -> BTreeSet<IdentityKind> {
        Self::queries(connection, action, wanted)
            .filter(|query| query.when_missing == WhenMissing::Fail)
            .flat_map(|query| self.kinds_of(query))
            .collect()
    }

    /// Which identifiers can be asked of which connection.
    fn identifier_sources(&self) -> impl Iterator<Item = (&Connection, IdentityKind)> {
        self.connections.iter().filter(|c| c.capabilities.contains(&Action::Identifiers)).flat_map(
            |connection| {
                let queries = connection.queries.iter();
                let wanted: BTreeSet<_> = queries
                    .filter(|query| query.action == Some(Action::Identifiers))
                    .filter_map(|query| query.wanted.clone())
                    .collect();
                wanted.into_iter().map(move |kind| (connection, kind))
            },
        )
    }

    /// The kinds worth finding: all, under an identifiers rule; else those that a later query
    /// names and nobody gave, and what is needed to find them (BEHAVIOUR I3).
    fn worth_finding(&self, terms: &PolicyTerms, subject: &DataSubject) -> BTreeSet<IdentityKind> {
        if terms.has(Action::Identifiers) {
            return self.identifier_sources().map(|(_, kind)| kind).collect();
        }
        let later = [Action::Access, Action::Delete, Action::Optout];
        let mut worth: BTreeSet<IdentityKind> = BTreeSet::new();
        for connection in &self.connections {
            for action in later.into_iter().filter(|a| terms.has(*a)) {
                let named = Self::queries(connection, action, None).flat_map(|q| self.kinds_of(q));
                worth.extend(named.filter(|kind| !subject.knows(kind)));
            }
        }
        loop {
            let mut more = BTreeSet::new();
            for (connection, kind) in self.identifier_sources().filter(|(_, k)| worth.contains(k)) {
                let needs = self.needs(connection, Action::Identifiers, Some(&kind));
                more.extend(needs.into_iter().filter(|k| !subject.knows(k) && !worth.contains(k)));
            }
            if more.is_empty() {
                return worth;
            }
            worth.extend(more);
        }
    }

    /// The tasks of a request, in the order of their stages.
    fn tasks(&self, request: &PrivacyRequest, id: impl Fn() -> TaskId) -> Vec<Task> {
        let terms = &request.terms;
        let new = |stage, connection: &Connection, action, wanted: Option<IdentityKind>| Task {
            id: id(),
            stage,
            connection: connection.key.clone(),
            connection_revision: connection.revision,
            plugin: connection.plugin.clone(),
            action,
            needs: self.needs(connection, action, wanted.as_ref()),
            wanted,
            state: TaskState::Queued,
            segment: None,
            segments_closed: 0,
            form: None,
            carry: None,
            given: BTreeSet::new(),
            rounds: 0,
            calls: Vec::new(),
            skipped: Vec::new(),
        };
        let manual = self.manual.iter().map(|(c, _)| new(Stage::Manual, c, Action::Access, None));
        let mut tasks: Vec<Task> = manual.collect();
        let worth = self.worth_finding(terms, &request.subject);
        for (connection, kind) in self.identifier_sources().filter(|(_, k)| worth.contains(k)) {
            tasks.push(new(Stage::Identifiers, connection, Action::Identifiers, Some(kind)));
        }
        let stages = [
            (Stage::Access, Action::Access),
            (Stage::Erasure, Action::Delete),
            (Stage::Erasure, Action::Optout),
        ];
        for (stage, action) in stages.into_iter().filter(|(_, action)| terms.has(*action)) {
            let able = self.connections.iter().filter(|c| c.capabilities.contains(&action));
            tasks.extend(able.map(|connection| new(stage, connection, action, None)));
        }
        tasks
    }
}

/// Fixes the tasks and starts the request, or fails it with the reason.
pub(crate) async fn start(services: &Services, request: PrivacyRequest) -> Result<(), ApplyError> {
    let cast = services.cast(&request.tenant, &request.policy, &request.terms).await?;
    let unserved = cast.unserved(&request.terms);
    let now = services.now();
    let tasks = cast.tasks(&request, || TaskId::new(new_uuid(now)));
    let webhooks = webhooks_of(services, &request).await?;
    let refused = if !unserved.is_empty() && !request.terms.allow_unserved {
        let actions: Vec<&str> = unserved.iter().map(|action| action.as_str()).collect();
        let detail = format!("no enabled live connection serves: {}", actions.join(", "));
        Some(Failure::new(FailureCode::RuleUnserved, detail))
    } else if tasks.len() > services.options.tasks_max {
        let detail = format!("{} tasks, at most {}", tasks.len(), services.options.tasks_max);
        Some(Failure::new(FailureCode::LimitReached, detail))
    } else {
        None
    };
    let event = match refused {
        Some(failure) => Event::Failed { failure },
        None => Event::Started { tasks, unserved, webhooks },
    };
    services.apply_as_host(&request, event, Commit::default()).await.map(|_| ())
}

/// Every webhook of the policy, to be told about this request.
async fn webhooks_of(
    services: &Services,
    request: &PrivacyRequest,
) -> Result<Vec<WebhookRun>, HostError> {
    let webhooks = services.store().policy_webhooks(&request.tenant, &request.policy).await?;
    let queued = webhooks.into_iter().map(|webhook| WebhookRun {
        id: webhook.id,
        phase: webhook.phase,
        order: webhook.order,
        direction: webhook.direction,
        attempts: 0,
        state: WebhookState::Queued,
    });
    Ok(queued.collect())
}

/// The form that a manual webhook asks for.
pub(crate) fn form_of(fields: &[ManualField]) -> Form {
    let field = |field: &ManualField| FormField {
        name: field.pii_field.clone(),
        label: field.dsr_package_label.clone(),
        types: field.types.clone(),
        required: field.required,
    };
    Form { fields: fields.iter().map(field).collect() }
}

/// What a policy stores for a manual webhook that asks for a form, as the connector is given it.
pub(crate) fn settings_json(form: &Form) -> String {
    let fields: Vec<serde_json::Value> = form
        .fields
        .iter()
        .map(|field| {
            let types: Vec<&str> = field.types.iter().map(|t| t.as_str()).collect();
            serde_json::json!({
                "pii_field": field.name,
                "dsr_package_label": field.label,
                "types": types,
                "required": field.required,
            })
        })
        .collect();
    serde_json::json!({ "fields": fields }).to_string()
}
