//! Guests that want all the memory there is: their own, the host's, and that of its tables.

use serde_json::json;

use super::guests::{by_hand, by_hand_runs};
use super::harness::{Attack, Contained, attack};
use super::mallory::refused;

/// What is said of a guest that handed over more than the host copies.
const TOO_MUCH: &str =
    "the plugin broke a rule of the component model, or handed over too much at once";

pub(crate) const ATTACKS: [Attack; 8] = [
    attack!("memory/grow", |world| {
        let ended = world.mallory().await.attack("memory/grow").await;
        ended.fails("limit_reached", "the memory of a call is used up")
    }),
    attack!("memory/declared-4gib", |world| {
        let component =
            by_hand(include_str!("../../guests/hostile/by_hand/declared-memory.wat"), "");
        let answer = world.mallory().await.upload(&component).await;
        let detail = "the component has too many pages of memory from the start; 1024 are allowed; \
                      leave out what it does not need";
        refused(answer, "too_many", detail)
    }),
    attack!("memory/table", |world| {
        let ended =
            by_hand_runs(&world, include_str!("../../guests/hostile/by_hand/table-bomb.wat"), "")
                .await;
        ended.fails("limit_reached", "the table elements of a call are used up")
    }),
    attack!("memory/declared-table", |world| {
        let component =
            by_hand(include_str!("../../guests/hostile/by_hand/declared-table.wat"), "");
        let answer = world.mallory().await.upload(&component).await;
        let detail = "the component has too many table elements from the start; 40000 are \
                      allowed; leave out what it does not need";
        refused(answer, "too_many", detail)
    }),
    attack!("memory/data-segments", |world| {
        let (answer, took) = world.mallory().await.upload(&data_segment(64 << 20)).await;
        assert_eq!((answer.status, &answer.json["code"]), (413, &json!("body_too_large")));
        let large = Contained { outcome: "body_too_large".to_owned(), took };
        let component = by_hand(include_str!("../../guests/hostile/by_hand/data-outside.wat"), "");
        let answer = world.mallory().await.upload(&component).await;
        let detail = "`describe` failed: plugin_trapped: wasm trap: out of bounds memory access; \
                      it must answer without calling anything but the log";
        Contained::all([large, refused(answer, "describe_failed", detail)])
    }),
    attack!("memory/long-string", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/long-string.wat");
        let mut variants = Vec::new();
        for length in ["0x40000000", "50000000"] {
            let ended = by_hand_runs(&world, attack, length).await;
            variants.push(ended.fails("plugin_trapped", TOO_MUCH));
        }
        Contained::all(variants)
    }),
    attack!("memory/many-strings", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/many-strings.wat");
        by_hand_runs(&world, attack, "").await.fails("plugin_trapped", TOO_MUCH)
    }),
    attack!("memory/log-line", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/long-line.wat");
        let mut variants = Vec::new();
        for length in ["100000000", "60000000"] {
            let ended = by_hand_runs(&world, attack, length).await;
            variants.push(ended.fails("plugin_trapped", TOO_MUCH));
        }
        Contained::all(variants)
    }),
];

/// A component around a module with this much data.
fn data_segment(bytes: usize) -> Vec<u8> {
    let length = |mut number: usize| {
        let mut leb = Vec::new();
        while number > 0x7f {
            leb.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        leb.push(number as u8);
        leb
    };
    let section = |id: u8, content: Vec<u8>| [vec![id], length(content.len()), content].concat();
    // One memory of 1 025 pages; one active segment at 0.
    let memory = section(5, [vec![1, 0], length((bytes >> 16) + 1)].concat());
    let data = [vec![1, 0, 0x41, 0, 0x0b], length(bytes), vec![7; bytes]].concat();
    let module = [b"\0asm\x01\0\0\0".to_vec(), memory, section(11, data)].concat();
    [b"\0asm\x0d\0\x01\0".to_vec(), section(1, module)].concat()
}
