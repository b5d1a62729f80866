//! One connector, one suite, several languages: the connector `contacts`
//! (`plugins/examples/paginated/README.md`) in Rust, JavaScript and Python does the same, seen from
//! outside, in the real program.
//!
//! The Rust one is always built. The others are what `just languages` left in `target/languages`;
//! one that is not there, or is older than its source, is skipped, and said to be.

mod access;
mod bench;
mod configuration;
mod erasure;
mod identifiers;
mod implementations;
mod repetition;

use bench::{Bench, World};
use implementations::Implementation;

/// Every case by name.
macro_rules! cases {
    ($($module:ident: $($case:ident),+ $(,)?;)+) => {
        [$($((stringify!($case), (|world| Box::pin($module::$case(world))) as Case),)+)+]
    };
}

type Case = fn(World) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

const CASES: &[(&str, Case)] = &cases! {
    configuration:
        it_says_what_it_is,
        every_problem_of_a_configuration_has_its_code_and_its_pointer,
        the_bounds_of_a_configuration_are_sound,
        it_needs_what_its_capabilities_need_and_no_more,
        a_dry_run_shows_a_request_for_every_person_and_sends_none,
        a_test_of_the_connection_asks_whether_the_key_is_good;
    access:
        an_unknown_person_has_no_records,
        an_empty_page_has_no_records,
        one_page_is_one_request_with_everything_in_its_place,
        three_pages_are_followed_by_their_cursors,
        a_cursor_of_odd_characters_goes_back_as_it_came,
        a_cursor_may_be_a_number,
        every_email_of_a_person_is_asked_for,
        tombstones_are_left_out_and_numbers_stay_as_they_are,
        what_may_not_be_read_is_not_read,
        a_profile_is_one_object_behind_the_pages,
        no_profile_is_no_record_and_no_failure,
        what_is_no_profile_is_a_failure_that_quotes_nothing,
        the_limit_of_pages_ends_the_run,
        a_malformed_page_is_a_failure_that_quotes_nothing,
        a_status_that_is_no_success_is_a_failure_of_its_query,
        what_comes_later_is_waited_for,
        without_an_email_nothing_is_sent;
    erasure:
        who_is_deleted_is_deleted,
        who_is_unknown_is_not_found,
        one_deleted_of_two_is_deleted,
        a_deletion_that_fails_is_a_failure;
    identifiers:
        what_is_found_is_in_the_package,
        nobody_is_found_where_nobody_is,
        an_object_without_the_identifier_is_malformed;
    repetition:
        a_run_that_was_killed_is_repeated_as_it_was;
};

#[tokio::test]
async fn the_connector_in_rust_conforms() {
    conforms("rust").await;
}

#[tokio::test]
async fn the_connector_in_javascript_conforms() {
    conforms("js").await;
}

#[tokio::test]
async fn the_connector_in_python_conforms() {
    conforms("python").await;
}

/// Built as its tools do by default: there is WASI, with nothing behind it.
#[tokio::test]
async fn the_connector_in_javascript_with_wasi_conforms() {
    conforms("js-wasi").await;
}

#[tokio::test]
async fn the_connector_in_python_with_wasi_conforms() {
    conforms("python-wasi").await;
}

/// Runs every case, each for a tenant of its own with an upstream of its own, and says all that
/// failed.
async fn conforms(name: &str) {
    let Some(implementation) = Implementation::found(name) else { return };
    let bench = Bench::start(&implementation).await;
    let mut failed = Vec::new();
    for (case, run) in CASES {
        // A case of its own task: what it panics over ends it, and no other.
        let world = bench.world(case).await;
        if tokio::spawn(run(world)).await.is_err() {
            failed.push(*case);
        }
    }
    bench.figures(name).await;
    assert!(failed.is_empty(), "{name} does not conform: {failed:#?}");
}
