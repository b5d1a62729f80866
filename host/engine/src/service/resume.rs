//! Lets a request go on: when everything it waited for is there, or although a webhook of its
//! policy holds it.

use cordon_model::commit::Commit;
use cordon_model::request::{Event, PrivacyRequest, WebhookEvent, WebhookState};
use cordon_model::{RequestId, Secret, WebhookId};
use subtle::ConstantTimeEq as _;

use crate::tell::token_hash;
use crate::{Access, Conflict, Error, Services};

impl Services {
    /// Lets the waiting tasks go on, or a request that is paused: one that was halted goes past
    /// the webhook, one that failed is tried again.
    ///
    /// # Errors
    /// `NotWaitingForInput` when nothing waits for a person; `InputsMissing`, naming the
    /// connections, while something was not given.
    pub async fn resume(&self, access: &Access, id: RequestId) -> Result<PrivacyRequest, Error> {
        let request = self.request(access, id).await?;
        if let Some(webhook) = request.paused_by() {
            return self.release(access, id, webhook.id).await;
        }
        self.resume_with_inputs(access, id).await
    }

    /// Lets a halted request go on for whoever has the token that the webhook was told, once.
    /// The token is the permission: the key needs no scope.
    ///
    /// # Errors
    /// `NotPaused` when no webhook halts the request (any more); `WrongToken` when the token is
    /// not the one of the webhook that does.
    pub async fn resume_by_token(
        &self,
        access: &Access,
        id: RequestId,
        token: &Secret,
    ) -> Result<PrivacyRequest, Error> {
        let request = self.request(access, id).await?;
        let halted = request.paused_by().and_then(|webhook| match &webhook.state {
            WebhookState::Halted { token_sha256, .. } => Some((webhook.id, token_sha256)),
            _ => None,
        });
        let Some((webhook, expected)) = halted else {
            let detail = "no webhook halts the request; a request that is paused because a \
                          webhook failed is resumed without a token, by a key with requests:write";
            return Err(Error::conflict(Conflict::NotPaused, detail));
        };
        if !bool::from(token_hash(token.expose()).ct_eq(expected)) {
            return Err(Error::WrongToken);
        }
        self.release(access, id, webhook).await
    }

    async fn release(
        &self,
        access: &Access,
        id: RequestId,
        webhook: WebhookId,
    ) -> Result<PrivacyRequest, Error> {
        let event = Event::Webhook { id: webhook, event: WebhookEvent::Released };
        self.act(access, id, event, Commit::default()).await
    }
}
