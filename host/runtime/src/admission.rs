//! Taking a component in: a look at its bytes before anything is compiled, compiling it, asking
//! it once what it is.
//!
//! Built-in plugins go through the same. Compiling is not interruptible, so what is compiled is
//! bounded before: the size of the component, and of each of its functions.

use cordon_model::PluginDigest;
use cordon_model::plugin::{Descriptor, Plugin, PluginRef};
use tokio_util::sync::CancellationToken;
use wasmparser::{Encoding, Parser, Payload};
use wasmtime::component::Component;

use crate::bindings::{PluginPre, types};
use crate::call::{CallState, Deadline, Stop};
use crate::error::Error;
use crate::instance::{self, Describe};
use crate::options::Options;
use crate::registry::Admitted;
use crate::shared::Shared;
use crate::trap;

/// A component that wants to be admitted.
pub(crate) struct Candidate {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) built_in: bool,
}

pub(crate) async fn admit(
    shared: &std::sync::Arc<Shared>,
    candidate: Candidate,
) -> Result<Plugin, Error> {
    let Candidate { name, version, bytes, built_in } = candidate;
    look(&bytes, &shared.options)?;
    let digest = PluginDigest::of(&bytes);
    let component = compile(shared, digest, bytes).await?;
    let unloadable = |e: wasmtime::Error| Error::Unloadable(format!("{e:#}"));
    let linked = shared.linker.instantiate_pre(&component).map_err(unloadable)?;
    let code = PluginPre::new(linked).map_err(unloadable)?;
    let descriptor = checked(describe(shared, &code).await?, &shared.options)?;
    let reference = PluginRef { name, version, digest };
    let plugin = Plugin { reference, descriptor, built_in };
    shared.registry.add(Admitted { plugin: plugin.clone(), code })?;
    Ok(plugin)
}

/// What can be said without compiling: it is a component, imports the contract alone, and no
/// function of it is too large to compile.
fn look(bytes: &[u8], options: &Options) -> Result<(), Error> {
    let (size, max) = (bytes.len(), options.component_bytes_max);
    if size > max {
        return Err(Error::ComponentTooLarge { size, max });
    }
    if !Parser::is_component(bytes) {
        return Err(Error::NotAComponent("no component header".to_owned()));
    }
    let broken = |e: wasmparser::BinaryReaderError| Error::NotAComponent(e.to_string());
    // How many modules and components the parser is inside of.
    let mut depth: u32 = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::Version { encoding: Encoding::Component | Encoding::Module, .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    let name = import.map_err(broken)?.name.name;
                    if !is_of_the_contract(name) {
                        return Err(Error::ForeignImport(name.to_owned()));
                    }
                }
            }
            Payload::CodeSectionEntry(function) => {
                let (size, max) = (function.range().len(), options.function_bytes_max);
                if size > max {
                    return Err(Error::FunctionTooLarge { size, max });
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// `cordon:connector/<interface>@0.1.<patch>`.
fn is_of_the_contract(import: &str) -> bool {
    let version = import.strip_prefix("cordon:connector/").and_then(|rest| rest.split_once('@'));
    version.is_some_and(|(_, version)| {
        version
            .strip_prefix("0.1.")
            .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// From the cache, or by compiling, away from the threads that run guests.
async fn compile(
    shared: &std::sync::Arc<Shared>,
    digest: PluginDigest,
    bytes: Vec<u8>,
) -> Result<Component, Error> {
    let shared = std::sync::Arc::clone(shared);
    let compiled = tokio::task::spawn_blocking(move || {
        if let Some(component) = shared.cache.load(&shared.engine, digest) {
            return Ok(component);
        }
        let component = Component::from_binary(&shared.engine, &bytes)
            .map_err(|e| Error::Unloadable(format!("{e:#}")))?;
        shared.cache.store(digest, &component);
        Ok(component)
    });
    compiled.await.map_err(|_| Error::Host("compiling was cut off".to_owned()))?
}

/// Once, and without any capability.
async fn describe(
    shared: &Shared,
    code: &PluginPre<CallState>,
) -> Result<types::Descriptor, Error> {
    let state = CallState::new(&shared.options, None, None);
    let deadline = Deadline::after(shared.options.call_timeout);
    let cancel = CancellationToken::new();
    let (_, called) = instance::call(shared, code, state, deadline, &cancel, Describe).await;
    called.map_err(|ending| match trap::stop(ending) {
        Stop::Failed(failure) => {
            Error::DescribeFailed { code: failure.code, detail: failure.detail }
        }
        Stop::Host(what) => Error::Host(what),
        Stop::Suspended { .. } => Error::Host("suspended".to_owned()),
    })
}

fn checked(descriptor: types::Descriptor, options: &Options) -> Result<Descriptor, Error> {
    let descriptor = Descriptor::from(descriptor);
    let refused = |what: &'static str| Err(Error::InvalidDescriptor(what));
    if !is_snake_case(&descriptor.connector_type) {
        return refused("connector-type is not 1 to 64 characters of a-z, 0-9 and '_'");
    }
    if !is_snake_case(&descriptor.category) {
        return refused("category is not 1 to 64 characters of a-z, 0-9 and '_'");
    }
    let name = &descriptor.display_name;
    let chars = name.chars().count();
    if name.trim() != name
        || chars == 0
        || chars > options.label_chars_max
        || name.chars().any(char::is_control)
    {
        return refused("display-name is empty, too long, not trimmed, or not printable");
    }
    let mut actions = descriptor.actions.clone();
    actions.sort_unstable();
    actions.dedup();
    if actions.len() != descriptor.actions.len() {
        return refused("actions names one twice");
    }
    for schema in std::iter::once(&descriptor.config_schema).chain(&descriptor.policy_schema) {
        if schema.len() > options.schema_bytes_max {
            return refused("a schema is too large");
        }
        if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(schema).is_err() {
            return refused("a schema is no JSON object");
        }
    }
    Ok(descriptor)
}

fn is_snake_case(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (1..=64).contains(&text.len())
        && text.bytes().all(plain)
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests;
