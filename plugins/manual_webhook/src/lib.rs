//! The connector `manual_webhook`: asks a person for the fields that a policy wants, and puts
//! what they supply into the package as it is.
//!
//! It calls nothing and reads nothing: the form comes from the policy's settings, the answer
//! stays with the host. When it runs, and with which identities, is the host's matter.

mod config;
mod settings;

use cordon_connector_sdk::reading::Problems;
use cordon_connector_sdk::types::{
    Action, Ask, Descriptor, Draft, Failure, FailureCode, Finding, Outcome, Report, Task, Verdict,
};
use cordon_connector_sdk::{Connector, export, failure};

/// The connector.
#[derive(Debug)]
pub struct ManualWebhook;

impl Connector for ManualWebhook {
    fn describe() -> Descriptor {
        Descriptor {
            connector_type: "manual_webhook".to_owned(),
            category: "manual".to_owned(),
            display_name: "Manual Webhook".to_owned(),
            actions: vec![Action::Access],
            config_schema: include_str!("config.schema.json").to_owned(),
            policy_schema: Some(include_str!("settings.schema.json").to_owned()),
            reads: Vec::new(),
        }
    }

    fn validate(draft: Draft) -> Verdict {
        let mut problems = Problems::default();
        match &draft.policy_settings {
            Some(settings) => {
                settings::read(settings, &mut problems);
            }
            None => config::check(&draft.config, &mut problems),
        }
        Verdict { problems: problems.into_vec(), plan: Vec::new(), egress: Vec::new() }
    }

    fn test(_: String) -> Result<(), Failure> {
        Ok(())
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        if task.action != Action::Access {
            return Err(failure(FailureCode::Unsupported, "a manual webhook can do access only"));
        }
        let Some(input) = &task.input else {
            return ask(&task).map(Outcome::RequiresInput);
        };
        // Without a value the person searched and found nothing (BEHAVIOUR F7).
        let found = if input.labels().is_empty() { Vec::new() } else { vec![input.records()] };
        Ok(Outcome::Finished(Report { finding: Finding::Records(found), skipped: Vec::new() }))
    }
}

fn ask(task: &Task) -> Result<Ask, Failure> {
    let Some(settings) = &task.policy_settings else {
        let detail = "no policy says which fields to ask for";
        return Err(failure(FailureCode::InvalidConfig, detail));
    };
    let form = settings::read_checked(settings)?;
    Ok(Ask { form, state: None, values: Vec::new() })
}

export!(ManualWebhook);

#[cfg(test)]
mod tests {
    use super::*;

    fn task(action: Action, settings: Option<&str>) -> Task {
        Task {
            action,
            wanted: None,
            config: "{}".to_owned(),
            policy_settings: settings.map(str::to_owned),
            reads: vec![],
            identities: vec![],
            input: None,
            state: None,
            values: vec![],
        }
    }

    #[test]
    fn without_input_it_asks_for_the_fields_of_the_policy() {
        let settings = r#"{"fields": [{"pii_field": "Phone Number"}]}"#;
        let Ok(Outcome::RequiresInput(ask)) =
            ManualWebhook::run(task(Action::Access, Some(settings)))
        else {
            panic!("it does not ask");
        };
        assert_eq!((ask.form.fields.len(), ask.form.fields[0].label.as_str()), (1, "phone_number"));
        assert_eq!((ask.state, ask.values.len()), (None, 0));
    }

    #[test]
    fn without_settings_or_for_another_action_it_fails() {
        let code = |task| ManualWebhook::run(task).unwrap_err().code;
        assert_eq!(code(task(Action::Access, None)), FailureCode::InvalidConfig);
        assert_eq!(code(task(Action::Access, Some("{}"))), FailureCode::InvalidConfig);
        assert_eq!(code(task(Action::Delete, Some("{}"))), FailureCode::Unsupported);
    }

    #[test]
    fn with_settings_only_the_settings_are_checked() {
        let draft = |settings: Option<&str>| Draft {
            config: r#"{"queries": {}}"#.to_owned(),
            actions: vec![Action::Access],
            policy_settings: settings.map(str::to_owned),
        };
        let pointers = |draft| {
            let problems = ManualWebhook::validate(draft).problems;
            problems.into_iter().map(|problem| problem.pointer).collect::<Vec<_>>()
        };
        assert_eq!(pointers(draft(None)), ["/queries"]);
        assert_eq!(pointers(draft(Some(r#"{"fields": []}"#))), ["/fields"]);
    }
}
