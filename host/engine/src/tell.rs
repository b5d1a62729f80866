//! Tells a webhook of the policy, and does what it answers.
//!
//! Its definition is read at every try: a corrected address or secret counts at once, and one
//! that was removed no longer holds the request. When it is told, and whether its answer counts,
//! was fixed when the request started. What is sent is the request's id; the person's identities
//! only when the webhook's definition says so.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cordon_model::commit::Commit;
use cordon_model::port::WebhookResponse;
use cordon_model::request::{Event, PrivacyRequest, WebhookEvent, WebhookRun};
use cordon_model::subject::{IdentityKind, check_identity_value};
use cordon_model::webhook::{Direction, PolicyWebhook, WebhookAnswer, WebhookPhase};
use cordon_model::{Failure, FailureCode, Timestamp, WebhookId};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::message::{self, Message};
use crate::services::Services;
use crate::step::{ApplyError, HostError};

/// Tells one webhook, once.
pub(crate) async fn tell(
    services: &Services,
    request: PrivacyRequest,
    id: WebhookId,
) -> Result<(), ApplyError> {
    let Some(run) = request.webhooks.iter().find(|run| run.id == id) else { return Ok(()) };
    let event = {
        let _turn = services.deliveries.turn(&request.tenant).await;
        match definition(services, &request, id).await? {
            None => WebhookEvent::Withdrawn,
            Some(webhook) => one_try(services, &request, run, &webhook).await?,
        }
    };
    let event = Event::Webhook { id, event };
    let request = services.apply_as_host(&request, event, Commit::default()).await?;
    // Removed while it was told: who removed it could not know that it would hold this request.
    if request.paused_by().is_some_and(|run| run.id == id)
        && definition(services, &request, id).await?.is_none()
    {
        let event = Event::Webhook { id, event: WebhookEvent::Withdrawn };
        services.apply_as_host(&request, event, Commit::default()).await?;
    }
    Ok(())
}

async fn definition(
    services: &Services,
    request: &PrivacyRequest,
    id: WebhookId,
) -> Result<Option<PolicyWebhook>, HostError> {
    Ok(services.store().policy_webhook(&request.tenant, &request.policy, id).await?)
}

async fn one_try(
    services: &Services,
    request: &PrivacyRequest,
    run: &WebhookRun,
    webhook: &PolicyWebhook,
) -> Result<WebhookEvent, HostError> {
    let Some(tenant) = services.store().tenant(&request.tenant).await? else {
        return Err(HostError::TenantGone);
    };
    let token = resume_token(request, run, webhook);
    let message = Message {
        id: format!("{}_{}", request.id, webhook.id),
        url: &webhook.url,
        secret: &webhook.secret,
        body: body(request, run, webhook, token.as_deref(), services.now()),
    };
    let (failure, passing, asked) = match services.send_message(&tenant, message).await {
        Ok(response) => match message::refused(&response) {
            None => return answered(services, request, run, token, &response).await,
            Some(failure) => (failure, message::is_passing(response.status), response.retry_after),
        },
        // What the gate refuses stays refused until somebody changes something.
        Err(failure) => {
            let refused = failure.code == FailureCode::EgressDenied;
            (failure, !refused, None)
        }
    };
    let attempt = run.attempts + 1;
    if !passing || attempt >= services.options.webhook_attempts_max {
        return Ok(WebhookEvent::Failed { failure });
    }
    let until = services.now() + message::wait_after(attempt, asked);
    Ok(WebhookEvent::Postponed { until, failure })
}

fn body(
    request: &PrivacyRequest,
    run: &WebhookRun,
    webhook: &PolicyWebhook,
    token: Option<&str>,
    now: Timestamp,
) -> Value {
    let mut data = serde_json::Map::new();
    let mut say = |name: &str, value: Value| data.insert(name.to_owned(), value);
    say("id", json!(request.id));
    say("tenant", json!(request.tenant));
    say("policy", json!(request.policy));
    say("external_id", json!(request.external_id));
    say("phase", json!(run.phase.as_str()));
    say("direction", json!(run.direction.as_str()));
    if webhook.sends_identities {
        let mut identities: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for identity in &request.subject.identities {
            identities.entry(identity.kind.as_str()).or_default().push(&identity.value);
        }
        say("identities", json!(identities));
    }
    if let Some(token) = token {
        say("resume_token", json!(token));
    }
    let kind = format!("privacy_request.{}", run.phase.as_str());
    json!({ "type": kind, "timestamp": now.to_string(), "data": data })
}

