//! Manual webhooks of a policy: which fields a person is asked for, and what they are called in
//! the package (BEHAVIOUR F2, F3).
//!
//! The fields are the plugin's to check: it is asked about them as it is about a configuration.
//! Requests that wait are asked what is defined now, so each change is followed by a review of
//! them (`waiting`); what that does to them is not decided here.

use cordon_model::audit::AuditEvent;
use cordon_model::commit::{Change, Commit};
use cordon_model::connection::Connection;
use cordon_model::input::FieldType;
use cordon_model::page::{Listing, Page};
use cordon_model::policy::{ManualField, ManualWebhook, Policy};
use cordon_model::{ConnectionKey, Problem, Revision, TenantId};
use serde_json::{Map, Value, json};

use super::connections::MANUAL_WEBHOOK;
use super::problems::Problems;
use super::revisions::next_revision;
use crate::{Access, Conflict, Error, Missing, Services};

/// A manual webhook as it was written.
#[derive(Debug, Clone, Default)]
pub struct ManualWebhookDraft {
    /// Key of the connection; none: the one of the path.
    pub connection: Option<String>,
    /// What is asked for; at least one.
    pub fields: Vec<FieldDraft>,
    /// A disabled one is not asked for.
    pub enabled: bool,
    /// Holds up requests of a policy without an access rule too.
    pub confirm: bool,
}

/// A field as it was written.
#[derive(Debug, Clone, Default)]
pub struct FieldDraft {
    /// What is asked for.
    pub pii_field: String,
    /// None: the snake_case of the field.
    pub dsr_package_label: Option<String>,
    /// None: text.
    pub types: Option<Vec<String>>,
    /// Whether it must be given.
    pub required: bool,
}

impl Services {
    /// Creates a manual webhook.
    ///
    /// # Errors
    /// All problems of it, or that its connection has one already, in whatever policy.
    pub async fn create_manual_webhook(
        &self,
        access: &Access,
        policy: &str,
        draft: ManualWebhookDraft,
    ) -> Result<ManualWebhook, Error> {
        let policy = self.policy(access, policy).await?;
        let Some(name) = draft.connection.clone() else {
            let message = "is required";
            return Err(Error::problem(Problem::error("missing_field", "/connection", message)));
        };
        let connection = match self.connection(access, &name).await {
            Err(Error::NotFound(_)) => {
                let message = "there is no such connection";
                let problem = Problem::error("unknown_connection", "/connection", message);
                return Err(Error::problem(problem));
            }
            found => found?,
        };
        let webhook = self.check_webhook(&policy, &connection, draft, None).await?;
        if self.store().manual_webhook(&access.tenant, &connection.key).await?.is_some() {
            return Err(exists(&connection));
        }
        self.store_webhook(access, &webhook, None).await?;
        Ok(webhook)
    }

    /// Creates or replaces the manual webhook of a connection; true: it was created.
    ///
    /// # Errors
    /// All problems of it, that the connection has one in another policy, or that it was changed
    /// since it was read.
    pub async fn put_manual_webhook(
        &self,
        access: &Access,
        policy: &str,
        connection: &str,
        draft: ManualWebhookDraft,
        if_match: Option<Revision>,
    ) -> Result<(ManualWebhook, bool), Error> {
        let policy = self.policy(access, policy).await?;
        let connection = self.connection(access, connection).await?;
        let same = [connection.key.to_string(), connection.uuid.to_string()];
        if draft.connection.as_ref().is_some_and(|written| !same.contains(written)) {
            let message = "is not the one in the path";
            return Err(Error::problem(Problem::error("mismatch", "/connection", message)));
        }
        let stored = self.store().manual_webhook(&access.tenant, &connection.key).await?;
        if stored.as_ref().is_some_and(|stored| stored.policy != policy.key) {
            return Err(exists(&connection));
        }
        next_revision(stored.as_ref().map(|stored| stored.revision), if_match)?;
        let webhook = self.check_webhook(&policy, &connection, draft, stored.as_ref()).await?;
        self.store_webhook(access, &webhook, if_match).await?;
        Ok((webhook, stored.is_none()))
    }

