//! A double of the host, for the unit tests of a connector: no wasm, no network, no waiting.
//!
//! A [`Host`] is told what it holds and what the upstream answers, by label. It then runs the
//! connector as the real one does: it asks for the plan, holds planned labels to it, lets nothing
//! out that neither the plan nor an egress need covers, shows no value without a read grant, and
//! runs everything twice to see that it repeats. What would end a run in the host fails the test,
//! with a sentence. A failure that the connector returns does not: it comes out as it is, in
//! [`Ran::failure`] and in the sentence of whoever expected something else.
//!
//! It is no second host. Values are not escaped, so whether they may stand where they are put is
//! not seen here; nor are limits, a key twice in one object, or the operator's policy. Run the
//! component in a real one for these: `cordon plugin test`.
//!
//! ```
//! # use cordon_connector_sdk::{Connector, failure, plan::verdict, query::Query, reading::Problems};
//! # use cordon_connector_sdk::{text, text::placeholder, types::*};
//! # struct Forget;
//! # impl Forget {
//! #     fn query() -> Query {
//! #         let url = text!("https://api.acme.example/people/{}", placeholder("email"));
//! #         Query::new("delete/person", "DELETE", url).serving(Action::Delete).success(&[204, 404])
//! #     }
//! # }
//! # impl Connector for Forget {
//! #     fn describe() -> Descriptor {
//! #         Descriptor {
//! #             connector_type: "forget".to_owned(), category: "examples".to_owned(),
//! #             display_name: "Forget".to_owned(), actions: vec![Action::Delete],
//! #             config_schema: "{}".to_owned(), policy_schema: None, reads: vec![],
//! #         }
//! #     }
//! #     fn validate(draft: Draft) -> Verdict {
//! #         verdict(&draft, Problems::default(), [Self::query()], [])
//! #     }
//! #     fn test(_: String) -> Result<(), Failure> { Ok(()) }
//! #     fn run(task: Task) -> Result<Outcome, Failure> {
//! #         let mut done = false;
//! #         for email in task.identities_of("email") {
//! #             done |= Self::query().send(&[email.id])?.is_some_and(|answer| answer.status() == 204);
//! #         }
//! #         Ok(if done { Outcome::done() } else { Outcome::nothing_found() })
//! #     }
//! # }
//! use cordon_connector_sdk::testing::{Ended, Host, Reply};
//!
//! let mut host = Host::new("{}")
//!     .identity("email", "ada@initech.example")
//!     .identity("email", "ada@home.example")
//!     .answer("delete/person", Reply::status(404))
//!     .answer("delete/person", Reply::status(204));
//! let ran = host.run::<Forget>(Action::Delete);
//! assert_eq!(ran.sent(), [
//!     "DELETE https://api.acme.example/people/{email}",
//!     "DELETE https://api.acme.example/people/{email 2}",
//! ]);
//! assert_eq!(*ran.ended(), Ended::Done);
//! ```

mod documents;
pub(crate) mod imports;
mod judge;
mod preflight;
mod ran;
mod reply;
mod state;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Display;

use crate::Connector;
use crate::handles::{Identity, Input};
use crate::types::{Action, Draft, Form, ReadGrant, Severity, Skipped, Task, Verdict};

use state::{Held, Scalar, State};

pub use ran::{Ended, Ran, Sent};
pub use reply::Reply;

/// A host that a test has told what there is. See the [module's page](self).
#[derive(Debug, Clone, Default)]
pub struct Host {
    config: String,
    policy_settings: Option<String>,
    /// Kind, value, fresh.
    identities: Vec<(String, String, bool)>,
    secrets: BTreeSet<String>,
    reads: Option<Vec<ReadGrant>>,
    replies: BTreeMap<String, VecDeque<Reply>>,
    dry_run: bool,
    carry: Carry,
}

