//! Policies: written, read, listed, removed. A request keeps the terms it was submitted under, so
//! a change here concerns later requests only.

use cordon_model::audit::AuditEvent;
use cordon_model::commit::{Change, Commit};
use cordon_model::deadline::{DAYS_MAX, Deadline};
use cordon_model::page::{Listing, Page};
use cordon_model::policy::{OnError, Policy, PolicyTerms, Rule};
use cordon_model::{Action, ConnectionKey, PolicyKey, Problem, Revision};

use super::problems::Problems;
use super::revisions::next_revision;
use crate::{Access, Conflict, Error, Missing, Services};

/// A policy as it was written.
#[derive(Debug, Clone, Default)]
pub struct PolicyDraft {
    /// None: of the path, or made from the name.
    pub key: Option<String>,
    /// None: the key.
    pub name: Option<String>,
    /// At least one.
    pub rules: Vec<RuleDraft>,
    /// None: every live connection with the capability.
    pub connections: Option<Vec<String>>,
    /// None: true with a delete rule (BEHAVIOUR I6).
    pub requires_approval: Option<bool>,
    /// Whether a request goes on by itself when the last input is there.
    pub auto_resume: bool,
    /// Whether a request is accepted although a rule is served by nothing.
    pub allow_unserved: bool,
    /// `stop` or `continue`; none: `stop`.
    pub on_error: Option<String>,
    /// When requests are due; none: never.
    pub deadline: Option<DeadlineDraft>,
    /// Days after its end that a request's package and content are kept; none: no limit.
    pub retention_days: Option<u64>,
}

/// A deadline as it was written.
#[derive(Debug, Clone)]
pub enum DeadlineDraft {
    /// `gdpr` or `ccpa`.
    Law(String),
    /// Calendar days.
    Days(u64),
}

/// A rule as it was written.
#[derive(Debug, Clone)]
pub struct RuleDraft {
    /// The word of an action.
    pub action: String,
    /// Name of a configured destination; none: `local`.
    pub destination: Option<String>,
}

impl Services {
    /// Creates a policy.
    ///
    /// # Errors
    /// All problems of it, or that its key is taken.
    pub async fn create_policy(
        &self,
        access: &Access,
        draft: PolicyDraft,
    ) -> Result<Policy, Error> {
        let policy = self.check_policy(access, draft, None, None).await?;
        if self.store().policy(&access.tenant, &policy.key).await?.is_some() {
            let detail = format!("there is a policy {} already", policy.key);
            return Err(Error::conflict(Conflict::Exists, detail));
        }
        self.store_policy(access, &policy, None).await?;
        Ok(policy)
    }

    /// Creates or replaces a policy; true: it was created.
    ///
    /// # Errors
    /// All problems of it, or that it was changed since it was read.
    pub async fn put_policy(
        &self,
        access: &Access,
        key: &str,
        draft: PolicyDraft,
        if_match: Option<Revision>,
    ) -> Result<(Policy, bool), Error> {
        let key: PolicyKey = key.parse().map_err(|reason: cordon_model::InvalidId| {
            Error::problem(Problem::error("invalid_key", "/key", reason.to_string()))
        })?;
        let stored = self.store().policy(&access.tenant, &key).await?;
        next_revision(stored.as_ref().map(|stored| stored.revision), if_match)?;
        let policy = self.check_policy(access, draft, Some(key), stored.as_ref()).await?;
        self.store_policy(access, &policy, if_match).await?;
        Ok((policy, stored.is_none()))
    }

    /// One policy.
    ///
    /// # Errors
    /// When the tenant has none of this key.
    pub async fn policy(&self, access: &Access, key: &str) -> Result<Policy, Error> {
        let missing = || Error::NotFound(Missing::Policy);
        let key = key.parse().map_err(|_| missing())?;
        self.store().policy(&access.tenant, &key).await?.ok_or_else(missing)
    }

