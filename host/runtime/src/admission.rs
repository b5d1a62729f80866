//! Taking a component in: a look at its bytes before anything is compiled, compiling it where it
//! can harm nobody, asking it what it is, and whether it answers.
//!
//! Built-in plugins go through the same. Nothing is kept of a component before it passed
//! everything: not even its compiled code.

mod look;
mod refusal;

use std::sync::Arc;

use bytes::Bytes;
use cordon_model::plan::Draft;
use cordon_model::plugin::{Descriptor, InstalledPlugin, Plugin, PluginRef};
use cordon_model::port::{Admission, Candidate};
use cordon_model::{Failure, FailureCode, PluginDigest, TenantId};
use tokio_util::sync::CancellationToken;
use wasmtime::component::Component;

use crate::bindings::{PluginPre, types};
use crate::cache::{self, Compiled};
use crate::call::{CallState, Deadline, Stop};
use crate::caller::Caller;
use crate::compile;
use crate::error::Error;
use crate::instance::{self, Describe};
use crate::options::Options;
use crate::plan;
use crate::registry::State;
use crate::shared::Shared;
use crate::trap;
use crate::wasi;

/// Takes a component in that the host brings: from now on it serves its type.
pub(crate) async fn admit_own(
    shared: &Arc<Shared>,
    (name, version): (&str, &str),
    component: Bytes,
    built_in: bool,
) -> Result<Plugin, Error> {
    let (name, version) = (Some(name.to_owned()), Some(version.to_owned()));
    let candidate = Candidate { scope: None, name, version, component };
    let Passed { admission, code, fresh } = examine(shared, candidate, false).await?;
    let plugin = Plugin { built_in, ..admission.plugin };
    shared.registry.add(plugin.clone(), State::ready(code))?;
    keep(shared, None, plugin.reference.digest, fresh).await?;
    Ok(plugin)
}

/// Takes a stranger's component in. It is loaded afterwards, and not active.
pub(crate) async fn admit(shared: &Arc<Shared>, candidate: Candidate) -> Result<Admission, Error> {
    let scope = candidate.scope.clone();
    let Passed { admission, code, fresh } = examine(shared, candidate, true).await?;
    let plugin = admission.plugin.clone();
    let digest = plugin.reference.digest;
    shared.registry.reserve(plugin, State::ready(code))?;
    keep(shared, scope, digest, fresh).await?;
    Ok(admission)
}

/// Loads a component that was admitted before, perhaps by another version of the host.
pub(crate) async fn load(
    shared: &Arc<Shared>,
    plugin: &InstalledPlugin,
    component: Bytes,
) -> Result<PluginPre<CallState>, Error> {
    let (scope, digest) = (plugin.scope.as_ref(), plugin.reference.digest);
    let of_bytes = {
        let component = component.clone();
        on_worker(move || PluginDigest::of(&component)).await?
    };
    if of_bytes != digest {
        return Err(Error::OtherDigest);
    }
    let (compiled, fresh) = match kept(shared, scope, digest).await? {
        Some(compiled) => (compiled, None),
        None => {
            look(shared, component.clone()).await?;
            compile(shared, component).await?
        }
    };
    let code = link(shared, &compiled)?;
    keep(shared, plugin.scope.clone(), digest, fresh).await?;
    Ok(code)
}

/// A component that passed everything.
struct Passed {
    admission: Admission,
    code: PluginPre<CallState>,
    /// Native code that was made for it and is not kept yet.
    fresh: Option<Vec<u8>>,
}

async fn examine(
    shared: &Arc<Shared>,
    candidate: Candidate,
    stranger: bool,
) -> Result<Passed, Error> {
    let Candidate { scope, name, version, component } = candidate;
    let seen = look(shared, component.clone()).await?;
    let version = version.or(seen.version).ok_or(Error::VersionMissing)?;
    let digest = {
        let component = component.clone();
        on_worker(move || PluginDigest::of(&component)).await?
    };
    let size = component.len() as u64;
    if let Some(known) = shared.registry.known_as(&scope, digest).filter(|_| stranger) {
        return Err(Error::Loaded(known));
    }
    let (compiled, fresh) = match kept(shared, scope.as_ref(), digest).await? {
        Some(compiled) => (compiled, None),
        None => compile(shared, component).await?,
    };
    let code = link(shared, &compiled)?;
    let caller = Caller::admitting(scope.clone());
    let described = describe(shared, &code, caller.clone()).await?;
    let descriptor = checked(described, &shared.options)?;
    smoke_test(shared, &code, caller, &descriptor).await?;
    let name = name.or(seen.name).unwrap_or_else(|| descriptor.connector_type.clone());
    let reference = PluginRef { name, version, digest };
    let plugin = Plugin { scope, reference, descriptor, built_in: false };
    Ok(Passed { admission: Admission { plugin, imports: seen.imports, size }, code, fresh })
}

async fn look(shared: &Arc<Shared>, component: Bytes) -> Result<look::Seen, Error> {
    let shared = Arc::clone(shared);
    on_worker(move || look::look(&component, &shared.options)).await?
}

