//! Takes a privacy request in.

use std::collections::BTreeSet;

use cordon_model::audit::AuditEvent;
use cordon_model::commit::{Change, Commit};
use cordon_model::json::pointer_token;
use cordon_model::policy::Policy;
use cordon_model::port::WebhookReach;
use cordon_model::request::{PrivacyRequest, RequestState};
use cordon_model::subject::{
    DataSubject, Identity, IdentityKind, IdentitySource, check_identity_value,
};
use cordon_model::{PolicyKey, Problem, RequestId, Revision};

use crate::ids::new_uuid;
use crate::step::HostError;
use crate::{Access, Conflict, Error, Services};

/// Longest `external_id`, in characters.
const EXTERNAL_ID_MAX: usize = 200;

/// Longest `callback_url`, in bytes.
const CALLBACK_URL_BYTES_MAX: usize = 2_048;

/// A privacy request as it is submitted.
pub struct Submission {
    /// Key of the policy.
    pub policy: String,
    /// Kinds and their values, in order.
    pub identities: Vec<(String, Vec<String>)>,
    /// The submitter's own name for it.
    pub external_id: Option<String>,
    /// Where the submitter wants to be told how it goes.
    pub callback_url: Option<String>,
}

impl Services {
    /// Accepts a request: when this returns it is durable and will be worked on.
    ///
    /// # Errors
    /// `Invalid` with every problem; `RuleUnserved` when nothing serves one of the policy's rules.
    pub async fn submit(
        &self,
        access: &Access,
        submission: Submission,
    ) -> Result<PrivacyRequest, Error> {
        let mut problems = Vec::new();
        let policy = match submission.policy.parse::<PolicyKey>() {
            Ok(key) => self.store().policy(&access.tenant, &key).await?,
            Err(_) => None,
        };
        if policy.is_none() {
            let message = "there is no such policy; `GET /v1/policies` lists them";
            problems.push(Problem::error("unknown_policy", "/policy", message));
        }
        let connections = self.all_connections(&access.tenant).await?;
        let kinds = self.kinds_known_to(&access.tenant, &connections).await?;
        let subject = self.subject_of(&submission.identities, &kinds, &mut problems);
        if submission.external_id.as_deref().is_some_and(|id| !is_external_id(id)) {
            let message = format!("must be 1 to {EXTERNAL_ID_MAX} printable characters");
            problems.push(Problem::error("invalid_value", "/external_id", message));
        }
        if let Some(url) = &submission.callback_url {
            problems.extend(self.check_callback(access, url).await?);
        }
        let Some(policy) = policy.filter(|_| problems.is_empty()) else {
            return Err(Error::Invalid(problems));
        };
        self.refuse_unserved(access, &policy).await?;
        let (external_id, callback_url) = (submission.external_id, submission.callback_url);
        let request = PrivacyRequest {
            external_id,
            callback_url,
            ..self.new_request(access, policy, subject)
        };
        let now = request.created_at;
        let audit =
            AuditEvent::new(&request.tenant, now, access.actor.clone(), "request.submitted")
                .about(request.id)
                .with("policy", &request.policy)
                .with("status", request.status().as_str())
                .with("identities", request.subject.identities.len());
        let change =
            Change::PutRequest { due: request.due(now), request: Box::new(request.clone()) };
        self.store().commit(Commit::of(change, audit)).await?;
        self.scheduler.wake();
        Ok(request)
    }

    /// A rule that nothing serves is refused here, unless the policy accepts it (BEHAVIOUR I2).
    async fn refuse_unserved(&self, access: &Access, policy: &Policy) -> Result<(), Error> {
        let cast = self.cast(&access.tenant, &policy.key, &policy.terms).await?;
        let unserved = cast.unserved(&policy.terms);
        let Some(action) = unserved.first().filter(|_| !policy.terms.allow_unserved) else {
            return Ok(());
        };
        let detail = format!(
            "no enabled live connection serves the rule {action} of the policy {}; create one, or \
             set \"allow_unserved\": true",
            policy.key
        );
        Err(Error::conflict(Conflict::RuleUnserved, detail))
    }

