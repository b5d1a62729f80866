//! Guests that want out by another way than the one they were granted.

use cordon_connector_sdk::handles::Piece;
use cordon_connector_sdk::http::{Body, Escape};
use cordon_connector_sdk::types::{Failure, Outcome, Task};

use crate::output::{found, malformed};
use crate::script::{Script, send};
use crate::{done, unknown};

pub(crate) fn run(attack: &str, script: &Script, task: &Task) -> Result<Outcome, Failure> {
    match attack {
        // What the configuration says, outside of the plan.
        "send" => {
            send(&script.request())?;
        }
        // What was planned, with the records of the answer.
        "planned" => {
            let answer = send(&script.query(task))?;
            return Ok(found(answer.records("").map_err(malformed)?));
        }
        "flood" => loop {
            send(&script.query(task))?;
        },
        // A body so large, to where it may send one.
        "upload" => {
            let bytes = script.number("bytes");
            let content = vec![Piece::Literal("x".repeat(bytes))];
            let mut request = script.request();
            request.body = Some(Body { content, escape: Escape::ByMediaType });
            send(&request)?;
        }
        _ => return Err(unknown(attack)),
    }
    Ok(done(task.action))
}