/// What is handed from one run to the next.
#[derive(Debug, Clone, Default)]
struct Carry {
    state: Option<String>,
    values: Vec<Scalar>,
    /// The form that was asked for.
    form: Option<Form>,
    /// What a person gave for it, in its order.
    input: Option<Vec<(String, Option<String>)>>,
}

/// How a call ended, what it left out, and what it hands over.
type Came = (Ended, Vec<Skipped>, Carry);

/// Which function of the connector is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    Test,
    Action(Action),
    Find(String),
}

impl Host {
    /// A host with one connection, as it was written: JSON as a text or as a `serde_json::Value`.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Host;
    /// let host = Host::new(serde_json::json!({"config": {"origin": "https://api.acme.example"}}));
    /// # let _ = host;
    /// ```
    pub fn new(config: impl Display) -> Self {
        Self { config: config.to_string(), ..Self::default() }
    }

    /// What the policy stores for the connection, as JSON.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Host;
    /// let host = Host::new("{}").policy_settings(serde_json::json!({"fields": []}));
    /// # let _ = host;
    /// ```
    #[must_use]
    pub fn policy_settings(mut self, settings: impl Display) -> Self {
        self.policy_settings = Some(settings.to_string());
        self
    }

    /// The data subject has this identity, and no run was given it before.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Host;
    /// let host = Host::new("{}").identity("email", "ada@initech.example");
    /// # let _ = host;
    /// ```
    #[must_use]
    pub fn identity(mut self, kind: &str, value: &str) -> Self {
        self.identities.push((kind.to_owned(), value.to_owned(), true));
        self
    }

    /// The data subject has this identity, and an earlier round was given it: it is not `fresh`.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Host;
    /// let host = Host::new("{}").known_identity("email", "ada@initech.example");
    /// # let _ = host;
    /// ```
    #[must_use]
    pub fn known_identity(mut self, kind: &str, value: &str) -> Self {
        self.identities.push((kind.to_owned(), value.to_owned(), false));
        self
    }

    /// The credentials have this key. Its value is nobody's business.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Host;
    /// let host = Host::new("{}").secret("api_key");
    /// # let _ = host;
    /// ```
    #[must_use]
    pub fn secret(mut self, name: &str) -> Self {
        self.secrets.insert(name.to_owned());
        self
    }

    /// The connection may read this and nothing else. Without this line it may read whatever
    /// `describe` asks for.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Host;
    /// let blind = Host::new("{}").may_read(&[]);
    /// # let _ = blind;
    /// ```
    #[must_use]
    pub fn may_read(mut self, grants: &[ReadGrant]) -> Self {
        self.reads = Some(grants.to_vec());
        self
    }

    /// What the upstream answers to the next request under this label; the one after it gets the
    /// next answer. A request without an answer fails the test, and so does an answer without a
    /// request: what the next run is answered is given after this one, with [`Host::then`]. Of a
    /// run that failed the answers that it did not come to are left for the next run.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::{Host, Reply};
    /// let host = Host::new("{}")
    ///     .answer("access/people", Reply::json(r#"{"items": [], "next_cursor": "c2"}"#))
    ///     .answer("access/people/next", Reply::json(r#"{"items": []}"#));
    /// # let _ = host;
    /// ```
    #[must_use]
    pub fn answer(mut self, label: &str, reply: Reply) -> Self {
        self.then(label, reply);
        self
    }

    /// The same between two runs: after one that waits, what the next one is answered.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::{Host, Reply};
    /// # let mut host = Host::new("{}");
    /// host.then("access/poll", Reply::status(202));
    /// ```
    pub fn then(&mut self, label: &str, reply: Reply) {
        self.replies.entry(label.to_owned()).or_default().push_back(reply);
    }

