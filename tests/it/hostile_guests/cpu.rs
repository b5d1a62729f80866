//! Guests that want all the processor time there is.

use std::time::Instant;

use serde_json::json;

use super::guests::{by_hand, by_hand_runs};
use super::harness::{Attack, Contained, attack};
use super::mallory::refused;
use crate::support::upstream::Upstream;

/// What is said of a call that used up its processor time.
const USED_UP: (&str, &str) = ("limit_reached", "the connector used up its processor time of 1s");

/// What is said of a call that waited until its time was over.
const TOO_LATE: (&str, &str) = ("deadline_passed", "The time for the work is over.");

pub(crate) const ATTACKS: [Attack; 8] = [
    attack!("cpu/loop", |world| {
        world.mallory().await.attack("cpu/loop").await.fails(USED_UP.0, USED_UP.1)
    }),
    attack!("cpu/recursion", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/recursion.wat");
        let native = by_hand_runs(&world, attack, "").await;
        // A language keeps a stack of its own in its memory, which ends first.
        let language = world.mallory().await.attack("cpu/recursion").await;
        Contained::all([
            native.fails("plugin_trapped", "wasm trap: call stack exhausted"),
            language.fails("plugin_trapped", "wasm trap: out of bounds memory access"),
        ])
    }),
    attack!("cpu/start-loop", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/start-loop.wat");
        let answer = world.mallory().await.upload(&by_hand(attack, "")).await;
        // Beside other spinners it may still wait for its turn when its time is over.
        let late = answer.0.json.to_string().contains(TOO_LATE.0);
        let (code, said) = if late { TOO_LATE } else { USED_UP };
        let detail = format!(
            "`describe` failed: {code}: {said}; it must answer without calling anything but the log"
        );
        refused(answer, "describe_failed", &detail)
    }),
    attack!("cpu/fill-loop", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/fill-loop.wat");
        by_hand_runs(&world, attack, "").await.fails(USED_UP.0, USED_UP.1)
    }),
    attack!("cpu/host-calls", |world| {
        world.mallory().await.attack("cpu/host-calls").await.fails(USED_UP.0, USED_UP.1)
    }),
    attack!("cpu/denied-egress", |world| {
        let (mallory, elsewhere) = (world.mallory().await, Upstream::start().await);
        let mut connection = mallory.connection("cpu/denied-egress");
        connection["config"]["elsewhere"] = json!(elsewhere.url("/"));
        mallory.connect(&connection).await;
        let ended = mallory.request("access").await;
        let task = &ended.request["tasks"][0];
        let queries = task["queries"].as_array().unwrap();
        assert_eq!(queries.len(), 1, "the first denial is the last: {task:#}");
        assert_eq!(elsewhere.calls().len(), 0);
        let origin = elsewhere.url("");
        let said = format!("policy: origin_not_granted: requests to {origin} are not granted");
        ended.fails("egress_denied", &said)
    }),
    attack!("cpu/regex", |world| {
        world.mallory().await.attack("cpu/regex").await.fails(USED_UP.0, USED_UP.1)
    }),
    attack!("cpu/eight-spinners", |world| {
        let mallory = world.mallory().await;
        mallory.connect(&mallory.connection("cpu/loop")).await;
        let began = Instant::now();
        let mut requests = Vec::new();
        for _ in 0..8 {
            requests.push(mallory.submit("access").await);
        }
        let mut ended = Vec::new();
        for id in &requests {
            ended.push(mallory.end_of(id, began).await.fails(USED_UP.0, USED_UP.1));
        }
        Contained::all(ended)
    }),
];
