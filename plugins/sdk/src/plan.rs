//! The answer of `validate`: problems, the plan, and what else may be reached.

use crate::query::Query;
use crate::reading::Problems;
use crate::types::{Action, Draft, EgressNeed, Verdict};

/// The verdict on a draft: its problems, and the queries that its capabilities and its test use.
/// What no capability uses is never sent, so it is left out of the plan.
///
/// Give it the queries that `run` and `test` send, from the function that they get them from;
/// none of a configuration with an error in it.
///
/// ```
/// use cordon_connector_sdk::plan::verdict;
/// use cordon_connector_sdk::query::Query;
/// use cordon_connector_sdk::reading::Problems;
/// use cordon_connector_sdk::text;
/// use cordon_connector_sdk::types::{Action, Draft, Verdict};
///
/// fn validate(draft: &Draft) -> Verdict {
///     let ping = Query::new("test/ping", "GET", text!("https://api.acme.example/ping"));
///     let all = Query::new("access/all", "GET", text!("https://api.acme.example/all"));
///     let queries = [ping, all.serving(Action::Access).records()];
///     verdict(draft, Problems::default(), queries, [])
/// }
///
/// let config = "{}".to_owned();
/// let draft = Draft { config, actions: vec![Action::Delete], policy_settings: None };
/// assert_eq!(validate(&draft).plan.len(), 1, "the test alone");
/// ```
pub fn verdict(
    draft: &Draft,
    problems: Problems,
    queries: impl IntoIterator<Item = Query>,
    egress: impl IntoIterator<Item = EgressNeed>,
) -> Verdict {
    let used = |query: &Query| query.action().is_none_or(|action| wants(draft, action));
    Verdict {
        problems: problems.into_vec(),
        plan: queries.into_iter().filter(used).map(Query::planned).collect(),
        egress: egress.into_iter().collect(),
    }
}

/// Whether a connection has a capability.
///
/// ```
/// # use cordon_connector_sdk::{plan::wants, types::{Action, Draft}};
/// let config = "{}".to_owned();
/// let draft = Draft { config, actions: vec![Action::Access], policy_settings: None };
/// assert!(wants(&draft, Action::Access) && !wants(&draft, Action::Delete));
/// ```
pub fn wants(draft: &Draft, action: Action) -> bool {
    draft.actions.contains(&action)
}

impl EgressNeed {
    /// What labels outside the plan may reach: an origin (`scheme://host`, with a port unless it
    /// is the default), the beginning of a path by whole segments, and verbs.
    ///
    /// ```
    /// use cordon_connector_sdk::types::EgressNeed;
    ///
    /// let pages = EgressNeed::new("https://api.acme.example", "/people", &["GET"]);
    /// # assert_eq!(pages.methods, ["GET"]);
    /// ```
    pub fn new(origin: &str, path_prefix: &str, methods: &[&str]) -> Self {
        Self {
            origin: origin.to_owned(),
            path_prefix: path_prefix.to_owned(),
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            secrets: Vec::new(),
        }
    }

    /// With a key of the credentials, in headers.
    ///
    /// ```
    /// use cordon_connector_sdk::types::EgressNeed;
    ///
    /// let pages = EgressNeed::new("https://api.acme.example", "/people", &["GET"]);
    /// let pages = pages.with_secret("api_key");
    /// # assert_eq!(pages.secrets, ["api_key"]);
    /// ```
    #[must_use]
    pub fn with_secret(mut self, name: &str) -> Self {
        self.secrets.push(name.to_owned());
        self
    }
}
