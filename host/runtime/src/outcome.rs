//! What a guest returned, checked: it must fit the action, name only what this run made, and
//! stay within its limits. Nothing a guest says is passed on unchecked.

use std::collections::BTreeSet;
use std::time::Duration;

use wasmtime::component::{Resource, ResourceTable};

use cordon_model::http_request::ValueId;
use cordon_model::input::Form;
use cordon_model::port::{Finding, RunOutcome};
use cordon_model::request::Found;
use cordon_model::task::{Carry, SkipReason, SkippedQuery};
use cordon_model::{Action, Failure, FailureCode, Records, Timestamp};

use crate::bindings::{convert, types};
use crate::call::{RunState, Value};
use crate::capability::handles::{HeldRecords, take};
use crate::options::Options;
use crate::plan::{Name, names};

/// Checks an outcome.
///
/// # Errors
/// `invalid_outcome`, with what does not fit.
pub(crate) fn check(
    run: &RunState,
    table: &mut ResourceTable,
    action: Action,
    outcome: types::Outcome,
) -> Result<RunOutcome, Failure> {
    let options = &run.shared.options;
    match outcome {
        types::Outcome::Finished(report) => Ok(RunOutcome::Finished {
            skipped: skipped(run, report.skipped)?,
            finding: finding(run, table, action, report.finding)?,
        }),
        types::Outcome::RequiresInput(ask) => {
            let form = form(run, ask.form)?;
            Ok(RunOutcome::RequiresInput { form, carry: carry(run, ask.state, &ask.values)? })
        }
        types::Outcome::Pending(later) => {
            let wait = wait(later.after_seconds, run.retry_after, options);
            let now = run.shared.clock.now();
            let until = now.checked_add(wait).unwrap_or(Timestamp::MAX);
            Ok(RunOutcome::Pending { until, carry: carry(run, later.state, &later.values)? })
        }
    }
}

/// A failure that a guest reports. Its words are kept only when it could not have read anything
/// that is real.
pub(crate) fn failure(run: &RunState, reported: types::Failure) -> Failure {
    let code = FailureCode::from(reported.code);
    let known = |label: &String| run.plan.of_label(label).is_some() || run.calls.made(label);
    let said = convert::detail(&reported.detail, run.shared.options.detail_chars_max);
    let detail =
        if said.is_empty() || !run.keeps_words() { code.meaning().to_owned() } else { said };
    Failure { code, label: reported.label.filter(known), detail }
}

fn invalid(detail: impl Into<String>) -> Failure {
    Failure::new(FailureCode::InvalidOutcome, detail)
}

fn finding(
    run: &RunState,
    table: &mut ResourceTable,
    action: Action,
    finding: types::Finding,
) -> Result<Finding, Failure> {
    match (action, finding) {
        (Action::Access, types::Finding::Records(handles)) => records(run, table, handles),
        (Action::Identifiers, types::Finding::Identities(ids)) => identities(run, &ids),
        (Action::Delete | Action::Optout, types::Finding::Done) => Ok(Finding::Done),
        (Action::Delete | Action::Optout, types::Finding::NothingFound) => {
            Ok(Finding::NothingFound)
        }
        (
            Action::Access | Action::Identifiers | Action::Delete | Action::Optout,
            types::Finding::Records(_)
            | types::Finding::Identities(_)
            | types::Finding::Done
            | types::Finding::NothingFound,
        ) => Err(invalid(format!("the outcome is none of an {action} task"))),
    }
}

/// Their bytes are within what a run may hold; their number has a limit of its own, for what
/// comes after.
fn records(
    run: &RunState,
    table: &mut ResourceTable,
    handles: Vec<Resource<HeldRecords>>,
) -> Result<Finding, Failure> {
    let max = run.shared.options.records_max;
    let (mut taken, mut count) = (Vec::with_capacity(handles.len()), 0_usize);
    for handle in handles {
        let records: Records = take(table, handle)
            .ok_or_else(|| invalid("the outcome names records that are not there"))?;
        count = count.saturating_add(records.len());
        if count > max {
            let detail = format!("the run found more than {max} records");
            return Err(Failure::new(FailureCode::LimitReached, detail));
        }
        taken.push(records);
    }
    Ok(Finding::Records(taken))
}

/// Only what this run lifted out of records, of the wanted kind, once each. An identity that was
/// given is nothing new and is left out.
fn identities(run: &RunState, ids: &[ValueId]) -> Result<Finding, Failure> {
    let mut found: Vec<Found> = Vec::new();
    let mut seen = BTreeSet::new();
    for id in ids {
        match run.values.get(*id) {
            Some(Value::Identity { kind, value, found: true })
                if Some(kind) == run.wanted.as_ref() =>
            {
                if seen.insert(value) {
                    found.push(Found { kind: kind.clone(), value: value.clone() });
                }
            }
            Some(Value::Identity { found: false, .. }) => {}
            Some(Value::Identity { .. } | Value::Scalar(_)) | None => {
                return Err(invalid("the outcome names a value that is no identity of this run"));
            }
        }
    }
    Ok(Finding::Identities(found))
}

