//! Why a service refused. `cordon-api` is the only place that maps these to HTTP.

use cordon_model::Problem;
use cordon_model::api_key::Scope;
use cordon_model::commit::{CommitError, StoreError, Target};

/// Why a service refused. Never holds a value that a person typed as secret or personal data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key, or one that is unknown, expired or revoked.
    #[error("a valid API key is required")]
    Unauthenticated,
    /// The key lacks this scope.
    #[error("the key lacks the scope {0}")]
    Forbidden(Scope),
    /// Only an operator's key may do this.
    #[error("only an operator's key may do this")]
    OperatorOnly,
    /// The one-time token is not the one that resumes this request.
    #[error("the token is not the one that resumes this request")]
    WrongToken,
    /// An operator's key must name the tenant.
    #[error("an operator's key must name the tenant in the header Cordon-Tenant")]
    TenantRequired,
    /// The tenant is suspended.
    #[error("the tenant is suspended")]
    TenantSuspended,
    /// There is no such object, or it belongs to another tenant.
    #[error("there is no such {}", .0.as_str())]
    NotFound(Missing),
    /// What was written has problems: all of them.
    #[error("what was sent has problems")]
    Invalid(Vec<Problem>),
    /// The state of things does not allow it.
    #[error("{detail}")]
    Conflict {
        /// The stable word.
        code: Conflict,
        /// A sentence that names the place and the remedy.
        detail: String,
    },
    /// `If-Match` names another revision.
    #[error("the object was changed since it was read")]
    PreconditionFailed,
    /// The tenant follows as many requests as it may at the same time.
    #[error("the tenant follows {0} requests already; close an event stream and try again")]
    TooManyStreams(usize),
    /// The package was there and is not any more.
    #[error("the package is not kept any more")]
    Gone,
    /// The host cannot do it now; trying again may help.
    #[error("the host cannot do this now: {0}")]
    Unavailable(String),
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $(#[doc = $text] $variant,)* }

        impl $name {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word used in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

words!(
    /// What is not there.
    Missing {
        Tenant = "tenant",
        ApiKey = "api key",
        Connection = "connection",
        Policy = "policy",
        Webhook = "policy webhook",
        ManualWebhook = "manual webhook",
        Request = "privacy request",
        Task = "task",
        Input = "manual input",
        Package = "package",
        Plugin = "plugin",
    }
);

words!(
    /// Why the state of things does not allow it: the `code` of a 409.
    Conflict {
        Exists = "exists",
        InUse = "in_use",
        IllegalTransition = "illegal_transition",
        NotWaitingForInput = "not_waiting_for_input",
        NotPaused = "not_paused",
        InputsMissing = "inputs_missing",
        RuleUnserved = "rule_unserved",
        IdempotencyInFlight = "idempotency_in_flight",
        Changed = "changed",
        NothingToRetry = "nothing_to_retry",
        AlreadySet = "already_set",
        TypeTaken = "type_taken",
        VersionTaken = "version_taken",
        PluginUnavailable = "plugin_unavailable",
        Downgrade = "downgrade",
        VersionUnordered = "version_unordered",
    }
);

impl Error {
    /// A conflict.
    pub fn conflict(code: Conflict, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    /// One problem.
    pub fn problem(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(_) => Self::PreconditionFailed,
            CommitError::Exists(target) => Self::conflict(
                Conflict::Exists,
                match target {
                    Target::Tenant(key) => format!("there is a tenant {key} already"),
                    Target::Connection(key) => format!("there is a connection {key} already"),
                    Target::ConnectionUuid(_) => {
                        "another connection of the tenant has this uuid".to_owned()
                    }
                    Target::Policy(key) => format!("there is a policy {key} already"),
                    Target::ManualWebhook(key) => {
                        format!("the connection {key} has a manual webhook already")
                    }
                    Target::Plugin(name) => {
                        format!("this version of the plugin {name} is installed already")
                    }
                    Target::ApiKey(_)
                    | Target::PolicyWebhook(_)
                    | Target::Request(_)
                    | Target::Replay(_) => "there is one already".to_owned(),
                },
            ),
            CommitError::Absent(target) => Self::NotFound(match target {
                Target::Tenant(_) => Missing::Tenant,
                Target::ApiKey(_) => Missing::ApiKey,
                Target::Connection(_) | Target::ConnectionUuid(_) => Missing::Connection,
                Target::Policy(_) => Missing::Policy,
                Target::ManualWebhook(_) => Missing::ManualWebhook,
                Target::PolicyWebhook(_) => Missing::Webhook,
                Target::Plugin(_) => Missing::Plugin,
                Target::Request(_) | Target::Replay(_) => Missing::Request,
            }),
            CommitError::Contradictory(what) => Self::Unavailable(what.to_owned()),
            CommitError::Store(error) => error.into(),
        }
    }
}