    /// Nothing is sent: every request is answered `unreachable`, and `http::not_sent` says why.
    ///
    /// ```
    /// # use cordon_connector_sdk::testing::Host;
    /// let host = Host::new("{}").dry_run();
    /// # let _ = host;
    /// ```
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// What a person gave for the form that the last run asked for, by label; nothing at all
    /// means "searched, nothing found".
    ///
    /// # Panics
    /// When nobody was asked, or not for this.
    ///
    /// ```should_panic
    /// # use cordon_connector_sdk::testing::Host;
    /// # let mut host = Host::new("{}");
    /// host.supply(&[("ticket", "T-1")]);
    /// ```
    pub fn supply(&mut self, values: &[(&str, &str)]) {
        let Some(form) = &self.carry.form else {
            return state::unmet("a person was asked for nothing");
        };
        if let Some((label, _)) =
            values.iter().find(|(label, _)| form.fields.iter().all(|field| field.label != *label))
        {
            return state::unmet(format!("the form has no field `{label}`"));
        }
        let given = |label: &str| values.iter().find(|(given, _)| *given == label);
        let field = |label: &String| (label.clone(), given(label).map(|(_, v)| (*v).to_owned()));
        let missing =
            form.fields.iter().find(|field| field.required && given(&field.label).is_none());
        if let Some(field) = missing.filter(|_| !values.is_empty()) {
            return state::unmet(format!("the form requires `{}`", field.label));
        }
        let input = form.fields.iter().map(|asked| field(&asked.label)).collect();
        self.carry.input = Some(input);
    }

    /// What `validate` says of the connection with these capabilities.
    ///
    /// ```
    /// # use cordon_connector_sdk::{Connector, testing::Host, types::Action};
    /// fn is_refused<C: Connector>(config: &str) -> bool {
    ///     !Host::new(config).validate::<C>(&[Action::Access]).problems.is_empty()
    /// }
    /// ```
    pub fn validate<C: Connector>(&self, actions: &[Action]) -> Verdict {
        let (config, actions) = (self.config.clone(), actions.to_vec());
        let policy_settings = self.policy_settings.clone();
        let alone = State::default();
        state::within(alone, || C::validate(Draft { config, actions, policy_settings })).1
    }

    /// Runs an action. A run that waits hands over to the next call of this.
    ///
    /// # Panics
    /// With the sentence of whatever would end the run in the host.
    ///
    /// ```
    /// # use cordon_connector_sdk::{Connector, testing::{Host, Ran}, types::Action};
    /// fn delete<C: Connector>(host: &mut Host) -> Ran {
    ///     host.run::<C>(Action::Delete)
    /// }
    /// ```
    pub fn run<C: Connector>(&mut self, action: Action) -> Ran {
        self.call::<C>(Purpose::Action(action))
    }

    /// Looks for identities of a kind: the action `identifiers`.
    ///
    /// # Panics
    /// As [`Host::run`].
    ///
    /// ```
    /// # use cordon_connector_sdk::{Connector, testing::{Host, Ran}};
    /// fn user_ids<C: Connector>(host: &mut Host) -> Ran {
    ///     host.find::<C>("user_id")
    /// }
    /// ```
    pub fn find<C: Connector>(&mut self, wanted: &str) -> Ran {
        self.call::<C>(Purpose::Find(wanted.to_owned()))
    }

    /// Tests the connection.
    ///
    /// # Panics
    /// As [`Host::run`].
    ///
    /// ```
    /// # use cordon_connector_sdk::{Connector, testing::{Ended, Host, Reply}};
    /// fn passes<C: Connector>() -> bool {
    ///     let host = Host::new("{}").answer("test/ping", Reply::status(200));
    ///     *host.clone().test::<C>().ended() == Ended::Passed
    /// }
    /// ```
    pub fn test<C: Connector>(&mut self) -> Ran {
        self.call::<C>(Purpose::Test)
    }

