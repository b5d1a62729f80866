//! What stands in a row: versioned serde records, apart from the model so that either can change
//! alone.
//!
//! Every conversion takes its type apart without `..`: a field that is added to the model and
//! forgotten here does not compile. Nothing here seals or knows a table.
//!
//! Records are plain structs and externally tagged enums only. Internally tagged and flattened
//! ones would pass numbers through serde's buffer, which loses them under `arbitrary_precision`.

mod api_key;
mod audit;
mod connection;
mod content;
mod journal;
mod plugin;
mod policy;
mod report;
mod request;
mod secrets;
mod task;
mod tenant;
mod webhook;

pub(crate) use content::RecordSets;
pub(crate) use journal::{Body, JournalLine};
pub(crate) use secrets::Answer;
use secrets::SecretText;

use std::collections::BTreeSet;

use cordon_model::commit::StoreError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The version of every record written today.
const VERSION: u32 = 1;

/// A model type that has a record.
pub(crate) trait Stored: Sized {
    /// The record of version 1.
    type Record: Serialize + DeserializeOwned;

    /// The record of a value.
    fn to_record(&self) -> Self::Record;

    /// The value of a record.
    ///
    /// # Errors
    /// When a word or an id of the record is not one this build knows.
    fn from_record(record: Self::Record) -> Result<Self, Unreadable>;
}

/// A record holds something that this build cannot read. Names the kind of thing, never content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) &'static str);

#[derive(Serialize, Deserialize)]
struct Envelope<R> {
    v: u32,
    data: R,
}

/// Read before the rest, to know how to read the rest.
#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// The bytes of a value's record.
pub(crate) fn encode<T: Stored>(value: &T) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let envelope = Envelope { v: VERSION, data: value.to_record() };
    serde_json::to_vec(&envelope)
        .map(Zeroizing::new)
        .map_err(|_| StoreError::Unavailable("a record could not be written as JSON".to_owned()))
}

/// The value of a record's bytes. `what` names the kind of row in an error.
pub(crate) fn decode<T: Stored>(bytes: &[u8], what: &'static str) -> Result<T, StoreError> {
    let damaged = |why: &str| StoreError::Damaged(format!("{what}: {why}"));
    // The text of a serde error may repeat content, so it goes nowhere.
    let Version { v } = serde_json::from_slice(bytes).map_err(|_| damaged("no record"))?;
    if v != VERSION {
        return Err(damaged("a record of a version that this build does not know"));
    }
    let envelope: Envelope<T::Record> =
        serde_json::from_slice(bytes).map_err(|_| damaged("not the record that was expected"))?;
    T::from_record(envelope.data).map_err(|Unreadable(part)| damaged(part))
}

/// Records of a list.
fn to_records<T: Stored>(values: &[T]) -> Vec<T::Record> {
    values.iter().map(T::to_record).collect()
}

/// Values of a list of records.
fn from_records<T: Stored>(records: Vec<T::Record>) -> Result<Vec<T>, Unreadable> {
    records.into_iter().map(T::from_record).collect()
}

/// Records of a set.
fn set_to_records<T: Stored + Ord>(values: &BTreeSet<T>) -> Vec<T::Record> {
    values.iter().map(T::to_record).collect()
}

/// The set of a list of records.
fn set_from_records<T: Stored + Ord>(records: Vec<T::Record>) -> Result<BTreeSet<T>, Unreadable> {
    records.into_iter().map(T::from_record).collect()
}

/// The record of what may be there.
fn to_optional<T: Stored>(value: Option<&T>) -> Option<T::Record> {
    value.map(T::to_record)
}

/// The value of what may be there.
fn from_optional<T: Stored>(record: Option<T::Record>) -> Result<Option<T>, Unreadable> {
    record.map(T::from_record).transpose()
}

/// A 32-byte digest from its hexadecimal text.
fn digest(text: &str, what: &'static str) -> Result<[u8; 32], Unreadable> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| Unreadable(what))?;
    Ok(bytes)
}

/// Stores a plain enum by words of the store's own, so that a renamed word of the API does not
/// make old rows unreadable.
macro_rules! words {
    ($type:ty, $what:literal, { $($name:ident = $word:literal,)+ }) => {
        impl $crate::record::Stored for $type {
            type Record = String;

            fn to_record(&self) -> String {
                match self { $(Self::$name => $word,)+ }.to_owned()
            }

            fn from_record(word: String) -> Result<Self, $crate::record::Unreadable> {
                match word.as_str() {
                    $($word => Ok(Self::$name),)+
                    _ => Err($crate::record::Unreadable($what)),
                }
            }
        }
    };
}
use words;

/// Stores what has one way to be written by that text.
macro_rules! texts {
    ($($type:ty, $what:literal;)+) => {$(
        impl $crate::record::Stored for $type {
            type Record = String;

            fn to_record(&self) -> String {
                self.to_string()
            }

            fn from_record(text: String) -> Result<Self, $crate::record::Unreadable> {
                text.parse().map_err(|_| $crate::record::Unreadable($what))
            }
        }
    )+};
}
use texts;
