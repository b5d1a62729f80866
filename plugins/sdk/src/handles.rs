//! What the host holds for one run: identities, values and records, behind numbers and resources.
//!
//! The words are those of the contract; the resources are wrapped, so that a connector's own
//! tests meet a double of the host in their place (see `cordon_connector_sdk::testing`).

pub use crate::bindings::cordon::connector::handles::{
    Identity, Piece, Shape, ShapeError, Text, ValueId,
};

use crate::imports::handles as imported;

/// JSON objects, parsed and held by the host; a connector only points at them.
///
/// ```
/// use cordon_connector_sdk::http::Response;
/// use cordon_connector_sdk::types::{Finding, Outcome};
/// use cordon_connector_sdk::handles::ShapeError;
///
/// fn found(response: &Response) -> Result<Outcome, ShapeError> {
///     let records = response.records("/items")?;
///     let found = if records.count() == 0 { vec![] } else { vec![records] };
///     Ok(Outcome::finished(Finding::Records(found)))
/// }
/// ```
#[derive(Debug)]
pub struct Records(pub(crate) imported::Records);

impl Records {
    /// How many objects there are.
    ///
    /// ```
    /// # use cordon_connector_sdk::handles::Records;
    /// fn is_empty(records: &Records) -> bool {
    ///     records.count() == 0
    /// }
    /// ```
    pub fn count(&self) -> u32 {
        self.0.count()
    }

    /// Identities in these objects, as new numbers; only in an identifiers run.
    ///
    /// # Errors
    /// When an object has no value of the wanted kind that could be an identity.
    ///
    /// ```
    /// # use cordon_connector_sdk::handles::{Records, ShapeError, ValueId};
    /// fn found(records: &Records) -> Result<Vec<ValueId>, ShapeError> {
    ///     Ok(records.identities()?.into_iter().map(|identity| identity.id).collect())
    /// }
    /// ```
    pub fn identities(&self) -> Result<Vec<Identity>, ShapeError> {
        self.0.identities()
    }

    /// One object as JSON text. Needs the read grant `responses`; without it, or with an index
    /// that is not below `count`, the run ends.
    ///
    /// ```
    /// # use cordon_connector_sdk::handles::Records;
    /// fn texts(records: &Records) -> Vec<String> {
    ///     (0..records.count()).map(|index| records.read(index)).collect()
    /// }
    /// ```
    pub fn read(&self, index: u32) -> String {
        self.0.read(index)
    }
}

/// What a person supplied for the form that an earlier run asked for.
///
/// ```
/// use cordon_connector_sdk::handles::{Input, Records};
///
/// /// Nothing at all means that the person searched and found nothing.
/// fn supplied(input: &Input) -> Option<Records> {
///     (!input.labels().is_empty()).then(|| input.records())
/// }
/// ```
#[derive(Debug)]
pub struct Input(pub(crate) imported::Input);

impl Input {
    /// Labels of the form that were given a value, in the order of the form.
    ///
    /// ```
    /// # use cordon_connector_sdk::handles::Input;
    /// fn gave(input: &Input, label: &str) -> bool {
    ///     input.labels().iter().any(|given| given == label)
    /// }
    /// ```
    pub fn labels(&self) -> Vec<String> {
        self.0.labels()
    }

    /// The values as one object in the order of the form; a label without a value is `null`.
    /// Without any value there is no object.
    ///
    /// ```
    /// # use cordon_connector_sdk::handles::Input;
    /// # use cordon_connector_sdk::types::{Finding, Outcome};
    /// fn as_it_is(input: &Input) -> Outcome {
    ///     Outcome::finished(Finding::Records(vec![input.records()]))
    /// }
    /// ```
    pub fn records(&self) -> Records {
        Records(self.0.records())
    }
}

/// Hands in records that the connector wrote itself: `json` is an array of objects.
///
/// # Errors
/// When it is anything else.
///
/// ```
/// # use cordon_connector_sdk::handles::{self, Records, ShapeError};
/// fn joined(objects: &[String]) -> Result<Records, ShapeError> {
///     handles::make_records(&format!("[{}]", objects.join(",")))
/// }
/// ```
pub fn make_records(json: &str) -> Result<Records, ShapeError> {
    imported::make_records(json).map(Records)
}

/// The value of an identity. Needs the read grant `identities`; without it, or with a number that
/// is no identity, the run ends.
///
/// ```
/// # use cordon_connector_sdk::handles::{self, Identity};
/// fn is_ours(identity: &Identity) -> bool {
///     handles::read_identity(identity.id).ends_with("@acme.example")
/// }
/// ```
pub fn read_identity(id: ValueId) -> String {
    imported::read_identity(id)
}
