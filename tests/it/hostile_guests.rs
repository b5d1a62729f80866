//! The 64 attacks of a hostile guest: each is stopped with an error that says what it was, in a
//! time that is measured, the next call of another tenant gives what it gave before, and nothing
//! of the attack remains.
//!
//! A category a file. Each runs its attacks alone; one test runs them all, eight at once, and
//! asks the API all the while. What was measured is printed as `FIGURE` lines.

mod abi;
mod cpu;
mod egress;
mod guests;
mod harness;
mod logs;
mod mallory;
mod memory;
mod output;
mod secrets;
mod state;
mod supply;
mod world;

use std::collections::BTreeSet;

use harness::{Attack, alone, at_once};

/// How many there are.
const COUNT: usize = 64;

fn every_attack() -> Vec<Attack> {
    [
        &cpu::ATTACKS[..],
        &memory::ATTACKS,
        &abi::ATTACKS,
        &egress::ATTACKS,
        &secrets::ATTACKS,
        &state::ATTACKS,
        &output::ATTACKS,
        &logs::ATTACKS,
        &supply::ATTACKS,
    ]
    .concat()
}

#[tokio::test]
async fn guests_that_want_all_the_time_are_stopped() {
    alone(&cpu::ATTACKS).await;
}

#[tokio::test]
async fn guests_that_want_all_the_memory_are_stopped() {
    alone(&memory::ATTACKS).await;
}

#[tokio::test]
async fn guests_that_break_the_rules_between_guest_and_host_are_stopped() {
    alone(&abi::ATTACKS).await;
}

#[tokio::test]
async fn guests_that_want_out_by_another_way_are_stopped() {
    alone(&egress::ATTACKS).await;
}

#[tokio::test]
async fn guests_that_want_to_know_secrets_learn_nothing() {
    alone(&secrets::ATTACKS).await;
}

#[tokio::test]
async fn what_guests_leave_behind_is_their_own_and_small() {
    alone(&state::ATTACKS).await;
}

#[tokio::test]
async fn what_guests_hand_over_does_no_harm() {
    alone(&output::ATTACKS).await;
}

#[tokio::test]
async fn guests_that_misuse_the_log_are_stopped_or_cleaned_up_after() {
    alone(&logs::ATTACKS).await;
}

#[tokio::test]
async fn components_that_come_in_by_a_way_they_must_not_are_refused() {
    alone(&supply::ATTACKS).await;
}

#[tokio::test]
async fn every_attack_eight_at_once_leaves_the_api_responsive() {
    let attacks = every_attack();
    let names: BTreeSet<_> = attacks.iter().map(|attack| attack.name).collect();
    assert_eq!(names.len(), COUNT);
    at_once(&attacks).await;
}
