//! One record as rows of name and text (BEHAVIOUR D2).
//!
//! Does not count: the receiver of the rows stops the walk when a limit is reached, which also
//! bounds the names that are remembered here. A short document can have very long names (every
//! row repeats the keys above it), so rows are handed on one by one and never collected.
//! Called by `table`.

use std::collections::HashMap;
use std::fmt::Write as _;

use cordon_model::json::Json;

use crate::Error;
use crate::leaves::{Step, leaf_text, leaves};

/// Hands each row of `record` to `row`: `parent_child` and `list_index` names, scalars as their
/// JSON text (a string without its quotes), an empty text for `null` and for an empty list or
/// object. No two rows have the same name.
pub(crate) fn flatten(
    record: &Json,
    mut row: impl FnMut(&str, &str) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut names = Names::default();
    let mut joined = String::new();
    leaves(record, |path, leaf| {
        join(path, &mut joined);
        let name = names.free(&joined);
        row(&name, leaf_text(leaf))?;
        names.used.insert(name, 1);
        Ok(())
    })
}

fn join(path: &[Step<'_>], joined: &mut String) {
    joined.clear();
    for (depth, step) in path.iter().enumerate() {
        // By depth, not by an empty name: an empty key is a key too.
        if depth > 0 {
            joined.push('_');
        }
        match step {
            Step::Key(key) => joined.push_str(key),
            Step::Index(index) => {
                // Writing to a `String` cannot fail.
                let _ = write!(joined, "{index}");
            }
        }
    }
}

/// Every name that was given away, with the number that its last namesake got.
#[derive(Default)]
struct Names {
    used: HashMap<String, u32>,
}

impl Names {
    /// The name itself, or with the first number behind it that makes it another.
    fn free(&mut self, wanted: &str) -> String {
        let Some(last) = self.used.get(wanted) else {
            return wanted.to_owned();
        };
        let mut number = *last;
        loop {
            number = number.saturating_add(1);
            let name = format!("{wanted}__{number}");
            if !self.used.contains_key(&name) {
                // Remembered, so that many namesakes do not each search from the start.
                self.used.insert(wanted.to_owned(), number);
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cordon_model::json::Shape;

    use super::*;

    fn rows(text: &str) -> Vec<(String, String)> {
        let record = Json::parse(text.as_bytes(), Shape::Object).unwrap();
        let mut rows = Vec::new();
        flatten(&record, |name, text| {
            rows.push((name.to_owned(), text.to_owned()));
            Ok(())
        })
        .unwrap();
        rows
    }

    fn pairs<const N: usize>(rows: [(&str, &str); N]) -> Vec<(String, String)> {
        rows.map(|(a, b)| (a.to_owned(), b.to_owned())).into()
    }

    #[test]
    fn names_are_joined_with_underscores_and_lists_count_from_zero() {
        assert_eq!(
            rows(r#"{"a":{"b":{"c":"x"}},"l":["y",["z"],{"k":1}]}"#),
            pairs([("a_b_c", "x"), ("l_0", "y"), ("l_1_0", "z"), ("l_2_k", "1")])
        );
    }

    #[test]
    fn null_and_empty_containers_are_one_row_with_an_empty_cell() {
        assert_eq!(
            rows(r#"{"n":null,"l":[],"o":{},"s":"","d":{"l":[[]]}}"#),
            pairs([("n", ""), ("l", ""), ("o", ""), ("s", ""), ("d_l_0", "")])
        );
        assert_eq!(rows("{}"), pairs([]));
    }

    #[test]
    fn scalars_keep_their_json_text() {
        assert_eq!(
            rows(r#"{"i":9007199254740993,"d":1.10,"e":1E+400,"z":-0.0,"t":true,"f":false}"#),
            pairs([
                ("i", "9007199254740993"),
                ("d", "1.10"),
                ("e", "1E+400"),
                ("z", "-0.0"),
                ("t", "true"),
                ("f", "false"),
            ])
        );
    }

    #[test]
    fn colliding_keys_keep_every_value() {
        assert_eq!(rows(r#"{"a_b":1,"a":{"b":2}}"#), pairs([("a_b", "1"), ("a_b__2", "2")]));
        assert_eq!(
            rows(r#"{"a_b__2":0,"a_b":1,"a":{"b":2,"b__2":3}}"#),
            pairs([("a_b__2", "0"), ("a_b", "1"), ("a_b__3", "2"), ("a_b__2__2", "3")])
        );
        assert_eq!(
            rows(r#"{"a_b":1,"a":{"b":2},"a_b__2":3,"l_0":4,"l":[5]}"#),
            pairs([
                ("a_b", "1"),
                ("a_b__2", "2"),
                ("a_b__2__2", "3"),
                ("l_0", "4"),
                ("l_0__2", "5")
            ])
        );
    }

    #[test]
    fn an_empty_key_is_a_key() {
        assert_eq!(
            rows(r#"{"":{"":1,"a":2},"_":3}"#),
            pairs([("_", "1"), ("_a", "2"), ("___2", "3")])
        );
    }

    #[test]
    fn the_receiver_can_stop_the_walk() {
        let record = Json::parse(b"{\"l\":[1,2,3]}", Shape::Object).unwrap();
        let mut seen = 0;
        let result = flatten(&record, |_, _| {
            seen += 1;
            Err(Error::TooManyRows(0))
        });
        assert!(matches!(result, Err(Error::TooManyRows(0))));
        assert_eq!(seen, 1);
    }
}
