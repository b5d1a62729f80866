//! A connector that attacks its host. `config.attack` says how, `<category>/<attack>`; a run of
//! it does that and nothing else. It is taken in, granted and run like any stranger's plugin.
//!
//! What it says of itself stands in a text of fixed length in its data, which tests overwrite in
//! the finished component: one build gives a connector that asks to read and one that does not.
//! There is nothing in it to run natively.

#![cfg(target_arch = "wasm32")]

mod cpu;
mod egress;
mod logs;
mod memory;
mod output;
mod script;
mod secrets;
mod state;

use std::hint::black_box;

use cordon_connector_sdk::types::{
    Action, Descriptor, Draft, Failure, FailureCode, Finding, Outcome, ReadGrant, Report, Task,
    Verdict,
};
use cordon_connector_sdk::{Connector, export, failure};

use script::Script;

/// `@@manifest@@`, then words with `=`, divided by spaces.
static MANIFEST: [u8; 128] = *b"@@manifest@@type=hostile reads=                                                                                                 ";

struct Hostile;

/// A word of the manifest.
fn word(name: &str) -> &'static str {
    let manifest: &'static [u8; 128] = black_box(&MANIFEST);
    let text = std::str::from_utf8(manifest).unwrap_or_default().trim_start_matches("@@manifest@@");
    let words = text.split_ascii_whitespace().filter_map(|word| word.split_once('='));
    words.filter(|(known, _)| *known == name).map(|(_, value)| value).next().unwrap_or_default()
}

impl Connector for Hostile {
    fn describe() -> Descriptor {
        let reads = word("reads").split(',').filter_map(|grant| match grant {
            "identities" => Some(ReadGrant::Identities),
            "responses" => Some(ReadGrant::Responses),
            _ => None,
        });
        Descriptor {
            connector_type: word("type").to_owned(),
            category: "tests".to_owned(),
            display_name: "Hostile".to_owned(),
            actions: vec![Action::Access, Action::Delete],
            config_schema: "{}".to_owned(),
            policy_schema: None,
            reads: reads.collect(),
        }
    }

    fn validate(draft: Draft) -> Verdict {
        let script = Script::of(&draft.config);
        let planned = draft
            .actions
            .iter()
            .map(|action| script.planned(*action).planned("/config/origin", Some(*action)));
        Verdict { problems: vec![], plan: planned.collect(), egress: script.egress() }
    }

    fn test(_: String) -> Result<(), Failure> {
        Ok(())
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        let script = Script::of(&task.config);
        let attack = script.text("attack");
        match attack.split_once('/') {
            Some(("cpu", attack)) => cpu::run(attack, &script, &task),
            Some(("memory", attack)) => memory::run(attack, &script, &task),
            Some(("output", attack)) => output::run(attack, &script, &task),
            Some(("logs", attack)) => logs::run(attack, &script, &task),
            Some(("egress", attack)) => egress::run(attack, &script, &task),
            Some(("secrets", attack)) => secrets::run(attack, &script, &task),
            Some(("state", attack)) => state::run(attack, &script, &task),
            _ => Err(unknown(&attack)),
        }
    }
}

/// Nobody told it how to do this.
fn unknown(attack: &str) -> Failure {
    failure(FailureCode::InvalidConfig, format!("there is no attack {attack}"))
}

/// An end that fits the action and says nothing.
fn done(action: Action) -> Outcome {
    let finding = match action {
        Action::Access => Finding::Records(vec![]),
        Action::Identifiers => Finding::Identities(vec![]),
        Action::Delete | Action::Optout => Finding::Done,
    };
    Outcome::Finished(Report { finding, skipped: vec![] })
}

export!(Hostile);
