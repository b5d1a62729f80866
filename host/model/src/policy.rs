//! What is done for a person, and what a person is asked for first.

use crate::deadline::Deadline;
use crate::{Action, ConnectionKey, PolicyKey, Revision, TenantId, Timestamp};

/// Rules (action and destination), and how requests under them behave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its key.
    pub key: PolicyKey,
    /// A name for people.
    pub name: String,
    /// What is done.
    pub terms: PolicyTerms,
    /// When it was created.
    pub created_at: Timestamp,
    /// Counts its writes.
    pub revision: Revision,
}

/// The part of a policy that a request keeps as it was when it was submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyTerms {
    /// What is done; at least one.
    pub rules: Vec<Rule>,
    /// The only connections that take part; none: every live one with the capability.
    pub connections: Option<Vec<ConnectionKey>>,
    /// A person approves each request first.
    pub requires_approval: bool,
    /// Goes on by itself when the last manual input is there.
    pub auto_resume: bool,
    /// Accepts a request although no connection serves one of the rules.
    pub allow_unserved: bool,
    /// Whether a failed task holds back the stages after its own.
    pub on_error: OnError,
    /// When requests are due; one that is not answered then is an error, `deadline_passed`.
    /// None: never.
    pub deadline: Option<Deadline>,
    /// Days after its end that a request's package and content are kept; none: no limit.
    pub retention_days: Option<u32>,
}

/// One thing a policy does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What is done.
    pub action: Action,
    /// Name of a configured destination for the package; none: `local`.
    pub destination: Option<String>,
}

/// What a failed task does to the rest of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// The stages after its own wait until it is retried or settled.
    #[default]
    Stop,
    /// They go on; the request still ends in `error`.
    Continue,
}

impl Policy {
    /// The policies every tenant starts with: one for each action, under the action's name.
    pub fn initial(tenant: &TenantId, at: Timestamp) -> Vec<Self> {
        Action::ALL
            .into_iter()
            .filter_map(|action| {
                Some(Self {
                    tenant: tenant.clone(),
                    key: action.as_str().parse().ok()?,
                    name: match action {
                        Action::Identifiers => "Identifiers",
                        Action::Access => "Access",
                        Action::Delete => "Delete",
                        Action::Optout => "Opt out",
                    }
                    .to_owned(),
                    terms: PolicyTerms::for_rules(vec![Rule { action, destination: None }]),
                    created_at: at,
                    revision: Revision::FIRST,
                })
            })
            .collect()
    }
}

impl PolicyTerms {
    /// Terms with these rules and every default. A delete rule asks for approval (BEHAVIOUR I6).
    pub fn for_rules(rules: Vec<Rule>) -> Self {
        let requires_approval = rules.iter().any(|rule| rule.action == Action::Delete);
        Self {
            rules,
            connections: None,
            requires_approval,
            auto_resume: false,
            allow_unserved: false,
            on_error: OnError::Stop,
            deadline: None,
            retention_days: None,
        }
    }

    /// Whether one of the rules is for this action.
    pub fn has(&self, action: Action) -> bool {
        self.rules.iter().any(|rule| rule.action == action)
    }
}

/// Links a policy and a connection of type `manual_webhook` with the fields a person supplies.
/// One per connection across all policies (BEHAVIOUR F2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualWebhook {
    /// Whose it is.
    pub tenant: TenantId,
    /// The policy whose requests wait for it.
    pub policy: PolicyKey,
    /// The connection whose key the values stand under in the package.
    pub connection: ConnectionKey,
    /// What is asked for; at least one.
    pub fields: Vec<ManualField>,
    /// A disabled one is not asked for.
    pub enabled: bool,
    /// Holds up requests of a policy without an access rule too: a person looks first.
    pub confirm: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// Counts its writes.
    pub revision: Revision,
}

/// One field of a manual webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualField {
    /// What is asked for, in words for the person who looks it up.
    pub pii_field: String,
    /// What stands in the package; unique in its webhook.
    pub dsr_package_label: String,
    /// What may be given.
    pub types: Vec<crate::input::FieldType>,
    /// Whether it may be left out.
    pub required: bool,
}
