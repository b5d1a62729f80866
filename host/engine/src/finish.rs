//! Makes the package when everything for the person is there.

use cordon_model::commit::Commit;
use cordon_model::package::{FoundIdentity, Omission, PackageContents, Section};
use cordon_model::port::PackageError;
use cordon_model::request::{Event, PrivacyRequest};
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
    let contents = contents_of(services, &request).await?;
    let event = match put(services, &contents).await {
        Ok(package) => Event::Packaged { package },
        Err(error) => {
            Event::Failed { failure: Failure::new(FailureCode::PackageFailed, error.to_string()) }
        }
    };
    services.apply_as_host(&request, event, Commit::default()).await.map(|_| ())
}

/// Tries a destination that fails a few times; anything else fails at once.
async fn put(
    services: &Services,
    contents: &PackageContents,
) -> Result<cordon_model::package::PackageRef, PackageError> {
    let mut attempt = 1;
    loop {
        match services.ports.packages.put(contents).await {
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
        if let TaskState::Complete { finding: FindingSummary::Records { .. }, .. } = &task.state {
            let records = services.store().records(&request.tenant, request.id, task.id).await?;
            sections.push(Section {
                connection: task.connection.clone(),
                plugin: task.plugin.clone(),
                records,
            });
        }
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
        let task = request.task(identity.found_by?)?;
        Some(FoundIdentity {
            connection: task.connection.clone(),
            kind: identity.kind.clone(),
            value: identity.value.clone(),
        })
    });
    found.collect()
}
