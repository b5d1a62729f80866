//! A connector that a stranger uploads. What it says of itself and how it behaves stands in a
//! text of fixed length in its data, which tests overwrite in the finished component: so one
//! build gives as many plugins and versions as are needed, each with a digest of its own.
//!
//! There is nothing in it to run natively.

#![cfg(target_arch = "wasm32")]

use std::hint::black_box;

use cordon_connector_sdk::compose::literal;
use cordon_connector_sdk::handles::Piece;
use cordon_connector_sdk::http::{self, BodyUse, HttpRequest};
use cordon_connector_sdk::types::{
    Action, Ask, Descriptor, Draft, Failure, FailureCode, Field, FieldType, Finding, Form, Outcome,
    Problem, Report, Severity, Task, Verdict,
};
use cordon_connector_sdk::{Connector, export, failure};
use serde_json::Value;

/// `@@manifest@@`, then words with `=`, divided by spaces.
static MANIFEST: [u8; 128] = *b"@@manifest@@type=stranger mode=well                                                                                             ";

struct Stranger;

/// A word of the manifest.
fn word(name: &str) -> &'static str {
    let manifest: &'static [u8; 128] = black_box(&MANIFEST);
    let text = std::str::from_utf8(manifest).unwrap_or_default().trim_start_matches("@@manifest@@");
    let words = text.split_ascii_whitespace().filter_map(|word| word.split_once('='));
    words.filter(|(known, _)| *known == name).map(|(_, value)| value).next().unwrap_or_default()
}

impl Connector for Stranger {
    fn describe() -> Descriptor {
        match word("mode") {
            "trap-describe" => panic!("a secret of the guest"),
            "spin-describe" => spin(),
            "send-describe" => {
                let _ = http::send(&HttpRequest::new("early", "GET", literal("https://acme.com/")));
            }
            _ => {}
        }
        Descriptor {
            connector_type: word("type").to_owned(),
            category: "tests".to_owned(),
            display_name: "Stranger".to_owned(),
            actions: vec![Action::Access],
            config_schema: "{}".to_owned(),
            policy_schema: None,
            reads: vec![],
        }
    }

    fn validate(draft: Draft) -> Verdict {
        let mode = word("mode");
        if mode == "trap-validate" {
            panic!("a secret of the guest");
        }
        let refused = mode == "refuse" && draft.config.contains("picky");
        let problems = refused.then(|| Problem {
            severity: Severity::Error,
            code: "too_picky".to_owned(),
            pointer: "/config/picky".to_owned(),
            column: None,
            message: "this version does not do that; leave it out".to_owned(),
        });
        let plan = planned(&draft.config).planned("/config/origin", Some(Action::Access));
        Verdict { problems: problems.into_iter().collect(), plan: vec![plan], egress: vec![] }
    }

    fn test(_: String) -> Result<(), Failure> {
        Ok(())
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        let config: Value = serde_json::from_str(&task.config).unwrap_or_default();
        if config.pointer("/config/trap").is_some() || word("mode") == "trap-run" {
            panic!("a secret of the guest");
        }
        if word("mode") == "spin-run" {
            spin();
        }
        if config.pointer("/config/ask").is_some() && task.input.is_none() {
            let field = Field {
                name: "Anything".to_owned(),
                label: "anything".to_owned(),
                types: vec![FieldType::Text],
                required: false,
            };
            let form = Form { fields: vec![field] };
            return Ok(Outcome::RequiresInput(Ask { form, state: None, values: vec![] }));
        }
        let bind = task.identities.iter().map(|identity| identity.id).take(1).collect();
        let response = http::send(&planned(&task.config).bound_to(bind))
            .map_err(|error| failure(FailureCode::QueryFailed, error.sentence()))?;
        let records = response
            .records("")
            .map_err(|error| failure(FailureCode::MalformedResponse, error.sentence()))?;
        Ok(Outcome::Finished(Report { finding: Finding::Records(vec![records]), skipped: vec![] }))
    }
}

/// One query; the mode `post` needs another verb than all the others.
fn planned(config: &str) -> HttpRequest {
    let config: Value = serde_json::from_str(config).unwrap_or_default();
    let origin = config.pointer("/config/origin").and_then(Value::as_str);
    let origin = origin.unwrap_or("https://api.acme.com");
    let url = vec![
        Piece::Literal(format!("{origin}/people?email=")),
        Piece::Placeholder("email".to_owned()),
    ];
    let method = if word("mode") == "post" { "POST" } else { "GET" };
    HttpRequest::new("people", method, url).response_body(BodyUse::Records)
}

fn spin() -> ! {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

export!(Stranger);
