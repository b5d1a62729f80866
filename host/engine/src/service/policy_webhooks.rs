//! Webhooks of a policy: systems that are told before a request is worked on, or after.
//!
//! What is written here is used at once, also for requests that are under way: a corrected
//! address counts at the next try. Who is told about a request, when, in which order and whether
//! the answer counts is fixed when the request starts. `engine/src/tell.rs` does the telling.

use cordon_model::audit::AuditEvent;
use cordon_model::commit::{Change, Commit, CommitError, RequestFilter};
use cordon_model::page::{Listing, Page};
use cordon_model::policy::Policy;
use cordon_model::request::{Event, PrivacyRequest, Status, WebhookEvent};
use cordon_model::webhook::{Direction, PolicyWebhook, WebhookPhase};
use cordon_model::{Revision, Secret, Timestamp, WebhookId};

use super::problems::Problems;
use super::revisions::next_revision;
use crate::message;
use crate::{Access, Conflict, Error, Missing, Services, new_uuid};

/// Longest URL, in bytes.
const URL_BYTES_MAX: usize = 2_000;
/// How often a removal is tried again because a request was changed in between.
const CONFLICTS_MAX: usize = 16;

/// A webhook as it was written.
#[derive(Debug, Clone, Default)]
pub struct PolicyWebhookDraft {
    /// Its place among those of its phase; the smaller first, of equals the older.
    pub order: u32,
    /// `pre_execution` or `post_execution`.
    pub phase: String,
    /// `one_way` or `two_way`.
    pub direction: String,
    /// Where it is told.
    pub url: String,
    /// Whether it is told the person's identities.
    pub send_identities: bool,
    /// `whsec_` and the base64 of 24 to 64 bytes. None: a new webhook gets one of the host's
    /// making, a stored one keeps what it has.
    pub secret: Option<Secret>,
    /// The host makes a new one in any case.
    pub new_secret: bool,
}

/// A webhook that was just written.
#[derive(Debug, Clone)]
pub struct WrittenPolicyWebhook {
    /// What is stored.
    pub webhook: PolicyWebhook,
    /// The secret, when the host made it. The only time it can be seen.
    pub made_secret: Option<Secret>,
}

impl Services {
    /// Creates a webhook.
    ///
    /// # Errors
    /// All problems of it, or that the policy has as many as it may.
    pub async fn create_policy_webhook(
        &self,
        access: &Access,
        policy: &str,
        draft: PolicyWebhookDraft,
    ) -> Result<WrittenPolicyWebhook, Error> {
        let policy = self.policy(access, policy).await?;
        let stored = self.store().policy_webhooks(&access.tenant, &policy.key).await?;
        let most = self.options.policy_webhooks_max;
        if stored.len() >= most {
            let mut problems = Problems::default();
            problems.error("too_many", "", format!("a policy has at most {most} webhooks"));
            return Err(problems.refuse());
        }
        let written = self.check_policy_webhook(access, &policy, draft, None).await?;
        self.store_policy_webhook(access, &written, None).await?;
        Ok(written)
    }

    /// Replaces a webhook.
    ///
    /// # Errors
    /// All problems of it, that there is none, or that it was changed since it was read.
    pub async fn put_policy_webhook(
        &self,
        access: &Access,
        policy: &str,
        id: WebhookId,
        draft: PolicyWebhookDraft,
        if_match: Option<Revision>,
    ) -> Result<WrittenPolicyWebhook, Error> {
        let policy = self.policy(access, policy).await?;
        let stored = self.stored_webhook(access, &policy, id).await?;
        next_revision(Some(stored.revision), if_match)?;
        let written = self.check_policy_webhook(access, &policy, draft, Some(&stored)).await?;
        self.store_policy_webhook(access, &written, if_match).await?;
        Ok(written)
    }

    /// One webhook of a policy.
    ///
    /// # Errors
    /// When it has none of this id.
    pub async fn policy_webhook(
        &self,
        access: &Access,
        policy: &str,
        id: WebhookId,
    ) -> Result<PolicyWebhook, Error> {
        let policy = self.policy(access, policy).await?;
        self.stored_webhook(access, &policy, id).await
    }