/// From the cache.
async fn kept(
    shared: &Arc<Shared>,
    scope: Option<&TenantId>,
    digest: PluginDigest,
) -> Result<Option<Component>, Error> {
    let (shared, scope) = (Arc::clone(shared), scope.cloned());
    on_worker(move || shared.cache.load(&shared.engine, Compiled { scope: scope.as_ref(), digest }))
        .await
}

/// Compiles, away from the threads that run guests. With the native code, which is to be kept.
async fn compile(
    shared: &Arc<Shared>,
    component: Bytes,
) -> Result<(Component, Option<Vec<u8>>), Error> {
    let turn = shared.compilations.acquire().await;
    let _turn = turn.map_err(|_| Error::Host("the host is stopping".to_owned()))?;
    let code = match &shared.options.compiler {
        Some(compiler) => compile::native_in_process(compiler, &shared.options, &component).await?,
        None => {
            let shared = Arc::clone(shared);
            on_worker(move || compile::native(&shared.engine, &component)).await??
        }
    };
    let shared = Arc::clone(shared);
    on_worker(move || Ok((cache::fresh(&shared.engine, &code)?, Some(code)))).await?
}

async fn keep(
    shared: &Arc<Shared>,
    scope: Option<TenantId>,
    digest: PluginDigest,
    fresh: Option<Vec<u8>>,
) -> Result<(), Error> {
    let Some(code) = fresh else { return Ok(()) };
    let shared = Arc::clone(shared);
    let of = move || shared.cache.keep(Compiled { scope: scope.as_ref(), digest }, &code);
    on_worker(of).await
}

fn link(shared: &Shared, component: &Component) -> Result<PluginPre<CallState>, Error> {
    let unloadable = |e: wasmtime::Error| Error::unloadable(&format!("{e:#}"));
    let linker = wasi::linker_for(&shared.linker, component).map_err(unloadable)?;
    let linked = linker.instantiate_pre(component).map_err(unloadable)?;
    PluginPre::new(linked).map_err(unloadable)
}

async fn on_worker<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|_| Error::Host("compiling was cut off".to_owned()))
}

/// Once, and without any capability.
async fn describe(
    shared: &Shared,
    code: &PluginPre<CallState>,
    caller: Caller,
) -> Result<types::Descriptor, Error> {
    let state = CallState::new(shared, caller, None);
    let deadline = Deadline::after(shared.options.call_timeout);
    let cancel = CancellationToken::new();
    let (_, called) = instance::call(shared, code, state, deadline, &cancel, Describe).await;
    called.map_err(|ending| {
        let failed = |code, detail| Error::DescribeFailed { code, detail };
        refused(trap::stop(ending), failed)
    })
}

/// Asks about an empty configuration. It may say that everything is wrong with it, within the
/// limits that hold for every answer.
async fn smoke_test(
    shared: &Shared,
    code: &PluginPre<CallState>,
    caller: Caller,
    descriptor: &Descriptor,
) -> Result<(), Error> {
    let actions = descriptor.actions.clone();
    let draft = Draft { config: "{}".to_owned(), actions, policy_settings: None };
    let deadline = Deadline::after(shared.options.call_timeout);
    let cancel = CancellationToken::new();
    let asked = plan::ask_code(shared, code, caller, &draft, deadline, &cancel).await;
    asked.map(|_| ()).map_err(|stop| {
        let failed = |code, detail| Error::ValidateFailed { code, detail };
        refused(stop, failed)
    })
}

fn refused(stop: Stop, failed: impl FnOnce(FailureCode, String) -> Error) -> Error {
    match stop {
        Stop::Failed(Failure { code, detail, label: _ }) => {
            trap::count_refused(code);
            failed(code, detail)
        }
        Stop::Host(what) => Error::Host(what),
        Stop::Suspended { .. } => Error::Host("suspended".to_owned()),
    }
}

fn checked(descriptor: types::Descriptor, options: &Options) -> Result<Descriptor, Error> {
    let descriptor = Descriptor::from(descriptor);
    let refused = |what: &str| Err(Error::InvalidDescriptor(what.to_owned()));
    if !is_snake_case(&descriptor.connector_type) {
        return refused("connector-type is not 1 to 64 characters of a-z, 0-9 and '_'");
    }
    if !is_snake_case(&descriptor.category) {
        return refused("category is not 1 to 64 characters of a-z, 0-9 and '_'");
    }
    let name = &descriptor.display_name;
    let (chars, most) = (name.chars().count(), options.label_chars_max);
    if chars > most {
        return refused(&format!("display-name has {chars} characters; {most} are allowed"));
    }
    let invisible = name.chars().any(cordon_model::subject::is_invisible);
    if name.is_empty() || name.trim() != name || invisible {
        return refused("display-name is empty, not trimmed, or not printable");
    }
    let mut actions = descriptor.actions.clone();
    actions.sort_unstable();
    actions.dedup();
    if actions.len() != descriptor.actions.len() {
        return refused("actions names one twice");
    }
    for schema in std::iter::once(&descriptor.config_schema).chain(&descriptor.policy_schema) {
        let (bytes, most) = (schema.len(), options.schema_bytes_max);
        if bytes > most {
            return refused(&format!("a schema has {bytes} bytes; {most} are allowed"));
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
