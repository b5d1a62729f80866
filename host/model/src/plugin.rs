//! An admitted component and what it says about itself.

use crate::{Action, PluginDigest};

/// Which component, to the byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginRef {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What a task pins.
    pub digest: PluginDigest,
}

/// An admitted component: where it came from and its descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// Which one.
    pub reference: PluginRef,
    /// What `describe` answered at admission.
    pub descriptor: Descriptor,
    /// Whether it came with the host. What a configuration of these needs is granted when an
    /// administrator writes it.
    pub built_in: bool,
}

/// What `describe` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// `api_proxy`, `manual_webhook`, …
    pub connector_type: String,
    /// What it is listed under.
    pub category: String,
    /// A name for people.
    pub display_name: String,
    /// What its connections can be asked for.
    pub actions: Vec<Action>,
    /// JSON Schema of the configuration.
    pub config_schema: String,
    /// JSON Schema of what a policy stores for a connection of this type.
    pub policy_schema: Option<String>,
    /// What it asks to read.
    pub reads: Vec<ReadGrant>,
}

/// A right to see what a connector otherwise holds as a number only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadGrant {
    /// The values of the identities.
    Identities,
    /// Headers and bodies of responses, and records.
    Responses,
}
