//! Why a call gave no answer, in the model's words. Decided by type, never by text; what a guest
//! wrote goes no further than here.

use cordon_model::FailureCode;
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap};

use crate::call::Stop;
use crate::instance::Ending;
use crate::limits::LimitReached;

/// The ending as a stop.
pub(crate) fn stop(ending: Ending) -> Stop {
    match ending {
        Ending::Stopped(stop) => stop,
        Ending::DeadlinePassed => {
            Stop::failed(FailureCode::DeadlinePassed, FailureCode::DeadlinePassed.meaning())
        }
        Ending::Canceled => Stop::failed(FailureCode::Canceled, FailureCode::Canceled.meaning()),
        Ending::Trapped(error) => trapped(&error),
    }
}

fn trapped(error: &wasmtime::Error) -> Stop {
    if let Some(limit) = error.downcast_ref::<LimitReached>() {
        return Stop::failed(FailureCode::LimitReached, limit.to_string());
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return Stop::failed(FailureCode::LimitReached, "the run holds too many handles");
    }
    if error.is::<PoolConcurrencyLimitError>() {
        // The permits keep this from happening; if it does, the guest is not to blame.
        return Stop::Host("no room for another instance".to_owned());
    }
    match error.downcast_ref::<Trap>() {
        // The library's own words for the kind of trap.
        Some(trap) => Stop::misuse(&trap.to_string()),
        None => Stop::misuse(
            "the plugin broke a rule of the component model, or handed over too much at once",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(error: wasmtime::Error) -> &'static str {
        stop(Ending::Trapped(error)).code()
    }

    #[test]
    fn an_error_is_judged_by_its_type_and_its_text_goes_nowhere() {
        assert_eq!(code(LimitReached::Memory.into()), "limit_reached");
        assert_eq!(code(ResourceTableError::Full.into()), "limit_reached");
        assert_eq!(code(ResourceTableError::NotPresent.into()), "plugin_trapped");
        assert_eq!(code(Trap::UnreachableCodeReached.into()), "plugin_trapped");
        let said = stop(Ending::Trapped(wasmtime::Error::msg("p@x.com")));
        assert!(!format!("{said:?}").contains("p@x.com"));
    }

    #[test]
    fn an_error_is_found_under_its_context() {
        let error = wasmtime::Error::from(LimitReached::Memory).context("more");
        assert_eq!(code(error), "limit_reached");
    }
}