    /// A policy's webhooks, newest first. The cursor is the last one's id.
    ///
    /// # Errors
    /// When there is no such policy.
    pub async fn policy_webhooks(
        &self,
        access: &Access,
        policy: &str,
        page: &Page,
    ) -> Result<Listing<PolicyWebhook>, Error> {
        let policy = self.policy(access, policy).await?;
        let mut items = self.store().policy_webhooks(&access.tenant, &policy.key).await?;
        // Ids sort by the time they were made.
        items.sort_by_key(|webhook| std::cmp::Reverse(webhook.id));
        if let Some(cursor) = &page.cursor {
            let at = items.iter().position(|webhook| webhook.id.to_string() == *cursor);
            items.drain(..at.map_or(items.len(), |at| at + 1));
        }
        let more = items.len() > page.limit;
        items.truncate(page.limit);
        let last = items.last().map(|webhook| webhook.id.to_string());
        Ok(Listing { items, next_cursor: last.filter(|_| more) })
    }

    /// Removes a webhook. The requests that it holds as `paused` go on, in the same commit; those
    /// that still have to tell it go on when its turn comes.
    ///
    /// # Errors
    /// `InUse` when it holds more requests than one commit may let go.
    pub async fn delete_policy_webhook(
        &self,
        access: &Access,
        policy: &str,
        id: WebhookId,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        let policy = self.policy(access, policy).await?;
        for _ in 0..CONFLICTS_MAX {
            let webhook = self.stored_webhook(access, &policy, id).await?;
            next_revision(Some(webhook.revision), if_match)?;
            let held = self.held_by(access, &webhook).await?;
            let released: Vec<_> = held.iter().map(|request| request.id).collect();
            let commit = self.removal(access, webhook, held)?;
            match self.store().commit(commit).await {
                Ok(()) => {
                    for request in released {
                        self.scheduler.changed(&access.tenant, request);
                    }
                    return Ok(());
                }
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let detail = "the webhook, or a request that it holds, changes all the time; try again";
        Err(Error::conflict(Conflict::Changed, detail))
    }

    async fn stored_webhook(
        &self,
        access: &Access,
        policy: &Policy,
        id: WebhookId,
    ) -> Result<PolicyWebhook, Error> {
        let stored = self.store().policy_webhook(&access.tenant, &policy.key, id).await?;
        stored.ok_or(Error::NotFound(Missing::Webhook))
    }

    /// The requests that a webhook holds as `paused`.
    async fn held_by(
        &self,
        access: &Access,
        webhook: &PolicyWebhook,
    ) -> Result<Vec<PrivacyRequest>, Error> {
        let most = self.options.webhook_held_max;
        let filter = RequestFilter {
            statuses: [Status::Paused].into(),
            policy: Some(webhook.policy.clone()),
            ..RequestFilter::default()
        };
        let (mut held, mut page) = (Vec::new(), Page::first());
        loop {
            let listing = self.store().requests(&access.tenant, &filter, &page).await?;
            let holds = |request: &PrivacyRequest| {
                request.paused_by().is_some_and(|run| run.id == webhook.id)
            };
            held.extend(listing.items.into_iter().filter(holds));
            if held.len() > most {
                let detail = format!(
                    "the webhook holds more than {most} requests; resume or cancel some first"
                );
                return Err(Error::conflict(Conflict::InUse, detail));
            }
            match listing.next_cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => return Ok(held),
            }
        }
    }

    fn removal(
        &self,
        access: &Access,
        webhook: PolicyWebhook,
        held: Vec<PrivacyRequest>,
    ) -> Result<Commit, Error> {
        let event = event_about(access, self.now(), "policy_webhook.deleted", &webhook)
            .with("released", held.len());
        let PolicyWebhook { policy, id, revision, .. } = webhook;
        let change = Change::DeletePolicyWebhook(access.tenant.clone(), policy, id, revision);
        let mut commit = Commit::of(change, event);
        for request in held {
            let event = Event::Webhook { id, event: WebhookEvent::Withdrawn };
            self.applied(request, access.actor.clone(), event, &mut commit).map_err(|illegal| {
                Error::conflict(Conflict::IllegalTransition, illegal.to_string())
            })?;
        }
        Ok(commit)
    }

    async fn store_policy_webhook(
        &self,
        access: &Access,
        written: &WrittenPolicyWebhook,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        let webhook = &written.webhook;
        let created = webhook.revision == Revision::FIRST;
        let word = if created { "policy_webhook.created" } else { "policy_webhook.updated" };
        let event = event_about(access, self.now(), word, webhook)
            .with("phase", webhook.phase.as_str())
            .with("direction", webhook.direction.as_str())
            .with("order", webhook.order)
            .with("host", host_of(&webhook.url))
            .with("send_identities", webhook.sends_identities)
            .with("secret_made", written.made_secret.is_some());
        let commit = Commit::of(Change::PutPolicyWebhook(webhook.clone()), event);
        self.commit_write(commit, if_match).await
    }

    async fn check_policy_webhook(
        &self,
        access: &Access,
        policy: &Policy,
        draft: PolicyWebhookDraft,
        stored: Option<&PolicyWebhook>,
    ) -> Result<WrittenPolicyWebhook, Error> {
        let tenant = self.tenant_by_id(&access.tenant).await?;
        let mut problems = Problems::default();
        let phase = match draft.phase.as_str() {
            "pre_execution" => Some(WebhookPhase::PreExecution),
            "post_execution" => Some(WebhookPhase::PostExecution),
            _ => None,
        };
        if phase.is_none() {
            let message = "must be pre_execution or post_execution";
            problems.error("invalid_value", "/phase", message);
        }
        let direction = match draft.direction.as_str() {
            "one_way" => Some(Direction::OneWay),
            "two_way" => Some(Direction::TwoWay),
            _ => None,
        };
        if direction.is_none() {
            problems.error("invalid_value", "/direction", "must be one_way or two_way");
        }
        if draft.url.len() > URL_BYTES_MAX {
            problems.error("too_long", "/url", format!("must be at most {URL_BYTES_MAX} bytes"));
        } else if let Err(failure) =
            self.ports.webhooks.check(&message::reach_of(&tenant), &draft.url)
        {
            problems.error(failure.code.as_str(), "/url", failure.detail);
        }
        check_secret(&draft, &mut problems);
        let (Some(phase), Some(direction)) = (phase, direction) else {
            return Err(problems.refuse());
        };
        problems.finish()?;
        let now = self.now();
        let kept = stored.map(|stored| stored.secret.clone()).filter(|_| !draft.new_secret);
        let (secret, made_secret) = match draft.secret.or(kept) {
            Some(secret) => (secret, None),
            None => {
                let made = message::new_secret()?;
                (made.clone(), Some(made))
            }
        };
        let webhook = PolicyWebhook {
            tenant: tenant.id,
            policy: policy.key.clone(),
            id: stored.map_or_else(|| WebhookId::new(new_uuid(now)), |stored| stored.id),
            order: draft.order,
            phase,
            direction,
            url: draft.url,
            sends_identities: draft.send_identities,
            secret,
            created_at: stored.map_or(now, |stored| stored.created_at),
            revision: next_revision(stored.map(|stored| stored.revision), None)?,
        };
        Ok(WrittenPolicyWebhook { webhook, made_secret })
    }
}

fn check_secret(draft: &PolicyWebhookDraft, problems: &mut Problems) {
    let Some(secret) = &draft.secret else { return };
    if message::signing_key(secret).is_none() {
        let text = "must be whsec_ and the base64 of 24 to 64 bytes; left out, the host makes one";
        problems.error("invalid_value", "/secret", text);
    }
    if draft.new_secret {
        problems.error("mismatch", "/new_secret", "contradicts the secret that stands here, too");
    }
}

fn event_about(access: &Access, at: Timestamp, word: &str, webhook: &PolicyWebhook) -> AuditEvent {
    AuditEvent::new(&access.tenant, at, access.actor.clone(), word)
        .with("policy", &webhook.policy)
        .with("webhook", webhook.id)
        .with("revision", webhook.revision)
}

/// The host and port of a URL that was checked: its path and query are nobody's business.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_the_ledger_learns_the_host_alone() {
        for (url, host) in [
            ("https://hooks.acme.com/a/needle?x=needle#needle", "hooks.acme.com"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("https://hooks.acme.com?needle", "hooks.acme.com"),
            ("https://needle@hooks.acme.com/", "hooks.acme.com"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }

    #[test]
    fn a_secret_that_cannot_sign_is_a_problem_and_is_not_quoted() {
        let draft = PolicyWebhookDraft {
            secret: Some(Secret::new("whsec_needle".to_owned())),
            new_secret: true,
            ..PolicyWebhookDraft::default()
        };
        let mut problems = Problems::default();
        check_secret(&draft, &mut problems);
        let Err(Error::Invalid(errors)) = problems.finish() else { panic!("two problems") };
        let pointers: Vec<&str> = errors.iter().map(|p| p.pointer.as_str()).collect();
        assert_eq!(pointers, ["/secret", "/new_secret"]);
        assert!(errors.iter().all(|problem| !problem.message.contains("needle")));
    }
}
