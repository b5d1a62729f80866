//! A connector that fills the memory it can get with marks, looks for marks in it, or traps: what
//! the runs of `torture` are made of. It does so in `validate`, which costs least.
//!
//! `act` of the configuration says what, with numbers behind it. There is nothing in it to run
//! natively.

#![cfg(target_arch = "wasm32")]
#![expect(unsafe_code, reason = "it reads and writes what is nobody's: all of its memory")]

use core::arch::wasm32::{memory_grow, memory_size, unreachable};
use core::hint::black_box;
use core::ptr::{with_exposed_provenance, with_exposed_provenance_mut};

use cordon_connector_sdk::handles;
use cordon_connector_sdk::types::{
    Action, Descriptor, Draft, Failure, FailureCode, Outcome, Problem, Severity, Task, Verdict,
};
use cordon_connector_sdk::{Connector, export, failure};

/// The upper half of every mark. It stands in the code, and nowhere in memory.
const TAG: u64 = 0x5eed_ca4a;
const WORD: usize = size_of::<u64>();
const PAGE: usize = 65_536;

struct Residue;

impl Connector for Residue {
    fn describe() -> Descriptor {
        Descriptor {
            connector_type: "residue".to_owned(),
            category: "tests".to_owned(),
            display_name: "Residue".to_owned(),
            actions: vec![Action::Access],
            config_schema: "{}".to_owned(),
            policy_schema: None,
            reads: vec![],
        }
    }

    fn validate(draft: Draft) -> Verdict {
        let act = Act::of(&draft.config);
        match act.name.as_str() {
            "mark" => mark_all(act.first, act.second),
            "leave" => {
                let (begin, end) = grow_to(act.first);
                mark(begin, end, act.second);
            }
            "look" => return looked(grow_to(act.first).0),
            "plant" => {
                let (begin, end) = grow_to(act.first);
                let middle = begin + (end - begin) / 2 / WORD * WORD;
                mark(middle, middle + WORD, act.second);
                return looked(begin);
            }
            "unreachable" => unreachable(),
            "out-of-bounds" => {
                // SAFETY: it has no memory there, and traps.
                let beyond =
                    unsafe { with_exposed_provenance::<u64>(usize::MAX - 7).read_volatile() };
                black_box(beyond);
            }
            "recurse" => {
                black_box(recurse(1));
            }
            "grow" => {
                black_box(memory_grow::<0>(60_000));
            }
            "call" => {
                black_box(handles::read_identity(7));
            }
            _ => {}
        }
        Verdict { problems: vec![], plan: vec![], egress: vec![] }
    }

    fn test(_: String) -> Result<(), Failure> {
        Ok(())
    }

    fn run(_: Task) -> Result<Outcome, Failure> {
        Err(failure(FailureCode::Unsupported, "it does nothing but validate"))
    }
}

/// What stands behind `"act":` between quotes: a name and up to two numbers.
struct Act {
    name: String,
    first: usize,
    second: u64,
}

impl Act {
    fn of(config: &str) -> Self {
        let text = config.split_once("\"act\":").map_or("", |(_, after)| after);
        let mut words = text.split('"').nth(1).unwrap_or_default().split(' ');
        let name = words.next().unwrap_or_default().to_owned();
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        Self { name, first: number() as usize, second: number() }
    }
}

/// Makes the memory so many pages large; where the new part begins, and where it ends.
fn grow_to(pages: usize) -> (usize, usize) {
    let before = memory_size::<0>();
    if memory_grow::<0>(pages.saturating_sub(before)) == usize::MAX {
        unreachable();
    }
    (before * PAGE, memory_size::<0>() * PAGE)
}

/// Writes a mark into every word from here to there.
fn mark(begin: usize, end: usize, number: u64) {
    let mark = TAG << 32 | number & 0xffff_ffff;
    let mut at = begin;
    while at < end {
        // SAFETY: it is in the memory, and nobody's.
        unsafe { with_exposed_provenance_mut::<u64>(at).write_volatile(mark) };
        at += WORD;
    }
}

/// Writes it over everything there is, its own stack and data included, which it does not survive.
fn mark_all(pages: usize, number: u64) -> ! {
    let (_, end) = grow_to(pages);
    mark(0, end, number);
    unreachable()
}

/// Reads everything there is: how many bytes, how many marks, and how many words that are not
/// zero in the part that nobody has written yet.
fn looked(unwritten: usize) -> Verdict {
    let (mut at, end) = (0, memory_size::<0>() * PAGE);
    let (mut marks, mut strange) = (0_u64, 0_u64);
    while at < end {
        // SAFETY: it is in the memory, and all of it holds values.
        let word = unsafe { with_exposed_provenance::<u64>(at).read_volatile() };
        marks += u64::from(word >> 32 == TAG);
        strange += u64::from(at >= unwritten && word != 0);
        at += WORD;
    }
    let problem = Problem {
        severity: Severity::Warning,
        code: "looked".to_owned(),
        pointer: String::new(),
        column: None,
        message: format!("{end} {marks} {strange}"),
    };
    Verdict { problems: vec![problem], plan: vec![], egress: vec![] }
}

#[expect(unconditional_recursion, reason = "what it does is to break the stack")]
fn recurse(depth: u64) -> u64 {
    black_box([depth; 64]);
    1 + recurse(black_box(depth + 1))
}

export!(Residue);
