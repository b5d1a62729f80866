//! What an author implements, and how it becomes the export of a component.

use crate::types::{Descriptor, Draft, Failure, Outcome, Task, Verdict};

/// A connector: what a plugin exports. Each call gets an instance of its own, which ends with the
/// call; implement it for a type without state and [`export!`](crate::export) that.
///
/// See the [crate's page](crate) for a whole one.
///
/// ```
/// # use cordon_connector_sdk::{Connector, types::*};
/// fn actions_of<C: Connector>() -> Vec<Action> {
///     C::describe().actions
/// }
/// ```
pub trait Connector {
    /// What this connector is. Called once, at admission; may call nothing but `log`.
    fn describe() -> Descriptor;

    /// Checks a configuration, or what a policy stores for it, and plans the requests. May call
    /// nothing but `log`, and depends on the draft alone.
    fn validate(draft: Draft) -> Verdict;

    /// Sends every test query, whatever became of the one before.
    ///
    /// # Errors
    /// When any of them failed.
    fn test(config: String) -> Result<(), Failure>;

    /// Does the task.
    ///
    /// # Errors
    /// Why the task failed. It stops; an operator retries or settles it.
    fn run(task: Task) -> Result<Outcome, Failure>;
}

#[cfg(target_arch = "wasm32")]
mod exported {
    use super::Connector;
    use crate::bindings::cordon::connector::types as wire;
    use crate::bindings::exports::cordon::connector::connector::Guest;

    impl<C: Connector> Guest for C {
        fn describe() -> wire::Descriptor {
            <C as Connector>::describe()
        }

        fn validate(draft: wire::Draft) -> wire::Verdict {
            <C as Connector>::validate(draft)
        }

        fn test(config: String) -> Result<(), wire::Failure> {
            <C as Connector>::test(config)
        }

        fn run(task: wire::Task) -> Result<wire::Outcome, wire::Failure> {
            <C as Connector>::run(task.into()).map(Into::into)
        }
    }
}
