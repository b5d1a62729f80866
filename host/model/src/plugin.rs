//! An admitted component, what it says about itself, and how a stranger's is kept.

use crate::{Action, PluginDigest, Revision, TenantId, Timestamp};

/// Longest name and longest version of a plugin, in characters.
const WORD_CHARS_MAX: usize = 64;

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

impl PluginRef {
    /// Whether a plugin can have this name: 1 to 64 characters of `a-z`, `0-9`, `_` and `-`,
    /// beginning with a letter or a digit.
    pub fn is_name(text: &str) -> bool {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        is_word(text, plain, |c| plain(c) || c == '_' || c == '-')
    }

    /// Whether a plugin can have this version: 1 to 64 characters of `A-Z`, `a-z`, `0-9`, `.`,
    /// `+`, `_` and `-`, beginning with a letter or a digit. Semantic versions are; no order is
    /// read into it.
    pub fn is_version(text: &str) -> bool {
        is_word(
            text,
            |c| c.is_ascii_alphanumeric(),
            |c| c.is_ascii_alphanumeric() || ".+_-".contains(c),
        )
    }
}

fn is_word(text: &str, first: impl Fn(char) -> bool, then: impl Fn(char) -> bool) -> bool {
    text.chars().count() <= WORD_CHARS_MAX
        && text.chars().next().is_some_and(first)
        && text.chars().all(then)
}

/// A stranger's plugin as it is kept. Its component is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledPlugin {
    /// The tenant that it serves; none: every tenant.
    pub scope: Option<TenantId>,
    /// Which one. Within a scope a name and a version stand for one digest, and a digest for one
    /// name and version.
    pub reference: PluginRef,
    /// What `describe` answered at admission.
    pub descriptor: Descriptor,
    /// What the component imports, in its order.
    pub imports: Vec<String>,
    /// Bytes of the component.
    pub size: u64,
    /// Whether connections of its type are written with it. One version of a name is active.
    pub active: bool,
    /// When it last became the active one; none: it never was, or before this was noted.
    pub activated_at: Option<Timestamp>,
    /// Who signed it; none: nobody, as far as the host was told.
    pub signature: Option<PluginSignature>,
    /// The file of the operator's folder that it came from, below that folder; none: it was
    /// uploaded.
    pub file: Option<String>,
    /// The name of the key that installed it.
    pub installed_by: String,
    /// When.
    pub installed_at: Timestamp,
    /// Counts its writes.
    pub revision: Revision,
}

impl InstalledPlugin {
    /// The plugin as the host runs it.
    pub fn plugin(&self) -> Plugin {
        Plugin {
            scope: self.scope.clone(),
            reference: self.reference.clone(),
            descriptor: self.descriptor.clone(),
            built_in: false,
        }
    }
}

/// A signature that was found good, over exactly the bytes of the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSignature {
    /// Whose key made it, by the name that the operator gave.
    pub publisher: String,
    /// Which key: 16 hexadecimal digits, as minisign writes them.
    pub key_id: String,
    /// What it vouches for beside the bytes: name and version.
    pub trusted_comment: String,
    /// The whole text, as it is verified again.
    pub text: String,
}

/// A plugin whose row cannot be read. It is in the way of its name and version until it is
/// removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedPlugin {
    /// The tenant that it served; none: every tenant.
    pub scope: Option<TenantId>,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it was counted at, which removing it asks for; none: even that cannot be read.
    pub revision: Option<Revision>,
}

/// Every plugin that is stored, of everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredPlugins {
    /// Those that can be read.
    pub plugins: Vec<InstalledPlugin>,
    /// Those that cannot.
    pub damaged: Vec<DamagedPlugin>,
}

/// An admitted component: where it came from and its descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// The tenant that alone may use it; none: every tenant may.
    pub scope: Option<TenantId>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_version_can_stand_in_a_path_as_they_are() {
        for good in ["crm", "0", "acme-crm_2", &"x".repeat(64)] {
            assert!(PluginRef::is_name(good), "{good}");
        }
        for bad in ["", "-crm", "CRM", "a.b", "a/b", "ä", "..", &"x".repeat(65)] {
            assert!(!PluginRef::is_name(bad), "{bad}");
        }
        for good in ["1", "0.1.0", "1.2.3-rc.1+build.5", "2027_01"] {
            assert!(PluginRef::is_version(good), "{good}");
        }
        for bad in ["", ".", "..", "-1", "1 0", "1/0", "1?", &"1".repeat(65)] {
            assert!(!PluginRef::is_version(bad), "{bad}");
        }
    }
}
