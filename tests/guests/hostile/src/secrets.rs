//! Guests that want to know what stands behind a name.

#![expect(unsafe_code, reason = "it reads what is nobody's: all of its memory")]

use core::arch::wasm32::memory_size;
use core::ptr::with_exposed_provenance;

use cordon_connector_sdk::handles::Piece;
use cordon_connector_sdk::types::{Failure, FailureCode, Outcome, Task};
use cordon_connector_sdk::{failure, log};

use crate::output::{found, made, malformed};
use crate::script::{Script, send};
use crate::{done, unknown};

const PAGE: usize = 65_536;

pub(crate) fn run(attack: &str, script: &Script, task: &Task) -> Result<Outcome, Failure> {
    match attack {
        // What the configuration says, outside of the plan, with the records of the answer.
        "send" => Ok(found(send(&script.request())?.records("").map_err(malformed)?)),
        // Everything that might be filled in somewhere, where people read.
        "log" => {
            let name = script.text("secret");
            for line in [&name, &format!("{{{name}}}"), &format!("${{{name}}}")] {
                log::write(log::Level::Warn, line);
            }
            Err(failure(FailureCode::Internal, format!("{{{name}}}")))
        }
        // Headers that have room for so much of a secret and no more. Whether it fits would say
        // how long it is.
        "length" => {
            let mut request = script.request();
            let padding = "x".repeat(script.number("padding"));
            request.headers.push(("x-padding".to_owned(), vec![Piece::Literal(padding)]));
            let fits = send(&request).is_ok();
            log::write(log::Level::Warn, &format!("the guest learned: {fits}"));
            Ok(done(task.action))
        }
        // Looks for what was sent in its own memory, and hands over what stands behind each
        // place that begins like it.
        "memory" => {
            send(&script.request())?;
            let seen: Vec<_> = behind(script.text("begins").as_bytes())
                .into_iter()
                .map(|text| format!("{{\"seen\": \"{text}\"}}"))
                .collect();
            made(&format!("[{}]", seen.join(",")))
        }
        _ => Err(unknown(attack)),
    }
}

/// What stands in memory behind each place that begins like this, in hexadecimal.
fn behind(begins: &[u8]) -> Vec<String> {
    let end = memory_size::<0>() * PAGE - begins.len() - 16;
    let at = |address: usize| {
        // SAFETY: it is in the memory, and all of it holds values.
        unsafe { with_exposed_provenance::<u8>(address).read_volatile() }
    };
    let begins_here = |address: &usize| (0..begins.len()).all(|n| at(address + n) == begins[n]);
    let text = |address: usize| {
        (0..16).map(|n| format!("{:02x}", at(address + begins.len() + n))).collect()
    };
    (0..end).filter(begins_here).take(100).map(text).collect()
}
