//! Guests that hand over what does harm behind them.

use std::cell::RefCell;

use cordon_connector_sdk::compose::literal;
use cordon_connector_sdk::failure;
use cordon_connector_sdk::handles;
use cordon_connector_sdk::types::{Failure, FailureCode, Finding, Outcome, Report, Task};

use crate::script::{Script, send};
use crate::{done, unknown};

thread_local! {
    /// What a run leaves for the next one to find.
    static LEFT_BEHIND: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn run(attack: &str, script: &Script, task: &Task) -> Result<Outcome, Failure> {
    match attack {
        "no-array" => made(r#"{"a": 1}"#),
        "many-records" => made(&format!("[{}{{}}]", "{},".repeat(999_999))),
        "deep" => made(&format!("[{{\"a\": {}{}}}]", "[".repeat(100_000), "]".repeat(100_000))),
        "duplicate-keys" => made(r#"[{"email": "p@initech.example", "email": "other@x.example"}]"#),
        "active-values" => made(&script.text("records")),
        // Asks for somebody else under the label of what is planned.
        "other-subject" => {
            let url = literal(format!("{}/people?email=victim@x.example", script.text("origin")));
            let mut query = script.query(task);
            query.url = url;
            let records = send(&query)?.records("").map_err(malformed)?;
            Ok(found(records))
        }
        // Looks for what the run before it left in memory, and leaves something itself.
        "left-behind" => LEFT_BEHIND.with_borrow_mut(|left| {
            if !left.is_empty() {
                return Err(failure(FailureCode::Internal, "something was left behind"));
            }
            left.push(task.config.clone());
            Ok(done(task.action))
        }),
        "lie" => Ok(done(task.action)),
        // The upstream answers when nobody waits any more.
        "late" => {
            let records = send(&script.query(task))?.records("").map_err(malformed)?;
            Ok(found(records))
        }
        _ => Err(unknown(attack)),
    }
}

pub(crate) fn found(records: handles::Records) -> Outcome {
    Outcome::Finished(Report { finding: Finding::Records(vec![records]), skipped: vec![] })
}

pub(crate) fn made(json: &str) -> Result<Outcome, Failure> {
    Ok(found(handles::make_records(json).map_err(malformed)?))
}

pub(crate) fn malformed(error: handles::ShapeError) -> Failure {
    failure(FailureCode::MalformedResponse, error.sentence())
}
