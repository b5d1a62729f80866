//! The state machine of a privacy request: its whole transition table as a snapshot, and what
//! holds after any sequence of events.

#![cfg(test)]

mod sample;

use cordon_model::Timestamp;
use cordon_model::policy::OnError;
use cordon_model::request::{Event, PrivacyRequest, RequestState, Status, TaskEvent, Work};
use cordon_model::task::{Stage, TaskState};
use proptest::prelude::*;

use sample::{at, events, request_in, requests, task_events, task_states};

#[test]
fn the_transition_table_of_a_request() {
    let mut table = String::new();
    for (name, before) in requests() {
        for event in events() {
            let row = match before.clone().apply(event.clone(), at(1)) {
                Ok(after) => after.status().as_str(),
                Err(_) => continue,
            };
            table.push_str(&format!("{name:<31} + {:<10} → {row}\n", event.name()));
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn the_transition_table_of_a_task() {
    let mut table = String::new();
    for state in task_states() {
        for event in task_events() {
            let mut request = request_in(RequestState::Processing);
            request.tasks[0].state = state.clone();
            let id = request.tasks[0].id;
            let event_name = event.name();
            if let Ok(after) = request.apply(Event::Task { id, event }, at(1)) {
                let (from, to) = (state.as_str(), after.tasks[0].state.as_str());
                table.push_str(&format!("{from:<15} + {event_name:<20} → {to}\n"));
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn an_illegal_transition_names_the_event_and_the_states() {
    let error = request_in(RequestState::Complete).apply(Event::Approved, at(1)).unwrap_err();
    assert_eq!(error.to_string(), "approved cannot happen to a request in complete");
}

#[test]
fn erasure_does_not_begin_before_the_package_is_at_its_destination() {
    let mut request = request_in(RequestState::Processing);
    for task in request.tasks.iter_mut().filter(|task| task.stage != Stage::Erasure) {
        task.state = sample::complete();
        task.given.insert(0);
    }
    assert_eq!(request.next_work(at(1)), Work::Assemble);
    let request = request.apply(sample::packaged(), at(1)).unwrap();
    let erasure: Vec<_> = request.in_stage(Stage::Erasure).map(|task| task.id).collect();
    assert_eq!(request.next_work(at(1)), Work::Run(erasure));
}

#[test]
fn a_failed_access_task_holds_back_erasure_unless_the_policy_says_continue() {
    let mut request = request_in(RequestState::Processing);
    for task in &mut request.tasks {
        task.given.insert(0);
        task.state = match task.stage {
            Stage::Manual | Stage::Identifiers => sample::complete(),
            Stage::Access => sample::failed(),
            Stage::Erasure => TaskState::Queued,
        };
    }
    assert_eq!(request.status(), Status::Error);
    assert_eq!(request.next_work(at(1)), Work::Nothing);
    request.terms.on_error = OnError::Continue;
    assert_eq!(request.next_work(at(1)), Work::Assemble);
    let mut request = request.apply(sample::packaged(), at(1)).unwrap();
    for task in request.tasks.iter_mut().filter(|task| task.stage == Stage::Erasure) {
        task.state = sample::complete();
    }
    assert_eq!(request.status(), Status::Error, "a failure is never called complete");
}

#[test]
fn a_request_waits_for_a_person_for_as_long_as_it_takes() {
    let mut request = request_in(RequestState::Processing);
    request.tasks[0].state = sample::asks();
    assert_eq!(request.status(), Status::RequiresInput);
    assert_eq!(request.due(at(1)), None);
    assert_eq!(request.due(at(400 * 24 * 3600)), None);
}

#[test]
fn identifiers_run_in_rounds_until_nothing_new_is_found() {
    let mut request = sample::chained_identifiers();
    let phone = request.tasks[0].id;
    let crm = request.tasks[1].id;
    assert_eq!(request.next_work(at(1)), Work::Run(vec![phone]), "crm needs a phone number");
    request = sample::run(request, phone, vec![("phone_number", "1")]);
    assert_eq!(request.next_work(at(1)), Work::Run(vec![crm]));
    request = sample::run(request, crm, vec![("user_id", "u1")]);
    assert_eq!(request.in_stage(Stage::Identifiers).filter(|t| t.state.is_final()).count(), 2);
    assert_eq!(request.subject.identities.len(), 3);
}

#[test]
fn an_identifiers_task_whose_identity_stays_unknown_is_skipped() {
    let request = sample::chained_identifiers();
    let phone = request.tasks[0].id;
    let request = sample::run(request, phone, vec![]);
    assert_eq!(request.tasks[1].state.as_str(), "skipped");
}

#[test]
fn a_manual_webhook_is_given_the_initial_identities_only() {
    let mut request = request_in(RequestState::Processing);
    let finder = request.tasks[1].id;
    request.subject.identities.push(sample::identity("user_id", "u1", Some(finder)));
    assert_eq!(request.identities_for(&request.tasks[0]), vec![0]);
    assert_eq!(request.identities_for(&request.tasks[2]), vec![0, 1]);
}

/// Any event, with a task of the request in it.
fn any_event() -> impl Strategy<Value = (usize, usize, usize)> {
    (0..events().len() + 1, 0..6_usize, 0..task_events().len())
}

fn pick(request: &PrivacyRequest, (event, task, task_event): (usize, usize, usize)) -> Event {
    if let Some(event) =
        events().into_iter().nth(event).filter(|e| !matches!(e, Event::Task { .. }))
    {
        return match event {
            Event::Retried { tasks } if !tasks.is_empty() => {
                let id = request.tasks.get(task).map_or(tasks[0].0, |task| task.id);
                Event::Retried { tasks: vec![(id, cordon_model::Revision(2))] }
            }
            Event::Resumed { .. } => {
                Event::Resumed { tasks: request.waiting_for_input().map(|t| t.id).collect() }
            }
            other => other,
        };
    }
    let id = request.tasks.get(task).map_or(sample::task_id(99), |task| task.id);
    let event = task_events().swap_remove(task_event);
    Event::Task { id, event }
}

proptest! {
    #[test]
    fn final_stays_final_and_the_revision_counts_every_change(
        choices in proptest::collection::vec(any_event(), 1..60),
    ) {
        let mut request = request_in(RequestState::Pending);
        for (step, choice) in choices.into_iter().enumerate() {
            let before = request.clone();
            match request.clone().apply(pick(&request, choice), at(step as i64)) {
                Ok(after) => {
                    prop_assert!(!before.status().is_final(), "{:?} → {:?}", before.status(), after.status());
                    prop_assert_eq!(after.revision, before.revision.next());
                    request = after;
                }
                Err(_) => prop_assert_eq!(&request, &before),
            }
        }
    }

    #[test]
    fn status_and_work_agree(choices in proptest::collection::vec(any_event(), 1..60)) {
        let mut request = request_in(RequestState::Pending);
        for (step, choice) in choices.into_iter().enumerate() {
            let event = pick(&request, choice);
            request = request.clone().apply(event, at(step as i64)).unwrap_or(request);
            let work = request.next_work(Timestamp::MAX);
            match request.status() {
                Status::Pending | Status::Paused | Status::Complete | Status::Denied
                | Status::Canceled | Status::Error => prop_assert_eq!(work, Work::Nothing),
                // One task may wait for a person while none can run.
                Status::RequiresInput => prop_assert_eq!(work, Work::Nothing),
                Status::Approved | Status::InProcessing => prop_assert!(work != Work::Nothing),
            }
        }
    }

    #[test]
    fn nothing_is_deleted_before_the_answer_is_safe(
        choices in proptest::collection::vec(any_event(), 1..80),
    ) {
        let mut request = request_in(RequestState::Approved);
        for (step, choice) in choices.into_iter().enumerate() {
            let event = pick(&request, choice);
            // Only what the scheduler would start: tasks named by `next_work`.
            if let Event::Task { id, event: TaskEvent::Started { .. } } = &event {
                match request.next_work(Timestamp::MAX) {
                    Work::Run(tasks) if tasks.contains(id) => {}
                    _ => continue,
                }
                let task = request.task(*id).unwrap();
                if task.stage == Stage::Erasure {
                    prop_assert!(request.package.is_some());
                }
            }
            request = request.clone().apply(event, at(step as i64)).unwrap_or(request);
        }
    }
}
