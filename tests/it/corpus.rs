//! The verdict corpus: every entry is run, and its verdict is as it is written there.
//!
//! URLs and templates are judged by the gate without a packet, templates, grants and whatever else needs a
//! component run through one, answers come from real servers on loopback. `CORDON_EGRESS_CORPUS`
//! names another file of the same form. What cannot be run is counted apart, never as held.

mod answers;
mod bench;
mod canaries;
mod certificates;
mod entries;
mod gate;
mod guests;
mod templates;

use std::collections::BTreeMap;
use std::sync::Arc;

use bench::{Bench, judge_all};
use entries::{Corpus, Outcome, Outcomes};

/// Entries of the project's own corpus.
const OWN_ENTRIES: usize = 346;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_entry_of_the_corpus_is_judged_as_it_says() {
    let corpus = Corpus::load();
    let bench = Bench::start(&corpus).await;
    let mut outcomes = at_the_gate(&corpus, &bench).await;
    let of = |kind: &'static [&str]| corpus.of_kinds(kind);
    outcomes.extend(judge_all(&bench, of(&["redirect"]), answers::judge_redirect).await);
    outcomes.extend(judge_all(&bench, of(&["response"]), answers::judge_response).await);
    outcomes.extend(judge_all(&bench, of(&["guest"]), guests::judge_request).await);
    outcomes.extend(judge_all(&bench, of(&["grant"]), guests::judge_grant).await);
    outcomes.extend(certificates::judge_all(&corpus).await);
    let wrong = report(&corpus, &outcomes);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    if corpus.own {
        assert_eq!(corpus.entries.len(), OWN_ENTRIES);
        let held = outcomes.values().filter(|outcome| **outcome == Outcome::Holds).count();
        assert_eq!(held, OWN_ENTRIES, "an entry was not tried");
    }
}

/// URLs and templates: what the gate says, and for templates what the connector and the gate make
/// of them together.
async fn at_the_gate(corpus: &Corpus, bench: &Arc<Bench>) -> Outcomes {
    let mut outcomes = Outcomes::new();
    let mut through_connector = Vec::new();
    for entry in corpus.of_kinds(&["url", "template"]) {
        if !entry.json["dns_sequence"].is_null() {
            let why = "which of several answers is meant is not said";
            outcomes.insert(entry.id.clone(), Outcome::Unsupported(why));
            continue;
        }
        let verdict = gate::vet(corpus, entry).await;
        let by_grants = verdict.as_ref().is_err_and(|denied| denied.by_grants);
        let outcome = entry.judge(verdict.map_err(|denied| denied.why));
        if outcome == Outcome::Holds && entry.kind == "template" && !by_grants {
            through_connector.push(entry);
        }
        outcomes.insert(entry.id.clone(), outcome);
    }
    outcomes.extend(judge_all(bench, through_connector.into_iter(), templates::judge).await);
    outcomes
}

/// Prints the figures; gives what differs.
fn report(corpus: &Corpus, outcomes: &Outcomes) -> Vec<String> {
    let mut families: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let (mut wrong, mut unsupported) = (Vec::new(), Vec::new());
    for entry in &corpus.entries {
        let [tried, mismatched, skipped] = families.entry(&entry.family).or_default();
        match outcomes.get(&entry.id) {
            Some(Outcome::Holds) => *tried += 1,
            Some(Outcome::Differs(how)) => {
                *tried += 1;
                *mismatched += 1;
                wrong.push(format!("{} ({}): {how}", entry.id, entry.why));
            }
            Some(Outcome::Unsupported(why)) => {
                *skipped += 1;
                unsupported.push(format!("{} ({why})", entry.id));
            }
            None => {
                *skipped += 1;
                unsupported.push(format!("{} (no way to run the kind {})", entry.id, entry.kind));
            }
        }
    }
    let sum = |n: usize| -> usize { families.values().map(|counts| counts[n]).sum() };
    println!("FIGURE egress_corpus tried={} mismatched={} unsupported={}", sum(0), sum(1), sum(2));
    for (family, [tried, mismatched, skipped]) in &families {
        println!(
            "FIGURE egress_corpus family={family} tried={tried} mismatched={mismatched} \
             unsupported={skipped}"
        );
    }
    for entry in &unsupported {
        println!("unsupported: {entry}");
    }
    wrong
}