    fn call<C: Connector>(&mut self, purpose: Purpose) -> Ran {
        let described = C::describe();
        let verdict = self.validate::<C>(&described.actions);
        let errors = verdict.problems.iter().filter(|p| p.severity == Severity::Error);
        if let Some(error) = errors.into_iter().next() {
            return state::end(format!(
                "the connection is refused at {}: {}",
                error.pointer, error.message
            ));
        }
        let reads = self.reads.clone().unwrap_or(described.reads);
        if let Some(failed) =
            preflight::failure(&verdict.plan, &purpose, &self.identities, &self.secrets)
        {
            return Ran::failed_before(failed);
        }
        let state = self.state(purpose.clone(), verdict, reads.clone());
        let (first, _) = self.once::<C>(&purpose, state.clone());
        let (again, (ended, skipped, carry)) = self.once::<C>(&purpose, state);
        if first.sent != again.sent {
            return state::end("the same run, repeated, sends something else");
        }
        // A run that fails asks no further, and what it failed over is what its author must see.
        let failed = matches!(ended, Ended::Failed(_));
        let unasked = || again.replies.iter().find(|(_, replies)| !replies.is_empty());
        if !failed && let Some((label, _)) = unasked() {
            return state::unmet(never_asked(label, &ended));
        }
        self.replies = again.replies;
        self.carry = carry;
        Ran { ended: (ended, skipped), sent: again.sent, log: again.log }
    }

    /// Calls the connector once, and reads what came out while the host still holds it.
    fn once<C: Connector>(&self, purpose: &Purpose, state: State) -> (State, Came) {
        let task = self.task(purpose, &state.reads);
        state::within(state, || match task {
            None => {
                let passed = C::test(self.config.clone());
                let ended = passed.map_or_else(Ended::Failed, |()| Ended::Passed);
                (ended, Vec::new(), Carry::default())
            }
            Some(task) => {
                let outcome = C::run(task);
                let input = self.carry.input.clone();
                state::with(|state| ran::read(state, purpose, input, outcome))
            }
        })
    }

    fn state(&self, purpose: Purpose, verdict: Verdict, reads: Vec<ReadGrant>) -> State {
        let identity = |(kind, value, _): &(String, String, bool)| {
            let (kind, value) = (kind.clone(), value.clone());
            Held::Identity { kind, value, found: false }
        };
        let values = self.identities.iter().filter(|_| purpose != Purpose::Test).map(identity);
        let kept = self.carry.values.iter().cloned().map(Held::Scalar);
        State {
            purpose: Some(purpose.clone()),
            plan: verdict.plan,
            egress: verdict.egress,
            reads,
            held: values.chain(kept).collect(),
            secrets: self.secrets.clone(),
            replies: self.replies.clone(),
            dry_run: self.dry_run,
            ..State::default()
        }
    }

    /// None: a test.
    fn task(&self, purpose: &Purpose, reads: &[ReadGrant]) -> Option<Task> {
        let (action, wanted) = match purpose {
            Purpose::Test => return None,
            Purpose::Action(action) => (*action, None),
            Purpose::Find(wanted) => (Action::Identifiers, Some(wanted.clone())),
        };
        let identities = (0..).zip(&self.identities);
        let identity = |(id, (kind, _, fresh)): (u32, &(String, String, bool))| Identity {
            id,
            kind: kind.clone(),
            fresh: *fresh,
        };
        let kept = (0..).skip(self.identities.len()).take(self.carry.values.len());
        let input = self.carry.input.clone().map(|fields| imports::handles::Input { fields });
        Some(Task {
            action,
            wanted,
            config: self.config.clone(),
            policy_settings: self.policy_settings.clone(),
            reads: reads.to_vec(),
            identities: identities.map(identity).collect(),
            input: input.map(Input),
            state: self.carry.state.clone(),
            values: kept.collect(),
        })
    }
}

/// Says of a run that waits where the answers to the next one belong.
fn never_asked(label: &str, ended: &Ended) -> String {
    let why = format!("an answer under `{label}` was never asked for");
    if !matches!(ended, Ended::Waits(_) | Ended::Asked(_)) {
        return why;
    }
    format!(
        "{why}, and the run waits: what the next run is answered is given after this one, with \
         `host.then`"
    )
}

#[cfg(test)]
mod tests;
