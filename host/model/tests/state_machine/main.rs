//! The state machine of a privacy request: its whole transition table as a snapshot, and what
//! holds after any sequence of events.

#![cfg(test)]

mod sample;

use cordon_model::Timestamp;
use cordon_model::plugin::PluginRef;
use cordon_model::policy::OnError;
use cordon_model::request::{
    Event, NoticeEvent, PrivacyRequest, RequestState, Retrial, Status, TaskEvent, WebhookEvent,
    WebhookState, Work,
};
use cordon_model::task::{Stage, TaskState};
use proptest::prelude::*;

use sample::{at, events, request_in, requests, retrial, task_events, task_states};

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

#[test]
fn the_transition_table_of_a_webhook() {
    let mut table = String::new();
    for state in sample::webhook_states() {
        for event in sample::webhook_events() {
            let request = sample::before_a_webhook(state.clone());
            let (id, name) = (request.webhooks[0].id, event.name());
            if let Ok(after) = request.apply(Event::Webhook { id, event }, at(1)) {
                let (from, to) = (state.as_str(), after.webhooks[0].state.as_str());
                let status = after.status().as_str();
                table.push_str(&format!("{from:<9} + {name:<17} → {to:<9} ({status})\n"));
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_pre_execution_webhook_is_told_nothing_while_input_is_missing() {
    let mut request = sample::before_a_webhook(WebhookState::Queued);
    request.tasks[0].state = sample::asks();
    assert_eq!(request.next_work(at(1)), Work::Nothing);
    assert_eq!(request.status(), Status::RequiresInput);
    let event = Event::Webhook { id: sample::webhook_id(1), event: sample::answered() };
    assert!(request.clone().apply(event, at(1)).is_err(), "its turn has not come");
    request.tasks[0].state = sample::complete();
    assert_eq!(request.next_work(at(1)), Work::Tell(sample::webhook_id(1)));
}

#[test]
fn webhooks_of_a_phase_are_told_in_their_order() {
    let mut request = sample::before_a_webhook(WebhookState::Queued);
    let mut first = request.webhooks[0].clone();
    (first.id, request.webhooks[0].order) = (sample::webhook_id(9), 5);
    request.webhooks.push(first);
    assert_eq!(request.next_work(at(1)), Work::Tell(sample::webhook_id(9)));
    let event = Event::Webhook { id: sample::webhook_id(9), event: sample::answered() };
    let request = request.apply(event, at(1)).unwrap();
    assert_eq!(request.next_work(at(1)), Work::Tell(sample::webhook_id(1)));
}

#[test]
fn a_halted_request_is_paused_until_it_is_resumed() {
    let id = sample::webhook_id(1);
    let request = sample::before_a_webhook(WebhookState::Queued);
    let halted = Event::Webhook { id, event: sample::halt() };
    let request = request.apply(halted, at(1)).unwrap();
    assert_eq!(request.status(), Status::Paused);
    assert_eq!(request.due(at(400 * 24 * 3600)), None, "no sweep ends a pause");
    let released = Event::Webhook { id, event: WebhookEvent::Released };
    let request = request.apply(released, at(2)).unwrap();
    assert_eq!(request.status(), Status::InProcessing);
    assert_eq!(request.next_work(at(2)), Work::Run(vec![request.tasks[1].id]));
}

#[test]
fn the_deadline_of_the_policy_ends_a_wait_once() {
    let mut request = request_in(RequestState::Processing);
    request.tasks[0].state = sample::asks();
    request.due_at = Some(at(100));
    assert_eq!(request.due(at(1)), Some(at(100)));
    assert_eq!(request.next_work(at(99)), Work::Nothing);
    assert_eq!(request.next_work(at(100)), Work::EndForDeadline);
    let request = request.apply(Event::DeadlinePassed, at(100)).unwrap();
    assert_eq!((request.status(), request.due(at(200))), (Status::Error, None));
    let request = request.apply(Event::Retried { tasks: vec![] }, at(300)).unwrap();
    assert_eq!(request.status(), Status::RequiresInput, "an operator goes on all the same");
    assert_eq!(request.due(at(300)), None);
}

#[test]
fn a_retry_stays_with_the_pinned_plugin_unless_another_one_takes_its_place() {
    let mut request = request_in(RequestState::Processing);
    let failure = cordon_model::Failure::new(cordon_model::FailureCode::QueryFailed, "status 500");
    request.tasks[0].state = TaskState::Error { failure, at: at(0) };
    let (id, pinned) = (request.tasks[0].id, request.tasks[0].plugin.clone());
    let tried = |retrial| {
        request.clone().apply(Event::Retried { tasks: vec![retrial] }, at(1)).unwrap().tasks[0]
            .clone()
    };
    let again = tried(retrial(id));
    assert_eq!((again.plugin, again.state), (pinned.clone(), TaskState::Queued));
    let other = PluginRef { version: "9".into(), ..pinned };
    let again = tried(Retrial { plugin: Some(other.clone()), ..retrial(id) });
    assert_eq!(again.plugin, other);
}

#[test]
fn a_retry_after_the_deadline_does_not_stand_in_for_an_approval() {
    let mut request = request_in(RequestState::Pending);
    (request.approved_at, request.due_at) = (None, Some(at(100)));
    let request = request.apply(Event::DeadlinePassed, at(100)).unwrap();
    let request = request.apply(Event::Retried { tasks: vec![] }, at(101)).unwrap();
    assert_eq!(request.status(), Status::Pending);
}

#[test]
fn a_submitter_who_wants_to_be_told_is_told_of_every_status_that_matters() {
    let mut request = request_in(RequestState::Processing);
    request.callback_url = Some("https://acme.example/done".to_owned());
    let id = request.tasks[0].id;
    let started = Event::Task { id, event: TaskEvent::Started { segment: sample::segment() } };
    let request = request.apply(started, at(1)).unwrap();
    let TaskState::RequiresInput { form } = sample::asks() else { unreachable!() };
    let asked = TaskEvent::Asked { form, carry: Default::default(), calls: vec![] };
    let request = request.apply(Event::Task { id, event: asked }, at(2)).unwrap();
    let request = request.apply(Event::Canceled, at(3)).unwrap();
    let told: Vec<Status> = request.notices.iter().map(|notice| notice.status).collect();
    assert_eq!(told, [Status::RequiresInput, Status::Canceled]);
    assert_eq!(request.due(at(3)), Some(at(2)), "a final request still owes its notices");
    let first = request.next_notice().unwrap().revision;
    let event = NoticeEvent::Delivered { status: 200 };
    let request = request.apply(Event::Notice { revision: first, event }, at(4)).unwrap();
    assert_eq!(request.next_notice().unwrap().status, Status::Canceled);
}

#[test]
fn package_and_content_are_kept_for_as_long_as_the_policy_says() {
    let mut request = request_in(RequestState::Processing);
    request.terms.retention_days = Some(1);
    for task in &mut request.tasks {
        task.given.insert(0);
        task.state = sample::complete();
    }
    let request = request.apply(sample::packaged(), at(1)).unwrap();
    let request = request.apply(Event::Completed, at(2)).unwrap();
    let day = 24 * 60 * 60;
    assert_eq!(request.due(at(3)), Some(at(2 + day)));
    assert_eq!(request.next_work(at(1 + day)), Work::Nothing);
    assert_eq!(request.next_work(at(2 + day)), Work::Expire);
    let request = request.apply(Event::Expired, at(2 + day)).unwrap();
    assert_eq!((request.package.clone(), request.due(at(9 * day))), (None, None));
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
                let id = request.tasks.get(task).map_or(tasks[0].task, |task| task.id);
                Event::Retried { tasks: vec![retrial(id)] }
            }
            Event::Resumed { .. } => {
                let form = |task: &cordon_model::task::Task| task.form.clone().unwrap_or_default();
                let waiting = request.waiting_for_input();
                Event::Resumed { tasks: waiting.map(|task| (task.id, form(task))).collect() }
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
                    let ended = before.status().is_final();
                    prop_assert!(!ended || after.status() == before.status());
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