    /// Whether the submitter can be told at this URL. The refusal names the remedy and no more of
    /// the URL than its host.
    async fn check_callback(&self, access: &Access, url: &str) -> Result<Option<Problem>, Error> {
        let tenant = self.tenant_by_id(&access.tenant).await?;
        let refused =
            |code: &str, message: String| Some(Problem::error(code, "/callback_url", message));
        if url.len() > CALLBACK_URL_BYTES_MAX {
            let message = format!("must be at most {CALLBACK_URL_BYTES_MAX} bytes");
            return Ok(refused("too_long", message));
        }
        if tenant.callback_secret.is_none() {
            let message = "the tenant has no callback secret, so nothing can be signed; make one \
                           with `POST /v1/tenants/{tenant}/callback-secret`";
            return Ok(refused("no_callback_secret", message.to_owned()));
        }
        let reach = WebhookReach {
            tenant: &tenant.id,
            hosts: &tenant.webhook_hosts,
            limits: &tenant.egress,
        };
        let checked = self.ports.webhooks.check(&reach, url);
        Ok(checked.err().and_then(|failure| refused(failure.code.as_str(), failure.detail)))
    }

    /// A request as it is on its first day, under the terms that its policy has now.
    fn new_request(&self, access: &Access, policy: Policy, subject: DataSubject) -> PrivacyRequest {
        let now = self.now();
        let approved = !policy.terms.requires_approval;
        PrivacyRequest {
            id: RequestId::new(new_uuid(now)),
            tenant: access.tenant.clone(),
            policy: policy.key,
            due_at: policy.terms.deadline.map(|deadline| deadline.due_at(now)),
            terms: policy.terms,
            external_id: None,
            subject,
            state: if approved { RequestState::Approved } else { RequestState::Pending },
            tasks: Vec::new(),
            unserved: Vec::new(),
            webhooks: Vec::new(),
            package: None,
            expired_at: None,
            callback_url: None,
            notices: Vec::new(),
            overdue: false,
            created_at: now,
            approved_at: approved.then_some(now),
            ended_at: None,
            updated_at: now,
            revision: Revision::FIRST,
        }
    }

    pub(super) fn subject_of(
        &self,
        identities: &[(String, Vec<String>)],
        kinds: &BTreeSet<IdentityKind>,
        problems: &mut Vec<Problem>,
    ) -> DataSubject {
        let mut subject = DataSubject::default();
        let count: usize = identities.iter().map(|(_, values)| values.len()).sum();
        if count == 0 {
            problems.push(Problem::error(
                "required",
                "/identities",
                "name the person: at least one identity",
            ));
        }
        if count > self.options.identities_max {
            let message = format!("at most {} identities", self.options.identities_max);
            problems.push(Problem::error("too_many", "/identities", message));
        }
        for (name, values) in identities {
            let pointer = format!("/identities/{}", pointer_token(name));
            let kind = match name.parse::<IdentityKind>() {
                Ok(kind) if kinds.contains(&kind) => kind,
                Ok(_) | Err(_) => {
                    let known: Vec<&str> = kinds.iter().map(IdentityKind::as_str).collect();
                    let message =
                        format!("not a kind of identity of this tenant: {}", known.join(", "));
                    problems.push(Problem::error("unknown_identity_kind", pointer, message));
                    continue;
                }
            };
            for (index, value) in values.iter().enumerate() {
                let at =
                    if values.len() == 1 { pointer.clone() } else { format!("{pointer}/{index}") };
                match check_identity_value(value) {
                    Ok(()) if subject.position(&kind, value).is_none() => {
                        let identity = Identity {
                            kind: kind.clone(),
                            value: value.clone(),
                            source: IdentitySource::Submitted,
                        };
                        subject.identities.push(identity);
                    }
                    Ok(()) => {}
                    Err(error) => {
                        problems.push(Problem::error("invalid_identity", at, error.to_string()));
                    }
                }
            }
        }
        subject
    }
}

fn is_external_id(id: &str) -> bool {
    !id.is_empty() && id.chars().count() <= EXTERNAL_ID_MAX && !id.chars().any(char::is_control)
}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
