//! How two documents of JSON differ, in lines for a person: what changed with a little around it,
//! each place under its JSON pointer.
//!
//! The order of an object's members and the commas between them are no difference.

use std::ops::Range;
use std::time::{Duration, Instant};

use cordon_model::json::pointer_token;
use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline, group_diff_ops};

/// Equal lines that are shown before and after a change.
const AROUND: usize = 2;
/// How long the shortest difference is looked for; afterwards any is taken.
const SEARCH_MAX: Duration = Duration::from_secs(1);

/// One place where documents differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// JSON pointer of the first line that is not the same.
    pub(super) pointer: String,
    /// The lines: `- ` before what is missing, `+ ` before what is new.
    pub(super) lines: Vec<String>,
}

/// A line of a document as it is laid out here.
struct Line {
    pointer: String,
    text: String,
    /// Whether something follows it in the same list or object.
    comma: bool,
}

/// Every place where two documents differ.
pub(super) fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let [old, new] = [old, new].map(laid_out);
    let [old_texts, new_texts] =
        [&old, &new].map(|lines| lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>());
    let deadline = Instant::now().checked_add(SEARCH_MAX);
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &old_texts, &new_texts, deadline);
    group_diff_ops(ops, AROUND).iter().map(|group| change(group, &old, &new)).collect()
}

fn change(group: &[DiffOp], old: &[Line], new: &[Line]) -> Change {
    let mut change = Change { pointer: String::new(), lines: Vec::new() };
    let mut add = |sign: char, lines: &[Line], range: Range<usize>| {
        for line in lines.get(range).unwrap_or_default() {
            let comma = if line.comma { "," } else { "" };
            change.lines.push(format!("{sign} {}{comma}", line.text));
        }
    };
    let mut first = None;
    for op in group {
        let (gone, come) = (op.old_range(), op.new_range());
        if let DiffOp::Equal { .. } = op {
            add(' ', new, come);
            continue;
        }
        let at = old.get(gone.clone()).and_then(<[Line]>::first);
        let at = at.or_else(|| new.get(come.clone()).and_then(<[Line]>::first));
        first = first.or_else(|| at.map(|line| line.pointer.clone()));
        add('-', old, gone);
        add('+', new, come);
    }
    change.pointer = first.unwrap_or_default();
    change
}

fn laid_out(value: &Value) -> Vec<Line> {
    let mut lines = Vec::new();
    lay_out(value, String::new(), String::new(), 0, &mut lines);
    lines
}

/// `name`: what stands before the value in its first line.
fn lay_out(value: &Value, name: String, pointer: String, depth: usize, lines: &mut Vec<Line>) {
    let indent = "  ".repeat(depth);
    let add = |text: String, lines: &mut Vec<Line>| {
        lines.push(Line {
            pointer: pointer.clone(),
            text: format!("{indent}{text}"),
            comma: false,
        });
    };
    let (open, close, members): (_, _, Vec<(String, String, &Value)>) = match value {
        Value::Array(items) if !items.is_empty() => {
            let member = |(n, item)| (String::new(), format!("{pointer}/{n}"), item);
            ('[', "]", items.iter().enumerate().map(member).collect())
        }
        Value::Object(fields) if !fields.is_empty() => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            let member = |(key, field): (&String, _)| {
                let name = format!("{}: ", Value::from(key.as_str()));
                (name, format!("{pointer}/{}", pointer_token(key)), field)
            };
            ('{', "}", fields.into_iter().map(member).collect())
        }
        scalar => return add(format!("{name}{scalar}"), lines),
    };
    add(format!("{name}{open}"), lines);
    let count = members.len();
    for (n, (name, pointer, member)) in members.into_iter().enumerate() {
        lay_out(member, name, pointer, depth + 1, lines);
        if n + 1 < count
            && let Some(last) = lines.last_mut()
        {
            last.comma = true;
        }
    }
    add(close.to_owned(), lines);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_is_shown_with_its_pointer_and_a_little_around_it() {
        let record = |n: u32, name: &str| json!({ "a/b": [n, n + 1], "id": n, "name": name });
        let old =
            json!({ "outcome": "records", "records": [[record(1, "Ada"), record(2, "Bob")]] });
        let new =
            json!({ "records": [[record(1, "Ada"), record(2, "Eve")]], "outcome": "records" });
        let [change] = changes(&old, &new).try_into().unwrap();
        assert_eq!(change.pointer, "/records/0/1/name");
        let expected = [
            "          ],",
            "          \"id\": 2,",
            "-         \"name\": \"Bob\"",
            "+         \"name\": \"Eve\"",
            "        }",
            "      ]",
        ];
        assert_eq!(change.lines, expected);
    }

    #[test]
    fn places_that_are_far_apart_are_shown_apart() {
        let list = |first: u32, last: u32| json!([first, 2, 3, 4, 5, 6, 7, last]);
        let pointers = changes(&list(1, 8), &list(0, 9)).into_iter().map(|change| change.pointer);
        assert_eq!(pointers.collect::<Vec<_>>(), ["/0", "/7"]);
    }

    #[test]
    fn a_comma_and_the_order_of_members_are_no_difference() {
        let [change] = changes(&json!(["a"]), &json!(["a", "b"])).try_into().unwrap();
        assert_eq!((change.pointer.as_str(), &change.lines[2]), ("/1", &"+   \"b\"".to_owned()));
        assert_eq!(change.lines[1], "    \"a\",");
        assert!(changes(&json!({ "a": 1, "b": 2 }), &json!({ "b": 2, "a": 1 })).is_empty());
    }

    #[test]
    fn everything_can_be_another_thing() {
        for (old, new) in [(json!({}), json!([])), (json!(null), json!({ "a": 1 }))] {
            let [change] = changes(&old, &new).try_into().unwrap();
            assert_eq!(change.pointer, "");
        }
    }
}
