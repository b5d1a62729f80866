//! Guests that misuse the operator's log.

use cordon_connector_sdk::types::{Failure, Outcome, Task};
use cordon_connector_sdk::{handles, log};

use crate::script::Script;
use crate::{done, unknown};

pub(crate) fn run(attack: &str, script: &Script, task: &Task) -> Result<Outcome, Failure> {
    match attack {
        "flood" => {
            for line in 0..1_000_000 {
                log::write(log::Level::Warn, &format!("flood {line}"));
            }
        }
        "forge" => log::write(log::Level::Warn, &script.text("line")),
        "personal" => {
            for identity in &task.identities {
                log::write(log::Level::Warn, &handles::read_identity(identity.id));
            }
        }
        _ => return Err(unknown(attack)),
    }
    Ok(done(task.action))
}