    /// The tenant's policies.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn policies(&self, access: &Access, page: &Page) -> Result<Listing<Policy>, Error> {
        Ok(self.store().policies(&access.tenant, page).await?)
    }

    /// Removes a policy.
    ///
    /// # Errors
    /// When a request that is not final is under it, or it has manual or policy webhooks.
    pub async fn delete_policy(
        &self,
        access: &Access,
        key: &str,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        let tenant = &access.tenant;
        let policy = self.policy(access, key).await?;
        next_revision(Some(policy.revision), if_match)?;
        let requests = self.store().open_requests_under(tenant, &policy.key).await?;
        let manual = self.store().manual_webhooks(tenant, &policy.key).await?.len();
        let webhooks = self.store().policy_webhooks(tenant, &policy.key).await?.len();
        if requests > 0 || manual > 0 || webhooks > 0 {
            let detail = format!(
                "the policy is used by {requests} open requests, {manual} manual webhooks and \
                 {webhooks} policy webhooks"
            );
            return Err(Error::conflict(Conflict::InUse, detail));
        }
        let event = AuditEvent::new(tenant, self.now(), access.actor.clone(), "policy.deleted")
            .with("policy", &policy.key);
        let change = Change::DeletePolicy(tenant.clone(), policy.key, policy.revision);
        self.commit_write(Commit::of(change, event), if_match).await
    }

    async fn store_policy(
        &self,
        access: &Access,
        policy: &Policy,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        let created = policy.revision == Revision::FIRST;
        let word = if created { "policy.created" } else { "policy.updated" };
        let event = AuditEvent::new(&access.tenant, self.now(), access.actor.clone(), word)
            .with("policy", &policy.key)
            .with("revision", policy.revision)
            .with("rules", policy.terms.rules.len());
        self.commit_write(Commit::of(Change::PutPolicy(policy.clone()), event), if_match).await
    }

    async fn check_policy(
        &self,
        access: &Access,
        draft: PolicyDraft,
        of_path: Option<PolicyKey>,
        stored: Option<&Policy>,
    ) -> Result<Policy, Error> {
        let mut problems = Problems::default();
        if let Some(name) = &draft.name {
            problems.check_name("/name", name);
        }
        let key = check_key(&draft, of_path, &mut problems);
        let rules = self.check_rules(&draft.rules, &mut problems);
        let mut terms = PolicyTerms::for_rules(rules);
        if let Some(listed) = &draft.connections {
            terms.connections = Some(self.check_connections(access, listed, &mut problems).await?);
        }
        terms.requires_approval = draft.requires_approval.unwrap_or(terms.requires_approval);
        terms.auto_resume = draft.auto_resume;
        terms.allow_unserved = draft.allow_unserved;
        terms.on_error = match draft.on_error.as_deref() {
            None | Some("stop") => OnError::Stop,
            Some("continue") => OnError::Continue,
            Some(_) => {
                problems.error("invalid_value", "/on_error", "must be stop or continue");
                OnError::Stop
            }
        };
        terms.deadline =
            draft.deadline.and_then(|deadline| check_deadline(&deadline, &mut problems));
        terms.retention_days = draft
            .retention_days
            .and_then(|days| check_days("/retention_days", days, &mut problems));
        let Some(key) = key else { return Err(problems.refuse()) };
        problems.finish()?;
        Ok(Policy {
            tenant: access.tenant.clone(),
            name: draft.name.unwrap_or_else(|| key.to_string()),
            key,
            terms,
            created_at: stored.map_or_else(|| self.now(), |stored| stored.created_at),
            revision: next_revision(stored.map(|stored| stored.revision), None)?,
        })
    }

    fn check_rules(&self, drafts: &[RuleDraft], problems: &mut Problems) -> Vec<Rule> {
        if drafts.is_empty() {
            problems.error("empty", "/rules", "a policy needs at least one rule");
        }
        let mut rules: Vec<Rule> = Vec::new();
        for (n, draft) in drafts.iter().enumerate() {
            let pointer = format!("/rules/{n}");
            let destination = draft.destination.as_deref();
            if destination.is_some_and(|name| !self.ports.packages.has_destination(name)) {
                let message = "no destination of this name is configured";
                problems.error("unknown_destination", format!("{pointer}/destination"), message);
            }
            // A request has one package, so it goes to one place (BEHAVIOUR J1).
            let others = rules.iter().filter_map(|rule| rule.destination.as_deref());
            if destination.is_some_and(|name| others.into_iter().any(|other| other != name)) {
                let message = "a policy has one destination; another rule names another one";
                problems.error("mismatch", format!("{pointer}/destination"), message);
            }
            match draft.action.parse::<Action>() {
                Err(()) => {
                    let known = Action::ALL.map(Action::as_str).join(", ");
                    let message = format!("must be one of {known}");
                    problems.error("unknown_action", format!("{pointer}/action"), message);
                }
                Ok(action) if rules.iter().any(|rule| rule.action == action) => {
                    let message = "another rule has this action";
                    problems.error("duplicate", format!("{pointer}/action"), message);
                }
                Ok(action) => rules.push(Rule { action, destination: draft.destination.clone() }),
            }
        }
        rules
    }

    async fn check_connections(
        &self,
        access: &Access,
        listed: &[String],
        problems: &mut Problems,
    ) -> Result<Vec<ConnectionKey>, Error> {
        let most = self.options.policy_connections_max;
        if listed.is_empty() || listed.len() > most {
            let message = format!("must list 1 to {most}; left out, every connection takes part");
            problems.error("invalid_length", "/connections", message);
            return Ok(Vec::new());
        }
        let mut keys = Vec::new();
        for (n, text) in listed.iter().enumerate() {
            let pointer = format!("/connections/{n}");
            let stored = match text.parse::<ConnectionKey>() {
                Ok(key) => self.store().connection(&access.tenant, &key).await?,
                Err(_) => None,
            };
            match stored {
                None => {
                    problems.error("unknown_connection", pointer, "no connection has this key");
                }
                Some(stored) if keys.contains(&stored.key) => {
                    problems.error("duplicate", pointer, "stands here twice");
                }
                Some(stored) => keys.push(stored.key),
            }
        }
        Ok(keys)
    }
}