    /// The manual webhook that a policy has for a connection.
    ///
    /// # Errors
    /// When it has none.
    pub async fn manual_webhook(
        &self,
        access: &Access,
        policy: &str,
        connection: &str,
    ) -> Result<ManualWebhook, Error> {
        let policy = self.policy(access, policy).await?;
        let connection = self.connection(access, connection).await?;
        let stored = self.store().manual_webhook(&access.tenant, &connection.key).await?;
        stored
            .filter(|webhook| webhook.policy == policy.key)
            .ok_or(Error::NotFound(Missing::ManualWebhook))
    }

    /// A policy's manual webhooks, newest first. The cursor is the last one's connection.
    ///
    /// # Errors
    /// When there is no such policy.
    pub async fn manual_webhooks(
        &self,
        access: &Access,
        policy: &str,
        page: &Page,
    ) -> Result<Listing<ManualWebhook>, Error> {
        let policy = self.policy(access, policy).await?;
        let all = self.store().manual_webhooks(&access.tenant, &policy.key).await?;
        let mut newest_first: Vec<_> = all.into_iter().rev().collect();
        if let Some(cursor) = &page.cursor {
            let at = newest_first.iter().position(|w| w.connection.as_str() == cursor);
            newest_first.drain(..at.map_or(newest_first.len(), |at| at + 1));
        }
        let more = newest_first.len() > page.limit;
        newest_first.truncate(page.limit);
        let last = newest_first.last().map(|webhook| webhook.connection.to_string());
        Ok(Listing { items: newest_first, next_cursor: last.filter(|_| more) })
    }

    /// Removes a manual webhook. Requests that waited only for it go on.
    ///
    /// # Errors
    /// When there is none, or it was changed since it was read.
    pub async fn delete_manual_webhook(
        &self,
        access: &Access,
        policy: &str,
        connection: &str,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        let tenant = &access.tenant;
        let webhook = self.manual_webhook(access, policy, connection).await?;
        next_revision(Some(webhook.revision), if_match)?;
        let event = event_about(access, self.now(), "manual_webhook.deleted", &webhook);
        let (connection, revision) = (webhook.connection, webhook.revision);
        let change = Change::DeleteManualWebhook(tenant.clone(), connection.clone(), revision);
        self.commit_then_review(tenant, connection, Commit::of(change, event), if_match).await
    }

    /// Commits a change of what people are asked for a connection, and has the requests reviewed
    /// that wait for it. Both happen although the caller hangs up in between.
    pub(super) async fn commit_then_review(
        &self,
        tenant: &TenantId,
        connection: ConnectionKey,
        commit: Commit,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        let (services, tenant) = (self.clone(), tenant.clone());
        let work = async move {
            let written = services.commit_write(commit, if_match).await;
            // One too many does no harm.
            services.scheduler.reviews.add(tenant, connection);
            written
        };
        let broke = |_| Err(Error::Unavailable("the change broke".to_owned()));
        tokio::spawn(work).await.unwrap_or_else(broke)
    }

    async fn store_webhook(
        &self,
        access: &Access,
        webhook: &ManualWebhook,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        let created = webhook.revision == Revision::FIRST;
        let word = if created { "manual_webhook.created" } else { "manual_webhook.updated" };
        let event = event_about(access, self.now(), word, webhook)
            .with("fields", webhook.fields.len())
            .with("enabled", webhook.enabled)
            .with("confirm", webhook.confirm);
        let commit = Commit::of(Change::PutManualWebhook(webhook.clone()), event);
        let connection = webhook.connection.clone();
        self.commit_then_review(&access.tenant, connection, commit, if_match).await
    }

