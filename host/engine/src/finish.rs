//! Makes the package when everything for the person is there.

use std::sync::Arc;

use cordon_model::commit::{Change, Commit, StoreError};
use cordon_model::input::{Form, InputValue};
use cordon_model::package::{FoundIdentity, Omission, PackageContents, PackageFile, Section};
use cordon_model::port::PackageError;
use cordon_model::request::{Event, PrivacyRequest};
use cordon_model::subject::IdentitySource;
use cordon_model::task::{FindingSummary, Stage, Task, TaskState};
use cordon_model::{Action, Failure, FailureCode};

use crate::services::Services;
use crate::step::{ApplyError, HostError};

/// Puts the package at its destination and commits where it is. A crash between the two makes
/// the same package again, under the same digest.
pub(crate) async fn assemble(
    services: &Services,
    request: PrivacyRequest,
) -> Result<(), ApplyError> {
    let contents = Arc::new(contents_of(services, &request).await?);
    let event = match put(services, &contents).await {
        Ok(package) => Event::Packaged { package },
        Err(error) => {
            Event::Failed { failure: Failure::new(FailureCode::PackageFailed, error.to_string()) }
        }
    };
    services.apply_as_host(&request, event, Commit::default()).await.map(|_| ())
}

/// Removes package and content of a request whose time of keeping is over. A crash in between
/// does it again.
pub(crate) async fn expire(
    services: &Services,
    request: &PrivacyRequest,
) -> Result<(), ApplyError> {
    if let Some(package) = &request.package {
        let removed = services.ports.packages.remove(&request.tenant, request.id, package).await;
        removed.map_err(|error| HostError::Destination(error.to_string()))?;
    }
    let content = Change::RemoveContent(request.tenant.clone(), request.id);
    let with = Commit { changes: vec![content], audit: Vec::new() };
    services.apply_as_host(request, Event::Expired, with).await.map(|_| ())
}

/// Tries a destination that fails a few times; anything else fails at once.
async fn put(
    services: &Services,
    contents: &Arc<PackageContents>,
) -> Result<cordon_model::package::PackageRef, PackageError> {
    let mut attempt = 1;
    loop {
        match services.ports.packages.put(Arc::clone(contents)).await {
            Err(PackageError::Unavailable(reason))
                if attempt < services.options.package_attempts_max =>
            {
                tracing::warn!(
                    tenant.id = %contents.tenant, request.id = %contents.request, attempt, reason,
                    "the package's destination failed; trying again",
                );
                attempt += 1;
                tokio::time::sleep(services.options.host_retry).await;
            }
            done => return done,
        }
    }
}

async fn contents_of(
    services: &Services,
    request: &PrivacyRequest,
) -> Result<PackageContents, HostError> {
    let mut sections = Vec::new();
    let mut omissions = Vec::new();
    for task in request.tasks.iter().filter(|task| task.stage < Stage::Erasure) {
        sections.extend(section_of(services, request, task).await?);
        omissions.extend(omissions_of(task));
    }
    let for_person = [Action::Access, Action::Identifiers];
    for action in request.unserved.iter().filter(|action| for_person.contains(action)) {
        omissions.push(Omission {
            connection: None,
            task: None,
            code: FailureCode::RuleUnserved.as_str().to_owned(),
            detail: format!("no connection serves {action}"),
        });
    }
    Ok(PackageContents {
        tenant: request.tenant.clone(),
        request: request.id,
        policy: request.policy.clone(),
        external_id: request.external_id.clone(),
        submitted_at: request.created_at,
        sections,
        identities: request.terms.has(Action::Identifiers).then(|| found_identities(request)),
        omissions,
        destination: request.destination().to_owned(),
    })
}

/// What a task brings: its records, and the files that a person supplied for it, as they are.
async fn section_of(
    services: &Services,
    request: &PrivacyRequest,
    task: &Task,
) -> Result<Option<Section>, HostError> {
    let TaskState::Complete { finding, .. } = &task.state else { return Ok(None) };
    let mut section = Section {
        connection: task.connection.clone(),
        plugin: task.plugin.clone(),
        records: Vec::new(),
        files: Vec::new(),
    };
    if matches!(finding, FindingSummary::Records { .. }) {
        section.records = services.store().records(&request.tenant, request.id, task.id).await?;
    }
    if let Some(form) = &task.form {
        section.files = files_of(services, request, task, form).await?;
    }
    let is_empty = section.records.is_empty() && section.files.is_empty();
    Ok((!is_empty).then_some(section))
}

/// In the order of the form that was answered.
async fn files_of(
    services: &Services,
    request: &PrivacyRequest,
    task: &Task,
    form: &Form,
) -> Result<Vec<PackageFile>, HostError> {
    let (store, tenant) = (services.store(), &request.tenant);
    let inputs = store.inputs(tenant, request.id).await?;
    let Some(input) = inputs.iter().find(|input| input.task == task.id) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for label in form.fields.iter().map(|field| &field.label) {
        let Some(InputValue::File(file)) = input.values.get(label) else { continue };
        let bytes = store
            .input_file(tenant, request.id, task.id, label)
            .await?
            .ok_or_else(|| StoreError::Damaged("a file of an input is not there".to_owned()))?;
        files.push(PackageFile {
            label: label.clone(),
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            bytes,
        });
    }
    Ok(files)
}

/// What a task owes the package: nothing it was to bring may be missing in silence.
fn omissions_of(task: &Task) -> Vec<Omission> {
    let omission = |code: &str, detail: String| Omission {
        connection: Some(task.connection.clone()),
        task: Some(task.id),
        code: code.to_owned(),
        detail,
    };
    let mut omissions = Vec::new();
    match &task.state {
        TaskState::Error { failure, .. } => {
            omissions.push(omission(failure.code.as_str(), failure.detail.clone()));
        }
        TaskState::Skipped { reason, .. } => {
            omissions.push(omission(reason.as_str(), format!("{} was skipped", task.action)));
        }
        TaskState::Queued
        | TaskState::Running
        | TaskState::Waiting { .. }
        | TaskState::RequiresInput { .. }
        | TaskState::Complete { .. } => {}
    }
    for query in &task.skipped {
        omissions.push(omission(query.reason.as_str(), format!("{} was skipped", query.label)));
    }
    omissions
}

fn found_identities(request: &PrivacyRequest) -> Vec<FoundIdentity> {
    let found = request.subject.identities.iter().filter_map(|identity| {
        let IdentitySource::Task(task) = identity.source else { return None };
        let task = request.task(task)?;
        Some(FoundIdentity {
            connection: task.connection.clone(),
            kind: identity.kind.clone(),
            value: identity.value.clone(),
        })
    });
    found.collect()
}
