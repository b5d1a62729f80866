//! Tells the submitter how a request goes, at its `callback_url`.
//!
//! One notice at a time, in order; tried for 24 hours and then given up. Personal data stays out:
//! a notice holds the ids, the policy and the status. Whatever goes wrong may pass within that
//! time, also a refusal of the gate: an operator may name the host again.

use cordon_model::commit::Commit;
use cordon_model::request::notices::NOTICE_TRIED_FOR;
use cordon_model::request::{Event, Notice, NoticeEvent, PrivacyRequest};
use cordon_model::{Failure, FailureCode, RequestId, TenantId};
use serde_json::json;

use crate::message::{self, Message};
use crate::services::Services;
use crate::step::{ApplyError, HostError};

/// Delivers one notice after the other, until none is due.
pub(crate) async fn deliver(
    services: &Services,
    tenant: &TenantId,
    id: RequestId,
) -> Result<(), HostError> {
    loop {
        let _turn = services.deliveries.turn(tenant).await;
        let Some(request) = services.store().request(tenant, id).await? else { return Ok(()) };
        let now = services.now();
        let Some(notice) = request.next_notice().filter(|notice| notice.due <= now) else {
            return Ok(());
        };
        let event = one_try(services, &request, notice).await?;
        let event = Event::Notice { revision: notice.revision, event };
        match services.apply_as_host(&request, event, Commit::default()).await {
            // Whoever has nothing to tell does not queue for another turn.
            Ok(request) if request.next_notice().is_none_or(|next| next.due > services.now()) => {
                return Ok(());
            }
            Ok(_) => {}
            Err(ApplyError::Host(error)) => return Err(error),
            Err(ApplyError::Gone) => return Ok(()),
            // It gave way to newer ones meanwhile.
            Err(ApplyError::Illegal(error)) => {
                tracing::debug!(tenant.id = %tenant, request.id = %id, %error, "moved on");
            }
        }
    }
}

async fn one_try(
    services: &Services,
    request: &PrivacyRequest,
    notice: &Notice,
) -> Result<NoticeEvent, HostError> {
    let tenant = services.store().tenant(&request.tenant).await?;
    let Some(tenant) = tenant else {
        return Err(HostError::TenantGone);
    };
    let (Some(url), Some(secret)) = (&request.callback_url, &tenant.callback_secret) else {
        let detail = "the tenant has no callback secret";
        let failure = Failure::new(FailureCode::WebhookFailed, detail);
        return Ok(NoticeEvent::GivenUp { failure });
    };
    let message = Message {
        id: format!("{}_{}", request.id, notice.revision),
        url,
        secret,
        body: json!({
            "type": "privacy_request.status",
            "timestamp": notice.at.to_string(),
            "data": {
                "id": request.id,
                "tenant": request.tenant,
                "policy": request.policy,
                "external_id": request.external_id,
                "status": notice.status.as_str(),
            },
        }),
    };
    let (failure, asked) = match services.send_message(&tenant, message).await {
        Ok(response) => match message::refused(&response) {
            None => return Ok(NoticeEvent::Delivered { status: response.status }),
            Some(failure) => (failure, response.retry_after),
        },
        Err(failure) => (failure, None),
    };
    let until = services.now() + message::wait_after(notice.attempts + 1, asked);
    if until > notice.at + NOTICE_TRIED_FOR {
        return Ok(NoticeEvent::GivenUp { failure });
    }
    Ok(NoticeEvent::Postponed { until, failure })
}
