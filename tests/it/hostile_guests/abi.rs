//! Guests that break the rules by which values pass between guest and host.

use super::guests::by_hand_runs;
use super::harness::{Attack, Contained, attack};
use super::world::World;

/// What is said of a guest that broke one of the rules.
const BROKEN: &str =
    "the plugin broke a rule of the component model, or handed over too much at once";

pub(crate) const ATTACKS: [Attack; 9] = [
    attack!("abi/out-of-range", |world| {
        let outcome = include_str!("../../guests/hostile/by_hand/result-at.wat");
        let detail = include_str!("../../guests/hostile/by_hand/detail-at.wat");
        // At the end of the memory, and at the end of what can be named.
        let outcomes = trapped(&world, outcome, &["0x1fff8", "0xfffffff0"], BROKEN).await;
        let details = trapped(&world, detail, &["0x1fff8", "0xfffffff8"], BROKEN).await;
        Contained::all(outcomes.into_iter().chain(details))
    }),
    attack!("abi/misaligned", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/result-at.wat");
        Contained::all(trapped(&world, attack, &["385", "386"], BROKEN).await)
    }),
    attack!("abi/no-utf8", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/no-utf8.wat");
        // No first byte; a surrogate; the long form of a slash; cut in mid-character.
        let bytes = [r"\ff\fe\fd\fc", r"\ed\a0\80\20", r"\c0\af\c0\af", r"\20\20\20\e2"];
        Contained::all(trapped(&world, attack, &bytes, BROKEN).await)
    }),
    attack!("abi/realloc", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/realloc.wat");
        let mut ended = trapped(&world, attack, &["0x1fff8", "0x7ffffff8", "1026"], BROKEN).await;
        // Nothing of the host lies there: the guest has what it is told written over itself.
        for same in ["0", "4096"] {
            ended.push(by_hand_runs(&world, attack, same).await.completes("own_memory_only"));
        }
        let overlap = include_str!("../../guests/hostile/by_hand/realloc-overlap.wat");
        ended.push(by_hand_runs(&world, overlap, "").await.completes("own_memory_only"));
        Contained::all(ended)
    }),
    attack!("abi/post-return", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/post-return.wat");
        let said = "wasm trap: wasm `unreachable` instruction executed";
        Contained::all(trapped(&world, attack, &[""], said).await)
    }),
    // The contract has no flags.
    attack!("abi/bad-tag", |world| {
        let tags = include_str!("../../guests/hostile/by_hand/bad-tag.wat");
        // Of the result, of the outcome in it, of what was found in that.
        let mut ended = trapped(&world, tags, &["384", "388", "392"], BROKEN).await;
        let level = include_str!("../../guests/hostile/by_hand/bad-level.wat");
        ended.extend(trapped(&world, level, &[""], BROKEN).await);
        Contained::all(ended)
    }),
    attack!("abi/handles", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/handles.wat");
        let variants = [
            // Forged; dropped twice; used when it is gone; of another type.
            "(drop (call $count (i32.const 77)))",
            "(call $drop (local.get $records)) (call $drop (local.get $records))",
            "(call $drop (local.get $records)) (drop (call $count (local.get $records)))",
            "(call $labels (local.get $records) (i32.const 768))",
        ];
        Contained::all(trapped(&world, attack, &variants, BROKEN).await)
    }),
    attack!("abi/re-entry", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/re-entry.wat");
        let said = "wasm trap: cannot leave component instance";
        Contained::all(trapped(&world, attack, &[""], said).await)
    }),
    attack!("abi/trap-in-realloc", |world| {
        let attack = include_str!("../../guests/hostile/by_hand/trap-in-realloc.wat");
        let said = "wasm trap: wasm `unreachable` instruction executed";
        Contained::all(trapped(&world, attack, &[""], said).await)
    }),
];

/// Runs the variants of an attack, each of which must end in a trap that is told like this.
async fn trapped(world: &World, attack: &str, variants: &[&str], said: &str) -> Vec<Contained> {
    let mut ended = Vec::new();
    for variant in variants {
        ended.push(by_hand_runs(world, attack, variant).await.fails("plugin_trapped", said));
    }
    ended
}