/// Labels of a run that may read must be known ones: an unknown one could hold what was read.
pub(crate) fn skipped(
    run: &RunState,
    skipped: Vec<types::Skipped>,
) -> Result<Vec<SkippedQuery>, Failure> {
    let options = &run.shared.options;
    if skipped.len() > options.plan_entries_max {
        return Err(invalid("the outcome lists too many skipped queries"));
    }
    let requests = run.plan.requests.iter().map(|planned| &planned.request);
    let named: BTreeSet<&str> = requests.flat_map(names).map(Name::text).collect();
    let blind = run.reads.is_empty();
    let mut checked = Vec::with_capacity(skipped.len());
    for query in skipped {
        let known = run.plan.of_label(&query.label).is_some() || run.calls.made(&query.label);
        if !(known || blind && is_short(&query.label, options.label_chars_max)) {
            return Err(invalid("the outcome lists a skipped query that is unknown"));
        }
        let reason = SkipReason::from(query.reason);
        if let SkipReason::MissingPlaceholder(name) = &reason
            && !(named.contains(name.as_str()) || blind && is_short(name, options.label_chars_max))
        {
            return Err(invalid("the outcome names a placeholder that is unknown"));
        }
        checked.push(SkippedQuery { label: query.label, reason });
    }
    Ok(checked)
}

fn is_short(text: &str, chars_max: usize) -> bool {
    !text.trim().is_empty()
        && text.trim() == text
        && text.chars().count() <= chars_max
        && !text.chars().any(char::is_control)
}

/// The form that a guest asks for.
pub(crate) fn form(run: &RunState, asked: types::Form) -> Result<Form, Failure> {
    let form = Form::from(asked);
    check_form(&form, &run.shared.options)?;
    Ok(form)
}

/// A form that a person can answer (BEHAVIOUR F3).
fn check_form(form: &Form, options: &Options) -> Result<(), Failure> {
    let max = options.form_fields_max;
    if form.fields.is_empty() || form.fields.len() > max {
        return Err(invalid(format!("a form has 1 to {max} fields")));
    }
    let mut labels = BTreeSet::new();
    for field in &form.fields {
        let short = |text: &str| is_short(text, options.label_chars_max);
        if !short(&field.name) || !short(&field.label) {
            return Err(invalid("a name or label of the form is empty, too long, or not trimmed"));
        }
        if !labels.insert(&field.label) {
            return Err(invalid("two fields of the form have one label"));
        }
        if field.types.is_empty() {
            return Err(invalid("a field of the form takes nothing"));
        }
    }
    Ok(())
}

fn carry(run: &RunState, state: Option<String>, values: &[ValueId]) -> Result<Carry, Failure> {
    let options = &run.shared.options;
    let max = options.state_bytes_max;
    if state.as_ref().is_some_and(|state| state.len() > max) {
        return Err(invalid(format!("the state is larger than {max} bytes")));
    }
    if values.len() > options.values_max {
        return Err(invalid("too many values are kept for the next run"));
    }
    let held = values.iter().map(|id| match run.values.get(*id) {
        Some(Value::Scalar(held)) => Ok(held.clone()),
        Some(Value::Identity { .. }) | None => {
            Err(invalid("a value kept for the next run is no scalar of a response"))
        }
    });
    Ok(Carry { state, values: held.collect::<Result<_, _>>()? })
}

/// How long a connector stays away: as it says, else as the last response said.
fn wait(after: Option<u32>, retry_after: Option<u64>, options: &Options) -> Duration {
    let said = after.map(u64::from).or(retry_after).map(Duration::from_secs);
    said.unwrap_or(options.pending_default).min(options.pending_max)
}

#[cfg(test)]
mod tests {
    use cordon_model::input::{FieldType, FormField};

    use super::*;

    fn field(label: &str) -> FormField {
        FormField {
            name: "Notes".to_owned(),
            label: label.to_owned(),
            types: vec![FieldType::Text],
            required: false,
        }
    }

    fn checked(fields: Vec<FormField>) -> bool {
        check_form(&Form { fields }, &Options::default()).is_ok()
    }

    #[test]
    fn a_form_that_a_person_cannot_answer_is_refused() {
        assert!(checked(vec![field("a"), field("b")]));
        assert!(!checked(vec![]), "no field");
        assert!(!checked(vec![field("a"), field("a")]), "a label twice");
        assert!(!checked(vec![field("")]), "no label");
        assert!(!checked(vec![field(" a")]), "not trimmed");
        assert!(!checked(vec![field("a\nb")]), "a control character");
        assert!(!checked(vec![field(&"x".repeat(201))]), "a long label");
        assert!(!checked(vec![FormField { types: vec![], ..field("a") }]), "takes nothing");
        assert!(!checked((0..201).map(|n| field(&n.to_string())).collect()), "too many");
    }

    #[test]
    fn a_connector_stays_away_as_long_as_it_says_within_the_limit() {
        let options = Options::default();
        let seconds = |after, last| wait(after, last, &options).as_secs();
        assert_eq!(seconds(Some(5), Some(9)), 5);
        assert_eq!(seconds(None, Some(9)), 9);
        assert_eq!(seconds(None, None), 60);
        assert_eq!(seconds(None, Some(u64::MAX)), 7 * 24 * 3600);
    }
}
