//! The functions of WASI that answer something.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, Resource};

use super::RANDOM_BYTES_MAX;
use crate::call::CallState;
use crate::limits::LimitReached;

/// Nothing comes out of it.
pub(super) struct InputStream;
/// What goes into it is gone.
pub(super) struct OutputStream;
/// Always ready.
pub(super) struct Pollable;
/// Says nothing.
pub(super) struct IoError;
/// Of which there is never one.
pub(super) struct Nothing;

/// What one write may hold: the least that WASI promises.
const WRITE_BYTES: u64 = 4096;

/// Between two looks at the clock.
const TICK_NANOSECONDS: u64 = 1_000_000;

/// Where the wall clock of every call begins: the time of day is no business of a connector, but
/// some runtimes refuse to live before they were built.
const WALL_CLOCK_START_SECONDS: u64 = 1_767_225_600;

type Store<'a> = StoreContextMut<'a, CallState>;

/// `wasi:io/streams.stream-error`
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamErrorOf<E> {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(E),
    #[component(name = "closed")]
    Closed,
}

type StreamError = StreamErrorOf<Resource<IoError>>;

/// `wasi:clocks/wall-clock.datetime`
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// Gives a function an answer; false: it has none. `interface` is `<package>/<interface>`.
pub(super) fn define(
    instance: &mut LinkerInstance<'_, CallState>,
    interface: &str,
    name: &str,
) -> wasmtime::Result<bool> {
    match interface.split_once('/') {
        Some(("cli", of)) => cli(instance, of, name),
        Some(("clocks", of)) => clocks(instance, of, name),
        Some(("random", _)) => random(instance, name),
        Some(("io", "streams")) => match name.strip_prefix("[method]output-stream.") {
            Some(method) => output(instance, name, method),
            None => input(instance, name),
        },
        Some(("io", _)) => waiting(instance, name),
        Some(("filesystem", "preopens")) if name == "get-directories" => {
            let none = |_: Store<'_>, (): ()| Ok((Vec::<(Resource<Nothing>, String)>::new(),));
            instance.func_wrap(name, none).map(|()| true)
        }
        _ => Ok(false),
    }
}

