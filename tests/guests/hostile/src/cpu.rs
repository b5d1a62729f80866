//! Guests that want all the time there is.

use std::hint::black_box;

use cordon_connector_sdk::compose::literal;
use cordon_connector_sdk::failure;
use cordon_connector_sdk::http::{self, HttpRequest};
use cordon_connector_sdk::types::{Failure, FailureCode, Outcome, Task};

use crate::script::Script;
use crate::{done, unknown};

pub(crate) fn run(attack: &str, script: &Script, task: &Task) -> Result<Outcome, Failure> {
    match attack {
        "loop" => spin(),
        "recursion" => Err(failure(FailureCode::Internal, recurse(1).to_string())),
        "host-calls" => {
            let answers = (0..1_000_000_000_u32).filter(|_| black_box(http::not_sent()));
            Err(failure(FailureCode::Internal, answers.count().to_string()))
        }
        "denied-egress" => loop {
            // Whatever comes of it.
            let _ = http::send(&HttpRequest::new(
                "elsewhere",
                "GET",
                literal(script.text("elsewhere")),
            ));
        },
        "regex" => {
            let text = [b'a'; 64];
            if matches(&text) { Err(unknown(attack)) } else { Ok(done(task.action)) }
        }
        _ => Err(unknown(attack)),
    }
}

fn spin() -> ! {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

#[expect(unconditional_recursion, reason = "what it does is to break the stack")]
fn recurse(depth: u64) -> u64 {
    black_box([depth; 64]);
    1 + recurse(black_box(depth + 1))
}

/// `^(a+)+b$` by trying every way to divide the text, as a naive engine does.
fn matches(text: &[u8]) -> bool {
    let letters = text.iter().take_while(|letter| **letter == b'a').count();
    (1..=letters).rev().any(|taken| {
        let rest = black_box(text.get(taken..).unwrap_or_default());
        rest == b"b" || matches(rest)
    })
}