fn check_deadline(draft: &DeadlineDraft, problems: &mut Problems) -> Option<Deadline> {
    match draft {
        DeadlineDraft::Law(word) if word == "gdpr" => Some(Deadline::Gdpr),
        DeadlineDraft::Law(word) if word == "ccpa" => Some(Deadline::Ccpa),
        DeadlineDraft::Law(_) => {
            let message = "must be gdpr (one calendar month), ccpa (45 days) or {\"days\": n}";
            problems.error("invalid_value", "/deadline", message);
            None
        }
        DeadlineDraft::Days(days) => {
            check_days("/deadline/days", *days, problems).map(Deadline::Days)
        }
    }
}

fn check_days(pointer: &str, days: u64, problems: &mut Problems) -> Option<u32> {
    let checked = u32::try_from(days).ok().filter(|days| (1..=DAYS_MAX).contains(days));
    if checked.is_none() {
        problems.error("out_of_range", pointer, format!("must be from 1 to {DAYS_MAX} days"));
    }
    checked
}

/// The key: of the path, else as written, else made from the name. None: a problem was reported.
fn check_key(
    draft: &PolicyDraft,
    of_path: Option<PolicyKey>,
    problems: &mut Problems,
) -> Option<PolicyKey> {
    if let Some(key) = of_path {
        if draft.key.as_deref().is_some_and(|written| written != key.as_str()) {
            problems.error("mismatch", "/key", "is not the one in the path");
        }
        return Some(key);
    }
    let key = match (&draft.key, &draft.name) {
        (Some(key), _) => key.parse().map_err(|reason: cordon_model::InvalidId| reason.to_string()),
        (None, Some(name)) => PolicyKey::from_name(name)
            .map_err(|_| "cannot be made from the name; give one".to_owned()),
        (None, None) => Err("give a key, or a name that it can be made from".to_owned()),
    };
    key.map_err(|message| problems.error("invalid_key", "/key", message)).ok()
}
