//! The operator's log: what a guest may say there, and what it may not make of it.

use serde_json::{Value, json};

use super::harness::{Attack, attack};
use super::mallory::{Mallory, PERSON};

/// Lines that one call may log.
const LINES_MAX: usize = 100;

pub(crate) const ATTACKS: [Attack; 3] = [
    attack!("logs/flood", |world| {
        let mallory = world.mallory().await;
        let ended = mallory.attack("logs/flood").await;
        let said = said(&mallory, "flood");
        assert_eq!(said.len(), LINES_MAX, "no more than a call may");
        ended.fails("limit_reached", "the run logs without end")
    }),
    attack!("logs/forge", |world| {
        let mallory = world.mallory().await;
        let mut connection = mallory.connection("logs/forge");
        // A line of its own, colors, a carriage return, and what turns the text around.
        connection["config"]["line"] = json!(
            "forged\r\n{\"level\":\"INFO\",\"message\":\"all is well\"}\n\u{1b}[2J\u{1b}[31mred\u{7}\
             \u{202e}txt.exe\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\u{2028}\u{2029}\u{85}\u{feff}end"
        );
        mallory.connect(&connection).await;
        let ended = mallory.request("access").await;
        let said = said(&mallory, "forged");
        assert_eq!(
            said,
            ["forged{\"level\":\"INFO\",\"message\":\"all is well\"}[2J[31mredtxt.exeend"]
        );
        let logged = world.process().logged();
        assert!(logged.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        ended.completes("defused")
    }),
    attack!("logs/personal", |world| {
        let mallory = world.mallory().await;
        let config = json!({ "origin": world.upstream().url(""), "attack": "logs/personal" });
        mallory.connect(&mallory.connection_of("hostile_reader", &config)).await;
        let ended = mallory.request("access").await;
        let logged = world.process().logged();
        assert!(!logged.iter().any(|line| line.contains(PERSON)), "an identity in the log");
        ended.completes("unsaid")
    }),
];

/// What the connectors of this tenant said that begins like this, as it stands in the log.
fn said(mallory: &Mallory<'_>, beginning: &str) -> Vec<String> {
    let logged = mallory.world().process().logged();
    let lines = logged.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let said = lines.filter(|line| {
        line["message"] == "a connector says" && line["tenant.id"] == mallory.name()
    });
    let texts = said.filter_map(|line| line["line"].as_str().map(str::to_owned));
    texts.filter(|text| text.starts_with(beginning)).collect()
}
