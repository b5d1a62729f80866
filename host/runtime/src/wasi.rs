//! WASI 0.2 for components whose language runtime asks for it: there is nothing behind it.
//!
//! An empty environment, no arguments, standard streams that end at once and swallow what is
//! written, no files, no sockets. A clock that ticks once for each look at it and randomness that
//! is drawn from the task and its segment, so that a run that is repeated repeats itself. Every
//! other function ends the call, and the report names it. A component that imports no WASI, like
//! every one of the Rust template, is linked to none of this.
//!
//! Types are checked when a component is linked: an interface of another shape is refused then.
//! Called by `admission`.

mod functions;

use cordon_model::{TaskId, TenantId};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};

use crate::call::CallState;
use crate::keys;

/// What the names of its interfaces begin with.
const PREFIX: &str = "wasi:";

/// Most bytes of randomness that one call of a guest is given.
const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// A guest called a function that has nothing behind it. Thrown through the guest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plugin called {0}, and there is nothing behind it")]
pub(crate) struct NothingBehind(String);

/// A linker for a component: the contract, and the WASI that the component imports.
pub(crate) fn linker_for(
    contract: &Linker<CallState>,
    component: &Component,
) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = contract.clone();
    let (engine, of_component) = (component.engine(), component.component_type());
    for (name, import) in of_component.imports(engine) {
        let Some(interface) = name.strip_prefix(PREFIX) else { continue };
        let ComponentItem::ComponentInstance(imported) = import.ty else { continue };
        let interface = interface.split('@').next().unwrap_or_default();
        let mut instance = linker.instance(name)?;
        for (item, export) in imported.exports(engine) {
            match export.ty {
                ComponentItem::ComponentFunc(_) => define(&mut instance, name, interface, item)?,
                ComponentItem::Resource(_) => {
                    instance.resource(item, resource(item), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(linker)
}

/// A function that answers something, or one that ends the call.
fn define(
    instance: &mut LinkerInstance<'_, CallState>,
    import: &str,
    interface: &str,
    function: &str,
) -> wasmtime::Result<()> {
    if functions::define(instance, interface, function)? {
        return Ok(());
    }
    let nothing = NothingBehind(format!("{import}#{function}"));
    instance.func_new(function, move |_, _, _, _| Err(nothing.clone().into()))
}

/// What a resource is here. One name is one resource in all of WASI.
fn resource(name: &str) -> ResourceType {
    match name {
        "input-stream" => ResourceType::host::<functions::InputStream>(),
        "output-stream" => ResourceType::host::<functions::OutputStream>(),
        "pollable" => ResourceType::host::<functions::Pollable>(),
        "error" => ResourceType::host::<functions::IoError>(),
        _ => ResourceType::host::<functions::Nothing>(),
    }
}

/// Time and chance of one call.
#[derive(Debug, Default)]
pub(crate) struct TimeAndChance {
    /// Made when it is asked for.
    key: Option<[u8; 32]>,
    draws: u64,
    ticks: u64,
}

impl TimeAndChance {
    /// Goes on by one.
    pub(crate) fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }

    /// The next bytes of the sequence under `key`.
    pub(crate) fn draw(&mut self, key: impl FnOnce() -> [u8; 32], count: usize) -> Vec<u8> {
        let key = *self.key.get_or_insert_with(key);
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            let block = keys::tag(&key, &[b"block", &self.draws.to_be_bytes()]);
            self.draws += 1;
            bytes.extend(block.iter().take(count - bytes.len()));
        }
        bytes
    }
}

/// The key of the sequence that a segment of a task is given. No other task's, and no other
/// segment's: what a guest draws here is as good as chance to everybody else.
pub(crate) fn sequence_key(
    key: &[u8; 32],
    tenant: &TenantId,
    task: Option<(TaskId, u32)>,
) -> [u8; 32] {
    let (task, segment) = task.unzip();
    let task = task.as_ref().map_or(&[][..], |task| task.as_uuid().as_bytes());
    let segment = segment.unwrap_or_default().to_be_bytes();
    keys::tag(key, &[b"cordon wasi", tenant.as_str().as_bytes(), task, &segment])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_draws_the_same_again_and_another_one_does_not() {
        let tenant: TenantId = "acme".parse().unwrap();
        let task = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let drawn = |segment: u32| {
            let key = || sequence_key(&[7; 32], &tenant, Some((task, segment)));
            let mut chance = TimeAndChance::default();
            [chance.draw(key, 40), chance.draw(key, 8)].concat()
        };
        assert_eq!(drawn(0), drawn(0));
        assert_ne!(drawn(0), drawn(1));
        let all = drawn(0);
        assert_ne!(all[..8], all[40..], "it goes on");
    }

    #[test]
    fn time_goes_on_with_every_look_at_it() {
        let mut time = TimeAndChance::default();
        assert_eq!([time.tick(), time.tick()], [1, 2]);
    }
}