    async fn check_webhook(
        &self,
        policy: &Policy,
        connection: &Connection,
        draft: ManualWebhookDraft,
        stored: Option<&ManualWebhook>,
    ) -> Result<ManualWebhook, Error> {
        if connection.connector_type != MANUAL_WEBHOOK {
            let message = "must be a connection of type manual_webhook";
            let problem = Problem::error("wrong_connector_type", "/connection", message);
            return Err(Error::problem(problem));
        }
        let mut problems = Problems::default();
        let most = self.options.webhook_fields_max;
        if draft.fields.len() > most {
            problems.error("too_many", "/fields", format!("at most {most} fields"));
            return Err(problems.refuse());
        }
        let types = check_types(&draft.fields, &mut problems);
        let tenant = &connection.tenant;
        let plugin = self.ports.connectors.plugin_for(tenant, MANUAL_WEBHOOK).ok_or_else(|| {
            Error::Unavailable("the manual_webhook plugin is not loaded".to_owned())
        })?;
        let actions = connection.capabilities.iter().copied().collect();
        let settings = settings_as_written(&draft.fields);
        let assessment =
            self.ask_plugin(tenant, &plugin, &connection.config, actions, Some(settings)).await?;
        problems.extend(assessment.problems);
        problems.finish()?;
        let fields = named_fields(draft.fields, types);
        let mut problems = Problems::default();
        check_labels(&fields, &mut problems);
        problems.finish()?;
        Ok(ManualWebhook {
            tenant: connection.tenant.clone(),
            policy: policy.key.clone(),
            connection: connection.key.clone(),
            fields,
            enabled: draft.enabled,
            confirm: draft.confirm,
            created_at: stored.map_or_else(|| self.now(), |stored| stored.created_at),
            revision: next_revision(stored.map(|stored| stored.revision), None)?,
        })
    }
}

fn exists(connection: &Connection) -> Error {
    let detail = format!("the connection {} has a manual webhook already", connection.key);
    Error::conflict(Conflict::Exists, detail)
}

fn event_about(
    access: &Access,
    at: cordon_model::Timestamp,
    word: &str,
    webhook: &ManualWebhook,
) -> AuditEvent {
    AuditEvent::new(&access.tenant, at, access.actor.clone(), word)
        .with("policy", &webhook.policy)
        .with("connection", &webhook.connection)
        .with("revision", webhook.revision)
}

/// The types of each field. What is wrong with the words, the plugin says too.
fn check_types(fields: &[FieldDraft], problems: &mut Problems) -> Vec<Vec<FieldType>> {
    let mut all = Vec::new();
    for (n, field) in fields.iter().enumerate() {
        let pointer = format!("/fields/{n}/types");
        let Some(words) = &field.types else {
            all.push(vec![FieldType::Text]);
            continue;
        };
        if words.is_empty() {
            problems.error("invalid_value", pointer.as_str(), "must name at least one type");
        }
        let mut types = Vec::new();
        for (m, word) in words.iter().enumerate() {
            let at = format!("{pointer}/{m}");
            let known = [FieldType::Text, FieldType::File];
            match known.into_iter().find(|known| known.as_str() == word) {
                None => problems.error("invalid_value", at, "must be string or file"),
                Some(one) if types.contains(&one) => {
                    problems.error("duplicate_type", at, "stands here twice");
                }
                Some(one) => types.push(one),
            }
        }
        all.push(types);
    }
    all
}

/// What the plugin is asked about: the fields as they were written, so that its pointers match.
/// A label that was left out is left out here too.
fn settings_as_written(fields: &[FieldDraft]) -> String {
    let fields: Vec<Value> = fields
        .iter()
        .map(|field| {
            let mut object = Map::new();
            object.insert("pii_field".to_owned(), json!(field.pii_field.trim()));
            if let Some(label) = written_label(field) {
                object.insert("dsr_package_label".to_owned(), json!(label));
            }
            if let Some(types) = &field.types {
                object.insert("types".to_owned(), json!(types));
            }
            object.insert("required".to_owned(), json!(field.required));
            Value::Object(object)
        })
        .collect();
    json!({ "fields": fields }).to_string()
}

/// A blank label is as good as none.
fn written_label(field: &FieldDraft) -> Option<&str> {
    field.dsr_package_label.as_deref().map(str::trim).filter(|label| !label.is_empty())
}

