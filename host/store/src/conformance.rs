//! What every implementation of `StateStore` must do, whatever it stands on. Each check gets a
//! fresh store. [`suite`] makes a test of each of them for one implementation.

mod about;
mod atomic;
mod inputs;
mod ledger;
mod lists;
mod objects;
mod plugins;
mod requests;
mod tasks;
mod tenants;
mod webhooks;

pub(crate) use about::*;
pub(crate) use atomic::*;
pub(crate) use inputs::*;
pub(crate) use ledger::*;
pub(crate) use lists::*;
pub(crate) use objects::*;
pub(crate) use plugins::*;
pub(crate) use requests::*;
pub(crate) use tasks::*;
pub(crate) use tenants::*;
pub(crate) use webhooks::*;

use cordon_model::commit::{Change, CommitError, Target};
use cordon_model::port::StateStore;

use crate::tests::sample::{changes, put, tenant};

/// Makes a test of every check. `$fresh` gives an empty store, and what must outlive it.
macro_rules! suite {
    ($fresh:path) => {
        $crate::conformance::suite! { $fresh:
            an_object_is_stored_whole,
            an_api_key_is_found_by_its_hash_until_it_is_revoked,
            a_connection_keeps_every_revision_even_after_it_was_removed,
            a_uuid_names_one_connection_of_a_tenant,
            secrets_belong_to_a_connection_and_go_with_it,
            a_connection_has_one_manual_webhook_across_all_policies,
            revisions_are_compared,
            what_is_absent_cannot_be_replaced_or_removed,
            another_tenants_rows_are_as_if_absent,
            a_refused_commit_leaves_no_trace,
            changes_to_one_object_in_one_commit_work_in_order,
            events_are_numbered_without_gaps_and_only_with_their_commit,
            lists_are_newest_first_and_paged,
            a_made_up_cursor_leads_to_an_empty_page,
            requests_are_filtered,
            every_state_of_a_request_is_stored_whole,
            open_requests_are_counted_until_they_are_final,
            open_requests_of_a_connection_are_listed_by_id_until_they_are_final,
            due_requests_come_by_tenant_the_longest_due_first,
            an_input_is_replaced_by_the_next_one_for_its_task,
            records_keep_their_numbers_and_are_replaced_as_a_whole,
            a_journal_keeps_every_line_in_order,
            what_belongs_to_a_task_needs_its_request,
            an_answer_is_remembered_until_it_expires,
            a_plugin_belongs_to_a_tenant_or_to_all,
            the_component_of_a_plugin_is_written_once_and_goes_with_it,
            the_newest_version_of_a_plugin_is_remembered_when_the_plugin_is_gone,
            policy_webhooks_come_in_their_order,
            a_policy_webhook_belongs_to_a_policy_which_stays_as_long,
            requests_about_a_person_are_found_by_any_identity,
            requests_about_a_person_come_in_pages_and_each_once,
            late_requests_are_open_ones_with_a_deadline_before_a_time,
            files_come_and_go_with_their_input,
            an_input_and_its_files_must_agree,
            content_is_removed_and_the_request_stays,
            events_of_a_request_are_followed_from_a_sequence_on,
            a_ledger_is_read_newest_first_in_pages,
            a_removed_tenant_leaves_nothing_and_its_name_is_free,
            a_tenant_is_removed_at_its_revision_and_with_its_commit_only,
            a_tenant_can_be_removed_and_made_again_in_one_commit,
            a_tenant_is_erased_in_steps_of_which_the_first_makes_it_unreadable,
            nothing_new_is_taken_in_for_a_tenant_that_is_being_removed,
            a_tenant_with_a_request_that_is_not_final_is_not_idle
        }
    };
    ($fresh:path: $($check:ident),+) => {
        $(#[tokio::test]
        async fn $check() {
            let (store, _kept) = $fresh();
            $crate::conformance::$check(&store).await;
        })+
    };
}
pub(crate) use suite;

/// A store with a tenant `acme` and a tenant `other`.
async fn with_tenants(store: &dyn StateStore) {
    put(store, [Change::PutTenant(tenant("acme")), Change::PutTenant(tenant("other"))]).await;
}

/// Commits changes that must be refused.
async fn refused(store: &dyn StateStore, all: impl IntoIterator<Item = Change>) -> Refusal {
    match store.commit(changes(all)).await {
        Err(CommitError::Conflict(target)) => Refusal::Conflict(target),
        Err(CommitError::Exists(target)) => Refusal::Exists(target),
        Err(CommitError::Absent(target)) => Refusal::Absent(target),
        Err(CommitError::Contradictory(_)) => Refusal::Contradictory,
        Err(CommitError::Store(error)) => panic!("the store failed: {error}"),
        Ok(()) => panic!("it was accepted"),
    }
}

/// A [`CommitError`] that can be compared.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    Conflict(Target),
    Exists(Target),
    Absent(Target),
    Contradictory,
}
