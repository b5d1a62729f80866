//! The values of a record, one by one, each with the way to it.
//!
//! Names nothing and keeps nothing: the CSV file and the page each make their own names out of the
//! steps. Called by `flatten` and `page`.

use cordon_model::json::Json;

/// One step on the way to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// Into an object.
    Key(&'a str),
    /// Into a list; counts from zero.
    Index(usize),
}

/// Shows every scalar and every empty list or object to `visit`, in the order of the record. An
/// empty record has none: without a key there is no name to give to it. An error ends the walk.
pub(crate) fn leaves<'a, E>(
    record: &'a Json,
    mut visit: impl FnMut(&[Step<'a>], &'a Json) -> Result<(), E>,
) -> Result<(), E> {
    match record {
        Json::Object(entries) if entries.is_empty() => Ok(()),
        record => walk(record, &mut Vec::new(), &mut visit),
    }
}

/// The text of a leaf: a string without its quotes, a number as it was written, nothing for
/// `null` and for what is empty.
pub(crate) fn leaf_text(leaf: &Json) -> &str {
    match leaf {
        Json::Bool(true) => "true",
        Json::Bool(false) => "false",
        Json::Number(text) | Json::String(text) => text,
        Json::Null | Json::Array(_) | Json::Object(_) => "",
    }
}

fn walk<'a, E>(
    value: &'a Json,
    path: &mut Vec<Step<'a>>,
    visit: &mut impl FnMut(&[Step<'a>], &'a Json) -> Result<(), E>,
) -> Result<(), E> {
    match value {
        Json::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                path.push(Step::Index(index));
                walk(item, path, visit)?;
                path.pop();
            }
            Ok(())
        }
        Json::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                path.push(Step::Key(key));
                walk(value, path, visit)?;
                path.pop();
            }
            Ok(())
        }
        leaf => visit(path, leaf),
    }
}