fn named_fields(drafts: Vec<FieldDraft>, types: Vec<Vec<FieldType>>) -> Vec<ManualField> {
    drafts
        .into_iter()
        .zip(types)
        .map(|(draft, types)| {
            let pii_field = draft.pii_field.trim().to_owned();
            let label = written_label(&draft).map_or_else(|| snake_case(&pii_field), str::to_owned);
            ManualField { pii_field, dsr_package_label: label, types, required: draft.required }
        })
        .collect()
}

/// Longest label that is made of a field, in characters; the plugin's limit for any label.
const LABEL_MAX: usize = 200;

/// The default label, as the plugin makes it: lower case, with `_` for white space and hyphens.
fn snake_case(field: &str) -> String {
    let underscored = |c: char| if c == '-' || c.is_whitespace() { '_' } else { c };
    field.to_lowercase().chars().map(underscored).take(LABEL_MAX).collect()
}

/// Labels are keys of the input and of the package, so the host makes sure of them itself when
/// the plugin finds nothing wrong.
fn check_labels(fields: &[ManualField], problems: &mut Problems) {
    for (n, field) in fields.iter().enumerate() {
        let earlier = fields.iter().take(n);
        if earlier.clone().any(|other| other.dsr_package_label == field.dsr_package_label) {
            let message = "another field has this label in the package; give labels of their own";
            problems.error("duplicate_label", format!("/fields/{n}/dsr_package_label"), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, label: Option<&str>) -> FieldDraft {
        FieldDraft {
            pii_field: name.to_owned(),
            dsr_package_label: label.map(str::to_owned),
            ..FieldDraft::default()
        }
    }

    #[test]
    fn a_label_is_the_snake_case_of_its_field_unless_it_was_given() {
        let drafts = vec![
            field(" Home Phone-Number ", None),
            field("Notes", Some("remarks")),
            field("Job", Some("  ")),
        ];
        let types = vec![vec![FieldType::Text]; 3];
        let labels: Vec<_> =
            named_fields(drafts, types).into_iter().map(|f| f.dsr_package_label).collect();
        assert_eq!(labels, ["home_phone_number", "remarks", "job"]);
    }

    #[test]
    fn two_fields_whose_labels_become_equal_are_an_error() {
        let drafts = vec![field("Home Phone", None), field("home-phone", None)];
        let fields = named_fields(drafts, vec![vec![FieldType::Text]; 2]);
        let mut problems = Problems::default();
        check_labels(&fields, &mut problems);
        let Err(Error::Invalid(errors)) = problems.finish() else { panic!("a duplicate") };
        assert_eq!(errors[0].pointer, "/fields/1/dsr_package_label");
    }

    #[test]
    fn a_field_takes_text_or_files_or_both_and_nothing_else() {
        let of = |words: &[&str]| FieldDraft {
            types: Some(words.iter().map(|word| (*word).to_owned()).collect()),
            ..field("Scan", None)
        };
        let mut problems = Problems::default();
        let types = check_types(&[of(&["file"]), of(&["string", "file"])], &mut problems);
        assert!(problems.finish().is_ok());
        assert_eq!(types, [vec![FieldType::File], vec![FieldType::Text, FieldType::File]]);
        let mut problems = Problems::default();
        check_types(&[of(&["file", "file"]), of(&["date"]), of(&[])], &mut problems);
        let Err(Error::Invalid(errors)) = problems.finish() else { panic!("three problems") };
        let found: Vec<_> = errors.iter().map(|e| (e.code.as_str(), e.pointer.as_str())).collect();
        assert_eq!(
            found,
            [
                ("duplicate_type", "/fields/0/types/1"),
                ("invalid_value", "/fields/1/types/0"),
                ("invalid_value", "/fields/2/types"),
            ]
        );
    }

    #[test]
    fn the_plugin_is_asked_about_the_fields_as_they_were_written() {
        let text = settings_as_written(&[field(" Home Phone ", None)]);
        assert_eq!(text, r#"{"fields":[{"pii_field":"Home Phone","required":false}]}"#);
    }
}
