//! The values that the host holds for a run, by number. Given out in order, so a repeated run
//! gets the same numbers.

use cordon_model::FailureCode;
use cordon_model::http_request::ValueId;
use cordon_model::subject::IdentityKind;
use cordon_model::task::HeldValue;

use super::Stop;

/// A host-held value. Has no `Debug`: it holds what a guest must not see.
pub(crate) enum Value {
    /// Names the data subject.
    Identity {
        /// What it is.
        kind: IdentityKind,
        /// Its value.
        value: String,
        /// Whether this run found it; else it was given.
        found: bool,
    },
    /// A scalar of a response.
    Scalar(HeldValue),
}

/// All of them.
pub(crate) struct Values {
    held: Vec<Value>,
    max: usize,
}

impl Values {
    pub(crate) const fn new(max: usize) -> Self {
        Self { held: Vec::new(), max }
    }

    /// Adds one, and gives its number.
    pub(crate) fn add(&mut self, value: Value) -> Result<ValueId, Stop> {
        if self.held.len() >= self.max {
            return Err(Stop::failed(FailureCode::LimitReached, "too many host-held values"));
        }
        let id = ValueId::try_from(self.held.len())
            .map_err(|_| Stop::failed(FailureCode::LimitReached, "too many host-held values"))?;
        self.held.push(value);
        Ok(id)
    }

    pub(crate) fn get(&self, id: ValueId) -> Option<&Value> {
        self.held.get(usize::try_from(id).ok()?)
    }

    /// The kind and value of an identity.
    pub(crate) fn identity(&self, id: ValueId) -> Option<(&IdentityKind, &str)> {
        match self.get(id)? {
            Value::Identity { kind, value, .. } => Some((kind, value)),
            Value::Scalar(_) => None,
        }
    }

    /// The kind of an identity, and which of the values of its kind it is, counted from 1.
    pub(crate) fn nth_of_kind(&self, id: ValueId) -> Option<(IdentityKind, usize)> {
        let (kind, _) = self.identity(id)?;
        let same = |held: &&Value| matches!(held, Value::Identity { kind: of, .. } if of == kind);
        let upto = self.held.iter().take(usize::try_from(id).ok()?.checked_add(1)?);
        Some((kind.clone(), upto.filter(same).count()))
    }

    /// The number of an identity that this run found before.
    pub(crate) fn found(&self, wanted: &IdentityKind, text: &str) -> Option<ValueId> {
        let same = |held: &Value| matches!(held, Value::Identity { kind, value, found: true } if kind == wanted && value == text);
        self.held.iter().position(same).and_then(|index| ValueId::try_from(index).ok())
    }

    /// How many identities of a kind were given.
    pub(crate) fn given(&self, of: &str) -> u64 {
        let given = |held: &&Value| matches!(held, Value::Identity { kind, found: false, .. } if kind.as_str() == of);
        self.held.iter().filter(given).count() as u64
    }
}
