//! Why a component was not admitted, in the words of whoever offered it: each reason with its
//! rule and the remedy.

use cordon_model::Problem;
use cordon_model::port::AdmissionError;

use crate::error::Error;

impl From<Error> for AdmissionError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::TypeTaken { .. } | Error::NameTaken { .. } => {
                Self::TypeTaken(format!("{text}; give the connector a type and a name of its own"))
            }
            Error::OtherOwner { scope, .. } => {
                let again = match scope {
                    None => "install it for all again: with an operator's key and without \
                             --tenant"
                        .to_owned(),
                    Some(tenant) => format!("install it there again: with --tenant {tenant}"),
                };
                Self::TypeTaken(format!(
                    "{text}; if it is this one, {again}; or remove it there first; if it is \
                     another, give the connector a type and a name of its own"
                ))
            }
            Error::VersionTaken { .. } => {
                Self::VersionTaken(format!("{text}; give the new one another version"))
            }
            Error::Loaded(reference) => Self::Loaded(reference),
            Error::Sandbox(_)
            | Error::Limit { .. }
            | Error::ProposalEnabled(_)
            | Error::Host(_) => Self::Host(text),
            other => {
                let (code, remedy) = told(&other);
                let message = match remedy {
                    "" => text,
                    remedy => format!("{text}; {remedy}"),
                };
                Self::Refused(vec![Problem::error(code, "", message)])
            }
        }
    }
}

/// The stable word and the remedy.
const fn told(error: &Error) -> (&'static str, &'static str) {
    match error {
        Error::ComponentTooLarge { .. } => {
            ("component_too_large", "build it for size and strip what it does not need")
        }
        Error::FunctionTooLarge { .. } => (
            "function_too_large",
            "build it with less inlining, or with a lower optimization level",
        ),
        Error::TooMany { .. } => ("too_many", "leave out what it does not need"),
        Error::CompilerLimit(_) => {
            ("compiler_limit", "make the component smaller, or have the operator raise the limits")
        }
        Error::CompiledCode => ("compiled_code", "send the component that it was compiled from"),
        Error::NotAComponent(_) => (
            "not_a_component",
            "build a WebAssembly component (not a core module, not compiled code) that uses no \
             proposal beyond the standard",
        ),
        Error::ForeignImports(_) => (
            "foreign_import",
            "only cordon:connector@0.1 may be imported, and WASI 0.2, which has nothing behind it",
        ),
        Error::Unloadable(_) => {
            ("unloadable", "build it against the interface cordon:connector@0.1 of this host")
        }
        Error::VersionMissing => (
            "version_missing",
            "give one with ?version=, or write one into the component as its custom section \
             `version`",
        ),
        Error::DescribeFailed { .. } => {
            ("describe_failed", "it must answer without calling anything but the log")
        }
        Error::ValidateFailed { .. } => (
            "validate_failed",
            "it must answer to any configuration, with problems where there are some",
        ),
        Error::InvalidDescriptor(_) => ("invalid_descriptor", ""),
        Error::OtherDigest => ("other_digest", "install it again"),
        Error::Sandbox(_)
        | Error::Limit { .. }
        | Error::ProposalEnabled(_)
        | Error::TypeTaken { .. }
        | Error::NameTaken { .. }
        | Error::OtherOwner { .. }
        | Error::VersionTaken { .. }
        | Error::Loaded(_)
        | Error::Host(_) => ("internal", ""),
    }
}
