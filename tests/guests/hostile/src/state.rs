//! Guests that leave something behind, or look for what others left.

use cordon_connector_sdk::handles::{Piece, read_identity};
use cordon_connector_sdk::http::HttpRequest;
use cordon_connector_sdk::types::{
    Ask, Failure, FailureCode, Field, FieldType, Finding, Form, Later, Outcome, Report, Task,
};
use cordon_connector_sdk::{failure, log};

use crate::output::made;
use crate::script::{Script, send};
use crate::{done, unknown};

pub(crate) fn run(attack: &str, script: &Script, task: &Task) -> Result<Outcome, Failure> {
    match attack {
        // So much state, and in the run after it whether it came back as it was.
        "quota" => {
            let bytes = script.number("bytes");
            match &task.state {
                None => Ok(later("s".repeat(bytes), vec![])),
                Some(state) if state.len() == bytes => Ok(done(task.action)),
                Some(_) => Err(failure(FailureCode::Internal, "the state came back changed")),
            }
        }
        // Leaves its own mark, and finds whatever it is given.
        "mark" => match &task.state {
            None if task.values.is_empty() => Ok(later(script.text("mark"), vec![])),
            None => Err(failure(FailureCode::Internal, "there are values of somebody else")),
            Some(state) => made(&format!("[{{\"state\": \"{state}\"}}]")),
        },
        // Keeps a value that it was never given.
        "keep-value" => Ok(later(String::new(), vec![script.number("id") as u32])),
        // Sends one.
        "send-value" => {
            let url = vec![
                Piece::Literal(format!("{}/people?email=", script.text("origin"))),
                Piece::Value(script.number("id") as u32),
            ];
            send(&HttpRequest::new("other", "GET", url)).map(|_| done(task.action))
        }
        // Asks for a field with this label, and hands over a record with this key.
        "label" => match &task.input {
            None => Ok(ask(script.text("label"))),
            Some(input) => {
                let records = Finding::Records(vec![input.records()]);
                Ok(Outcome::Finished(Report { finding: records, skipped: vec![] }))
            }
        },
        "record-key" => made(&format!("[{{\"{}\": 1}}]", script.text("label"))),
        // A name of a mebibyte, wherever one may be given.
        "long-label" => Ok(ask("k".repeat(1 << 20))),
        "long-query" => {
            let mut query = script.query(task);
            query.label = "k".repeat(1 << 20);
            send(&query).map(|_| done(task.action))
        }
        "long-key" => made(&format!("[{{\"{}\": 1}}]", "k".repeat(1 << 20))),
        // Every number there is, to see which ones stand for a person.
        "enumerate" => {
            for id in 0..1_000_000 {
                let length = read_identity(id).len();
                log::write(log::Level::Warn, &format!("{id} has {length} bytes"));
            }
            Ok(done(task.action))
        }
        // Leaves a state; then makes another one, and traps before it hands it over, until the
        // upstream answers something else.
        "half" => match task.state.as_deref() {
            None => Ok(later("first".to_owned(), vec![])),
            Some(state) => {
                let answer = send(&script.query(task))?;
                let count = answer.records("").map_or(0, |records| records.count());
                let records = made(&format!("[{{\"state\": \"{state}\", \"count\": {count}}}]"));
                let next = later("second".to_owned(), vec![]);
                if count == 1 {
                    drop(next);
                    core::arch::wasm32::unreachable();
                }
                records
            }
        },
        _ => Err(unknown(attack)),
    }
}

fn later(state: String, values: Vec<u32>) -> Outcome {
    Outcome::Pending(Later { after_seconds: Some(0), state: Some(state), values })
}

fn ask(label: String) -> Outcome {
    let field =
        Field { name: "Anything".to_owned(), label, types: vec![FieldType::Text], required: true };
    Outcome::RequiresInput(Ask { form: Form { fields: vec![field] }, state: None, values: vec![] })
}
