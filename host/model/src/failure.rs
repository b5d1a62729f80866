//! Why a task or a request stopped.

/// Why a task or a request stopped. Holds no identity, secret or content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stable word.
    pub code: FailureCode,
    /// Which query.
    pub label: Option<String>,
    /// A sentence: names, statuses, sizes, positions.
    pub detail: String,
}

impl Failure {
    /// A failure of no query in particular.
    pub fn new(code: FailureCode, detail: impl Into<String>) -> Self {
        Self { code, label: None, detail: detail.into() }
    }
}

macro_rules! codes {
    ($($name:ident = $text:literal, $doc:literal;)*) => {
        /// The stable words of failures, listed in `docs/errors.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FailureCode { $(#[doc = $doc] $name,)* }

        impl FailureCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word used in the API, in records and in logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What the word means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $doc,)* }
            }
        }

        impl std::str::FromStr for FailureCode {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(())
            }
        }
    };
}

codes! {
    QueryFailed = "query_failed", "A query did not succeed; the report of its task says which and how.";
    MalformedResponse = "malformed_response", "A response does not have the shape it must have.";
    MissingPlaceholder = "missing_placeholder", "A template names an identity that is not known.";
    InvalidConfig = "invalid_config", "The plugin cannot work with its configuration.";
    Unsupported = "unsupported", "The plugin does not do this.";
    PluginInternal = "plugin_internal", "The plugin reported an error of its own.";
    PluginTrapped = "plugin_trapped", "The plugin broke and was stopped.";
    LimitReached = "limit_reached", "The run used more of something than it may.";
    NotGranted = "not_granted", "The run wanted something it has no grant for.";
    EgressDenied = "egress_denied", "The egress gate refused a request.";
    NotPlanned = "not_planned", "A planned query was not sent as planned.";
    Nondeterministic = "nondeterministic", "The plugin composed another request than it did before.";
    InDoubt = "in_doubt", "Whether a call took effect is not known; retry or settle it.";
    DeadlinePassed = "deadline_passed", "The time for the work is over.";
    Canceled = "canceled", "The work was canceled.";
    SecretsUnavailable = "secrets_unavailable", "The credentials of the connection cannot be had.";
    SecretReflected = "secret_reflected", "A response repeats a secret that was sent; nothing of it was kept.";
    InvalidOutcome = "invalid_outcome", "The plugin's outcome does not fit the action, or is too large.";
    TooManyCombinations = "too_many_combinations", "The identities of the query combine in more ways than allowed.";
    PluginUnavailable = "plugin_unavailable", "The pinned plugin is not loaded.";
    ConnectionGone = "connection_gone", "The connection does not exist any more.";
    RuleUnserved = "rule_unserved", "No connection serves a rule of the policy.";
    WebhookFailed = "webhook_failed", "A policy webhook could not be told, or its answer cannot be used.";
    PackageFailed = "package_failed", "The package could not be put at its destination.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back() {
        for code in FailureCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
    }
}
