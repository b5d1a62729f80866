//! Why a call gave no answer, in the model's words. Decided by type, never by text; what a guest
//! wrote goes no further than here.

use cordon_model::{FailureCode, PluginDigest};
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap};

use crate::call::Stop;
use crate::guest_memory::Shortage;
use crate::instance::Ending;
use crate::limits::LimitReached;
use crate::wasi::NothingBehind;

/// The ending as a stop.
pub(crate) fn stop(ending: Ending) -> Stop {
    match ending {
        Ending::Stopped(stop) => stop,
        Ending::DeadlinePassed => {
            Stop::failed(FailureCode::DeadlinePassed, FailureCode::DeadlinePassed.meaning())
        }
        Ending::Canceled => Stop::failed(FailureCode::Canceled, FailureCode::Canceled.meaning()),
        Ending::ProcessorTime(max) => {
            let detail = format!("the connector used up its processor time of {max:?}");
            Stop::failed(FailureCode::LimitReached, detail)
        }
        Ending::Trapped(error) => trapped(&error),
    }
}

/// Counts what a plugin did that none should do, by its digest: an operator sees which one traps,
/// and which one tries what it may not.
pub(crate) fn count(plugin: PluginDigest, code: FailureCode) {
    count_under(|| plugin.to_string(), code);
}

/// The same of a component that is refused for it. All of these are counted as one: whoever
/// uploads one component after the other must not make a series of metrics with each.
pub(crate) fn count_refused(code: FailureCode) {
    count_under(|| "refused".to_owned(), code);
}

fn count_under(digest: impl Fn() -> String, code: FailureCode) {
    match code {
        FailureCode::PluginTrapped | FailureCode::LimitReached => {
            metrics::counter!("cordon_plugin_traps_total", "digest" => digest()).increment(1);
        }
        FailureCode::NotGranted
        | FailureCode::NotPlanned
        | FailureCode::EgressDenied
        | FailureCode::Nondeterministic
        | FailureCode::InvalidOutcome => {
            metrics::counter!(
                "cordon_plugin_violations_total", "digest" => digest(), "code" => code.as_str()
            )
            .increment(1);
        }
        _ => {}
    }
}

/// The same for a stop.
pub(crate) fn count_stop(plugin: PluginDigest, stop: &Stop) {
    if let Stop::Failed(failure) = stop {
        count(plugin, failure.code);
    }
}

fn trapped(error: &wasmtime::Error) -> Stop {
    if let Some(called) = error.downcast_ref::<NothingBehind>() {
        return Stop::failed(FailureCode::NotGranted, called.to_string());
    }
    if let Some(limit) = error.downcast_ref::<LimitReached>() {
        return Stop::failed(FailureCode::LimitReached, limit.to_string());
    }
    if let Some(shortage) = error.downcast_ref::<Shortage>() {
        return Stop::Host(shortage.to_string());
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return Stop::failed(FailureCode::LimitReached, "the run holds too many handles");
    }
    if error.is::<PoolConcurrencyLimitError>() {
        // The places keep this from happening; if it does, the guest is not to blame.
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
    use std::time::Duration;

    use super::*;

    fn code(error: wasmtime::Error) -> &'static str {
        stop(Ending::Trapped(error)).code()
    }

    #[test]
    fn an_error_is_judged_by_its_type_and_its_text_goes_nowhere() {
        assert_eq!(code(LimitReached::Memory.into()), "limit_reached");
        assert_eq!(code(ResourceTableError::Full.into()), "limit_reached");
        assert_eq!(code(Shortage::OfTenant.into()), "host_error");
        assert_eq!(code(ResourceTableError::NotPresent.into()), "plugin_trapped");
        assert_eq!(code(Trap::UnreachableCodeReached.into()), "plugin_trapped");
        let said = stop(Ending::Trapped(wasmtime::Error::msg("p@x.com")));
        assert!(!format!("{said:?}").contains("p@x.com"));
    }

    #[test]
    fn the_time_that_was_used_up_is_told() {
        let Stop::Failed(failure) = stop(Ending::ProcessorTime(Duration::from_secs(10))) else {
            panic!("the guest is to blame");
        };
        assert_eq!(failure.code, FailureCode::LimitReached);
        assert_eq!(failure.detail, "the connector used up its processor time of 10s");
    }

    #[test]
    fn an_error_is_found_under_its_context() {
        let error = wasmtime::Error::from(LimitReached::Memory).context("more");
        assert_eq!(code(error), "limit_reached");
    }
}
