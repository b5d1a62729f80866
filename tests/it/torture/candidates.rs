//! What is offered to the admission: modules and components that a generator makes up, connectors
//! with such a module inside, and real connectors with something changed. Each follows from its
//! number alone, so a number that a test names can be looked at.

use arbitrary::Unstructured;
use cordon_cli::built_in;
use wasm_smith::{Component, Config, Module};

use super::bench::RESIDUE;

const SCRIPTED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/scripted.wasm"));
const WITH_WASI: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wasi.wasm"));
/// Header of a module, and of a component.
const HEADER_BYTES: usize = 8;
/// Of a section that holds a module, and of one that makes an instance of it.
const MODULE_SECTION: u8 = 1;
const INSTANCE_SECTION: u8 = 2;
/// What the generator chooses by.
const CHOICE_BYTES: usize = 4096;

/// Bytes that somebody uploads.
pub(super) struct Candidate {
    pub(super) kind: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// The candidate of a number.
pub(super) fn candidate(number: usize) -> Candidate {
    let mut random = Random(number as u64);
    let (kind, bytes) = match number % 16 {
        0 | 1 => ("module", module(&mut random)),
        2 | 3 => ("component", component(&mut random)),
        4 => ("changed component", {
            let component = component(&mut random);
            with_changed_bytes(component, &mut random)
        }),
        5..8 => ("connector with a module", {
            let module = module(&mut random);
            with_module(RESIDUE, &module)
        }),
        8..12 => ("connector with changed sections", with_changed_sections(RESIDUE, &mut random)),
        12..15 => {
            ("connector with changed bytes", with_changed_bytes(RESIDUE.to_vec(), &mut random))
        }
        _ => ("large connector with changed sections", {
            let plugins = built_in::plugins();
            let mut all: Vec<&[u8]> = plugins.iter().map(|plugin| plugin.component).collect();
            all.extend([SCRIPTED, WITH_WASI]);
            with_changed_sections(all[random.below(all.len())], &mut random)
        }),
    };
    Candidate { kind, bytes }
}

fn module(random: &mut Random) -> Vec<u8> {
    let (config, choices) = (config(random), random.bytes(CHOICE_BYTES));
    let module = Module::new(config, &mut Unstructured::new(&choices));
    module.map(|module| module.to_bytes()).unwrap_or_default()
}

fn component(random: &mut Random) -> Vec<u8> {
    let (config, choices) = (config(random), random.bytes(CHOICE_BYTES));
    let component = Component::new(config, &mut Unstructured::new(&choices));
    component.map(|component| component.to_bytes()).unwrap_or_default()
}

/// One in eight may use every proposal there is; the others go further in.
fn config(random: &mut Random) -> Config {
    let any = random.below(8) == 0;
    Config {
        max_imports: if any { 10 } else { 0 },
        max_memory32_bytes: if any { 1 << 32 } else { 16 << 20 },
        memory64_enabled: any,
        tail_call_enabled: any,
        relaxed_simd_enabled: any,
        gc_enabled: any,
        reference_types_enabled: any,
        threads_enabled: any,
        exceptions_enabled: any,
        shared_everything_threads_enabled: any,
        wide_arithmetic_enabled: any,
        custom_page_sizes_enabled: any,
        max_memories: if any { 3 } else { 1 },
        max_nesting_depth: 4,
        ..Config::default()
    }
}

/// A component with a module more, of which it makes an instance: its start function is run with
/// every call.
fn with_module(component: &[u8], module: &[u8]) -> Vec<u8> {
    let modules = sections(component).iter().filter(|(id, _)| *id == MODULE_SECTION).count();
    let mut bytes = component.to_vec();
    put_section(&mut bytes, MODULE_SECTION, module);
    // One instance: of the module with this index, given nothing.
    let instance = [vec![1, 0], number(modules), vec![0]].concat();
    put_section(&mut bytes, INSTANCE_SECTION, &instance);
    bytes
}

/// One or two changes anywhere.
fn with_changed_bytes(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(2) {
        change(&mut bytes, random);
    }
    bytes
}

/// One change of the order of sections, or of what stands inside one; lengths stay right, so that
/// it is not refused for them.
fn with_changed_sections(component: &[u8], random: &mut Random) -> Vec<u8> {
    let mut parts: Vec<(u8, Vec<u8>)> =
        sections(component).into_iter().map(|(id, content)| (id, content.to_vec())).collect();
    if parts.is_empty() {
        return with_changed_bytes(component.to_vec(), random);
    }
    let (at, other) = (random.below(parts.len()), random.below(parts.len()));
    match random.below(8) {
        0 => drop(parts.remove(at)),
        1 => parts.insert(other, parts[at].clone()),
        2 => parts.swap(at, other),
        _ => {
            let (id, content) = &mut parts[at];
            let is_module = *id == MODULE_SECTION && content.starts_with(b"\0asm");
            *content = if is_module && random.below(8) > 0 {
                with_changed_sections(content, random)
            } else {
                let mut content = std::mem::take(content);
                change(&mut content, random);
                content
            };
        }
    }
    let mut bytes = component[..HEADER_BYTES].to_vec();
    for (id, content) in parts {
        put_section(&mut bytes, id, &content);
    }
    bytes
}

/// Flips a bit, writes a byte, inserts, deletes, repeats or cuts.
fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return bytes.extend(random.bytes(1));
    }
    let at = random.below(bytes.len());
    let end = (at + 1 + random.below(16)).min(bytes.len());
    match random.below(16) {
        0..8 => bytes[at] ^= 1 << random.below(8),
        8..12 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff, 0x0b, 0x40, 0x41][random.below(8)],
        12 => drop(bytes.splice(at..at, random.bytes(end - at))),
        13 => drop(bytes.drain(at..end)),
        14 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        _ => bytes.truncate(at),
    }
}

/// The sections of a module or a component, with their kinds; up to the first that is broken.
fn sections(bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut sections = Vec::new();
    let mut rest = bytes.get(HEADER_BYTES..).unwrap_or_default();
    while let Some((id, after)) = rest.split_first() {
        let Some((size, after)) = read_number(after) else { break };
        let Some((content, after)) = after.split_at_checked(size) else { break };
        sections.push((*id, content));
        rest = after;
    }
    sections
}

fn put_section(bytes: &mut Vec<u8>, id: u8, content: &[u8]) {
    bytes.push(id);
    bytes.extend(number(content.len()));
    bytes.extend_from_slice(content);
}

/// LEB128.
fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        bytes.push(if number > 0 { low | 0x80 } else { low });
        if number == 0 {
            return bytes;
        }
    }
}

fn read_number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let end = bytes.iter().take(5).position(|byte| byte & 0x80 == 0)? + 1;
    let (digits, rest) = bytes.split_at(end);
    let number = digits.iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
    Some((number, rest))
}

/// Numbers that follow from the first one (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

#[test]
fn a_connector_is_put_together_again_as_it_was() {
    for component in [RESIDUE, SCRIPTED, WITH_WASI] {
        let mut again = component[..HEADER_BYTES].to_vec();
        for (id, content) in sections(component) {
            put_section(&mut again, id, content);
        }
        // Tools write some lengths longer than they need.
        assert_eq!(sections(&again), sections(component));
        assert!(sections(component).iter().any(|(id, _)| *id == MODULE_SECTION));
    }
}