fn cli(
    instance: &mut LinkerInstance<'_, CallState>,
    of: &str,
    name: &str,
) -> wasmtime::Result<bool> {
    match (of, name) {
        ("environment", "get-environment") => {
            instance.func_wrap(name, |_, (): ()| Ok((Vec::<(String, String)>::new(),)))?;
        }
        ("environment", "get-arguments") => {
            instance.func_wrap(name, |_, (): ()| Ok((Vec::<String>::new(),)))?;
        }
        ("environment", "initial-cwd") => {
            instance.func_wrap(name, |_, (): ()| Ok((None::<String>,)))?;
        }
        ("stdin", "get-stdin") => {
            instance.func_wrap(name, |_, (): ()| Ok((Resource::<InputStream>::new_own(0),)))?;
        }
        ("stdout", "get-stdout") | ("stderr", "get-stderr") => {
            instance.func_wrap(name, |_, (): ()| Ok((Resource::<OutputStream>::new_own(0),)))?;
        }
        (
            "terminal-stdin" | "terminal-stdout" | "terminal-stderr",
            "get-terminal-stdin" | "get-terminal-stdout" | "get-terminal-stderr",
        ) => {
            instance.func_wrap(name, |_, (): ()| Ok((None::<Resource<Nothing>>,)))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn clocks(
    instance: &mut LinkerInstance<'_, CallState>,
    of: &str,
    name: &str,
) -> wasmtime::Result<bool> {
    match (of, name) {
        ("monotonic-clock", "now") => {
            instance.func_wrap(name, |store: Store<'_>, (): ()| Ok((nanoseconds(store),)))?;
        }
        ("monotonic-clock", "resolution") => {
            instance.func_wrap(name, |_, (): ()| Ok((TICK_NANOSECONDS,)))?;
        }
        ("monotonic-clock", "subscribe-instant" | "subscribe-duration") => {
            instance.func_wrap(name, |_, (_,): (u64,)| Ok((Resource::<Pollable>::new_own(0),)))?;
        }
        ("wall-clock", "now") => {
            instance.func_wrap(name, |store: Store<'_>, (): ()| {
                let now = datetime(nanoseconds(store));
                let seconds = WALL_CLOCK_START_SECONDS + now.seconds;
                Ok((Datetime { seconds, ..now },))
            })?;
        }
        ("wall-clock", "resolution") => {
            instance.func_wrap(name, |_, (): ()| Ok((datetime(TICK_NANOSECONDS),)))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn nanoseconds(mut store: Store<'_>) -> u64 {
    store.data_mut().at_rest().time_and_chance.tick() * TICK_NANOSECONDS
}

fn datetime(nanoseconds: u64) -> Datetime {
    const SECOND: u64 = 1_000_000_000;
    // The rest of a second always fits.
    let rest = u32::try_from(nanoseconds % SECOND).unwrap_or_default();
    Datetime { seconds: nanoseconds / SECOND, nanoseconds: rest }
}

fn random(instance: &mut LinkerInstance<'_, CallState>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "get-random-bytes" | "get-insecure-random-bytes" => {
            instance.func_wrap(name, |mut store: Store<'_>, (count,): (u64,)| {
                let allowed = usize::try_from(count).ok().filter(|_| count <= RANDOM_BYTES_MAX);
                let count = allowed.ok_or(LimitReached::Memory)?;
                Ok((store.data_mut().draw(count),))
            })?;
        }
        "get-random-u64" | "get-insecure-random-u64" => {
            instance.func_wrap(name, |mut store: Store<'_>, (): ()| Ok((number(&mut store),)))?;
        }
        "insecure-seed" | "get-insecure-seed" => {
            instance.func_wrap(name, |mut store: Store<'_>, (): ()| {
                Ok(((number(&mut store), number(&mut store)),))
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn number(store: &mut Store<'_>) -> u64 {
    let bytes = store.data_mut().draw(8);
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn input(instance: &mut LinkerInstance<'_, CallState>, name: &str) -> wasmtime::Result<bool> {
    type Stream = Resource<InputStream>;
    match name {
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
            instance.func_wrap(name, |_, (_, _): (Stream, u64)| {
                Ok((Err::<Vec<u8>, StreamError>(StreamError::Closed),))
            })?;
        }
        "[method]input-stream.skip" | "[method]input-stream.blocking-skip" => {
            instance.func_wrap(name, |_, (_, _): (Stream, u64)| {
                Ok((Err::<u64, StreamError>(StreamError::Closed),))
            })?;
        }
        "[method]input-stream.subscribe" => {
            let ready = |_: Store<'_>, (_,): (Stream,)| Ok((Resource::<Pollable>::new_own(0),));
            instance.func_wrap(name, ready)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn output(
    instance: &mut LinkerInstance<'_, CallState>,
    name: &str,
    method: &str,
) -> wasmtime::Result<bool> {
    type Stream = Resource<OutputStream>;
    match method {
        "check-write" => {
            instance
                .func_wrap(name, |_, (_,): (Stream,)| Ok((Ok::<u64, StreamError>(WRITE_BYTES),)))?;
        }
        "write" | "blocking-write-and-flush" => {
            let swallow =
                |_: Store<'_>, (_, _): (Stream, Vec<u8>)| Ok((Ok::<(), StreamError>(()),));
            instance.func_wrap(name, swallow)?;
        }
        "write-zeroes" | "blocking-write-zeroes-and-flush" => {
            let swallow = |_: Store<'_>, (_, _): (Stream, u64)| Ok((Ok::<(), StreamError>(()),));
            instance.func_wrap(name, swallow)?;
        }
        "flush" | "blocking-flush" => {
            instance.func_wrap(name, |_, (_,): (Stream,)| Ok((Ok::<(), StreamError>(()),)))?;
        }
        "splice" | "blocking-splice" => {
            instance.func_wrap(name, |_, (_, _, _): (Stream, Resource<InputStream>, u64)| {
                Ok((Err::<u64, StreamError>(StreamError::Closed),))
            })?;
        }
        "subscribe" => {
            let ready = |_: Store<'_>, (_,): (Stream,)| Ok((Resource::<Pollable>::new_own(0),));
            instance.func_wrap(name, ready)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// `wasi:io/poll` and `wasi:io/error`. Nothing ever waits here.
fn waiting(instance: &mut LinkerInstance<'_, CallState>, name: &str) -> wasmtime::Result<bool> {
    match name {
        "[method]pollable.ready" => {
            instance.func_wrap(name, |_, (_,): (Resource<Pollable>,)| Ok((true,)))?;
        }
        "[method]pollable.block" => {
            instance.func_wrap(name, |_, (_,): (Resource<Pollable>,)| Ok(()))?;
        }
        "poll" => {
            instance.func_wrap(name, |_, (all,): (Vec<Resource<Pollable>>,)| {
                Ok(((0_u32..).zip(&all).map(|(index, _)| index).collect::<Vec<u32>>(),))
            })?;
        }
        "[method]error.to-debug-string" => {
            instance.func_wrap(name, |_, (_,): (Resource<IoError>,)| Ok((String::new(),)))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