/// What resumes the request once, should the webhook halt it. Derived from the webhook's secret,
/// so that a message that is sent again says the same thing; only its hash is stored.
fn resume_token(
    request: &PrivacyRequest,
    run: &WebhookRun,
    webhook: &PolicyWebhook,
) -> Option<String> {
    if run.direction == Direction::OneWay {
        return None;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(&message::signing_key(&webhook.secret)?).ok()?;
    mac.update(format!("resume {} {}", request.id, webhook.id).as_bytes());
    Some(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// SHA-256 of a token: what is stored and compared.
pub(crate) fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

async fn answered(
    services: &Services,
    request: &PrivacyRequest,
    run: &WebhookRun,
    token: Option<String>,
    response: &WebhookResponse,
) -> Result<WebhookEvent, HostError> {
    if run.direction == Direction::OneWay || response.body.is_empty() {
        let answer = WebhookAnswer::default();
        return Ok(WebhookEvent::Answered { answer, token_sha256: None });
    }
    let room = services.options.identities_max.saturating_sub(request.subject.identities.len());
    let why = match read_answer(&response.body, run.phase, room) {
        Ok(answer) if services.knows_kinds_of(request, &answer).await? => {
            let token = token.filter(|_| answer.halt);
            let token_sha256 = token.as_deref().map(token_hash);
            return Ok(WebhookEvent::Answered { answer, token_sha256 });
        }
        Ok(_) => "it adds a kind of identity that the tenant does not declare",
        Err(why) => why,
    };
    let detail = format!("its answer cannot be used: {why}");
    Ok(WebhookEvent::Failed { failure: Failure::new(FailureCode::WebhookFailed, detail) })
}

impl Services {
    /// The rule that holds for a submission, too: a kind that nobody declared is a mistake.
    async fn knows_kinds_of(
        &self,
        request: &PrivacyRequest,
        answer: &WebhookAnswer,
    ) -> Result<bool, HostError> {
        if answer.identities.is_empty() {
            return Ok(true);
        }
        let connections = self.all_connections(&request.tenant).await?;
        let kinds = self.kinds_known_to(&request.tenant, &connections).await?;
        Ok(answer.identities.keys().all(|kind| kinds.contains(kind)))
    }
}

/// Reads `{"halt"?: bool, "identities"?: {kind: value or [values]}}`; other members are the
/// receiver's own. Names and values of the answer are never repeated.
fn read_answer(
    body: &[u8],
    phase: WebhookPhase,
    identities_max: usize,
) -> Result<WebhookAnswer, &'static str> {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else {
        return Err("it is no JSON object");
    };
    let halt = match members.remove("halt") {
        None => false,
        Some(Value::Bool(halt)) => halt,
        Some(_) => return Err("halt must be true or false"),
    };
    let identities = match members.remove("identities") {
        None => BTreeMap::new(),
        Some(_) if phase == WebhookPhase::PostExecution => {
            return Err("after the work no identity can be added");
        }
        Some(Value::Object(kinds)) => kinds.into_iter().map(read_kind).collect::<Result<_, _>>()?,
        Some(_) => return Err("identities must be an object"),
    };
    if identities.values().map(Vec::len).sum::<usize>() > identities_max {
        return Err("it adds too many identities");
    }
    Ok(WebhookAnswer { halt, identities })
}

fn read_kind((kind, values): (String, Value)) -> Result<(IdentityKind, Vec<String>), &'static str> {
    let kind = kind.parse().map_err(|_| "the name of an identity is no kind")?;
    let values = match values {
        Value::Array(values) => values,
        one => vec![one],
    };
    let read = |value: Value| match value {
        Value::String(value) if check_identity_value(&value).is_ok() => Ok(value),
        Value::String(_) => Err("an identity is not valid"),
        _ => Err("an identity must be a string"),
    };
    Ok((kind, values.into_iter().map(read).collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<WebhookAnswer, &'static str> {
        read_answer(body.as_bytes(), WebhookPhase::PreExecution, 3)
    }

    #[test]
    fn an_answer_may_halt_add_identities_and_have_members_of_its_own() {
        let answer =
            read(r#"{"halt": true, "identities": {"email": "a", "user_id": ["1", "2"]}, "x": 1}"#)
                .unwrap();
        assert!(answer.halt);
        let added: Vec<_> = answer.identities.iter().map(|(k, v)| (k.as_str(), v.len())).collect();
        assert_eq!(added, [("email", 1), ("user_id", 2)]);
        assert_eq!(read("{}").unwrap(), WebhookAnswer::default());
    }

    #[test]
    fn an_answer_of_another_shape_is_refused_without_being_quoted() {
        for body in [
            "halt",
            "[]",
            r#""halt""#,
            r#"{"halt": "true"}"#,
            r#"{"halt": null}"#,
            r#"{"identities": ["needle"]}"#,
            r#"{"identities": {"Not A Kind": "needle"}}"#,
            r#"{"identities": {"email": 1}}"#,
            r#"{"identities": {"email": [["needle"]]}}"#,
            r#"{"identities": {"email": ""}}"#,
            r#"{"identities": {"email": ["a", "b", "c", "d"]}}"#,
        ] {
            let why = read(body).unwrap_err();
            assert!(!why.contains("needle"), "{body}: {why}");
        }
    }

    #[test]
    fn after_the_work_no_identity_can_be_added_any_more() {
        let read = |body: &str| read_answer(body.as_bytes(), WebhookPhase::PostExecution, 3);
        assert!(read(r#"{"identities": {"email": "a"}}"#).is_err());
        assert!(read(r#"{"identities": {}}"#).is_err());
        assert!(read(r#"{"halt": true}"#).unwrap().halt);
    }
}
