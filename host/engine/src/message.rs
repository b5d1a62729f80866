//! A message to a system of a tenant, signed as Standard Webhooks say: `webhook-id`,
//! `webhook-timestamp` and `webhook-signature` (`v1,` and the base64 of an HMAC-SHA256 over
//! `id.timestamp.body`). <https://www.standardwebhooks.com>
//!
//! Sends once. When to try again is for [`crate::tell`] and [`crate::notify`] to say.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cordon_model::port::{WebhookMessage, WebhookReach, WebhookResponse};
use cordon_model::tenant::Tenant;
use cordon_model::{Failure, FailureCode, Secret, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::Error;
use crate::services::Services;

/// What every secret begins with.
pub(crate) const SECRET_PREFIX: &str = "whsec_";
/// Random bytes of a secret that the host makes.
const SECRET_BYTES: usize = 32;
/// Fewest and most bytes of a secret's key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A message before it is signed.
pub(crate) struct Message<'a> {
    /// Names it: the same for every try, so that the receiver can tell a repetition. Holds no
    /// `.`, which is what separates it from the rest of the text that is signed.
    pub(crate) id: String,
    pub(crate) url: &'a str,
    pub(crate) secret: &'a Secret,
    pub(crate) body: serde_json::Value,
}

/// A secret, made by the host.
///
/// # Errors
/// `Unavailable` when the machine has no randomness.
pub(crate) fn new_secret() -> Result<Secret, Error> {
    let mut key = Zeroizing::new([0; SECRET_BYTES]);
    getrandom::fill(&mut *key)
        .map_err(|_| Error::Unavailable("the system gives no randomness".to_owned()))?;
    Ok(Secret::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(*key))))
}

/// The key of a secret as it is written; none: it is not `whsec_` and the base64 of 24 to 64
/// bytes.
pub(crate) fn signing_key(secret: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let key = STANDARD.decode(secret.expose().strip_prefix(SECRET_PREFIX)?).ok()?;
    let key = Zeroizing::new(key);
    KEY_BYTES.contains(&key.len()).then_some(key)
}

/// What messages of a tenant may reach.
pub(crate) fn reach_of(tenant: &Tenant) -> WebhookReach<'_> {
    WebhookReach { tenant: &tenant.id, hosts: &tenant.webhook_hosts, limits: &tenant.egress }
}

impl Services {
    /// Signs and sends a message, once.
    pub(crate) async fn send_message(
        &self,
        tenant: &Tenant,
        message: Message<'_>,
    ) -> Result<WebhookResponse, Failure> {
        let body = Bytes::from(message.body.to_string());
        let timestamp = self.now();
        let signature = sign(message.secret, &message.id, timestamp, &body).ok_or_else(|| {
            Failure::new(FailureCode::WebhookFailed, "the signing secret cannot be used")
        })?;
        let message = WebhookMessage {
            url: message.url.to_owned(),
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("webhook-id", message.id),
                ("webhook-timestamp", timestamp.as_second().to_string()),
                ("webhook-signature", signature),
            ],
            body,
            timeout: self.options.webhook_timeout,
        };
        self.ports.webhooks.post(&reach_of(tenant), message).await
    }
}

fn sign(secret: &Secret, id: &str, timestamp: Timestamp, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&signing_key(secret)?).ok()?;
    mac.update(format!("{id}.{}.", timestamp.as_second()).as_bytes());
    mac.update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// What a status other than 2xx means.
pub(crate) fn refused(response: &WebhookResponse) -> Option<Failure> {
    let detail = match response.status {
        200..300 => return None,
        status @ 300..400 => format!("status {status}; redirects are not followed"),
        status => format!("status {status}"),
    };
    Some(Failure::new(FailureCode::WebhookFailed, detail))
}

/// Whether a try again may help: a timeout, too early, too many, a fault of the server.
pub(crate) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

/// How long to wait after the `attempt`th try: 5 s, and twice as long each time; longer when the
/// receiver asks for it; never longer than an hour.
pub(crate) fn wait_after(attempt: u32, asked: Option<Duration>) -> Duration {
    const FIRST: Duration = Duration::from_secs(5);
    const LONGEST: Duration = Duration::from_secs(60 * 60);
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    doubled.max(asked.unwrap_or_default()).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_of_standard_webhooks() {
        // The example of the specification's reference libraries.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let time = Timestamp::from_second(1_614_265_330).unwrap();
        let signature =
            sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", time, br#"{"test": 2432232314}"#);
        assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn a_secret_that_the_host_makes_can_sign_and_no_other_text_can() {
        assert!(signing_key(&new_secret().unwrap()).is_some());
        for text in ["", "secret", "whsec_", "whsec_!!!", "whsec_c2hvcnQ="] {
            assert!(signing_key(&Secret::new(text.to_owned())).is_none(), "{text}");
        }
    }

    #[test]
    fn a_fault_of_the_server_may_pass_and_a_refusal_does_not() {
        for status in [408, 425, 429, 500, 502, 503, 599] {
            assert!(is_passing(status), "{status}");
        }
        for status in [301, 307, 400, 401, 403, 404, 409, 410, 422] {
            assert!(!is_passing(status), "{status}");
        }
    }

    #[test]
    fn waits_grow_and_end_at_an_hour() {
        let seconds = |attempt| wait_after(attempt, None).as_secs();
        assert_eq!([seconds(1), seconds(2), seconds(3), seconds(40)], [5, 10, 20, 3600]);
        assert_eq!(wait_after(1, Some(Duration::from_secs(60))).as_secs(), 60);
        assert_eq!(wait_after(1, Some(Duration::from_secs(86_400))).as_secs(), 3600);
    }
}
