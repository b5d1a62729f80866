//! Secrets, what the vault holds, and remembered answers.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cordon_model::secret::{Credentials, Secret};
use serde::{Deserialize, Serialize};

use super::{Stored, Unreadable, digest};

impl Stored for Credentials {
    type Record = BTreeMap<String, SecretText>;

    fn to_record(&self) -> BTreeMap<String, SecretText> {
        self.iter().map(|(name, secret)| (name.clone(), SecretText(secret.clone()))).collect()
    }

    fn from_record(record: BTreeMap<String, SecretText>) -> Result<Self, Unreadable> {
        Ok(record.into_iter().map(|(name, SecretText(secret))| (name, secret)).collect())
    }
}

impl Stored for Secret {
    type Record = SecretText;

    fn to_record(&self) -> SecretText {
        SecretText(self.clone())
    }

    fn from_record(SecretText(secret): SecretText) -> Result<Self, Unreadable> {
        Ok(secret)
    }
}

/// A secret as it is written: only ever into a buffer that is sealed and wiped.
pub(crate) struct SecretText(Secret);

impl Serialize for SecretText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|value| Self(Secret::new(value)))
    }
}

/// The sealed part of a remembered answer; key, route and expiry are the row's own.
pub(crate) struct Answer {
    /// SHA-256 of the body it came with.
    pub(crate) body_sha256: [u8; 32],
    /// Status and body. None while the first one is at work.
    pub(crate) answer: Option<(u16, Vec<u8>)>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct AnswerRecord {
    body_sha256: String,
    answer: Option<(u16, String)>,
}

impl Stored for Answer {
    type Record = AnswerRecord;

    fn to_record(&self) -> AnswerRecord {
        let Self { body_sha256, answer } = self;
        AnswerRecord {
            body_sha256: hex::encode(body_sha256),
            answer: answer.as_ref().map(|(status, body)| (*status, STANDARD.encode(body))),
        }
    }

    fn from_record(record: AnswerRecord) -> Result<Self, Unreadable> {
        let AnswerRecord { body_sha256, answer } = record;
        let decode = |(status, body): (u16, String)| {
            let body = STANDARD.decode(body).map_err(|_| Unreadable("a remembered answer"))?;
            Ok((status, body))
        };
        Ok(Self {
            body_sha256: digest(&body_sha256, "the digest of a body")?,
            answer: answer.map(decode).transpose()?,
        })
    }
}
