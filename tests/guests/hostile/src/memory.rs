//! Guests that want all the memory there is.

use std::hint::black_box;

use cordon_connector_sdk::log;
use cordon_connector_sdk::types::{Failure, Outcome, Task};

use crate::script::Script;
use crate::{done, unknown};

const MIB: usize = 1024 * 1024;

pub(crate) fn run(attack: &str, _: &Script, task: &Task) -> Result<Outcome, Failure> {
    match attack {
        "grow" => grow(),
        // As long as fits into what a call may have.
        "log-line" => {
            log::write(log::Level::Warn, &"x".repeat(24 * MIB));
            Ok(done(task.action))
        }
        _ => Err(unknown(attack)),
    }
}

fn grow() -> ! {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        all.push(vec![1; MIB]);
        black_box(&all);
    }
}
