//! The values of a cassette and the names that stand for them: `{email}` for the first email,
//! `{email 2}` for the second, `{api_key}` for a secret.

use cordon_egress::appearances;
use serde_json::Value;

/// Shorter values are no value of their own inside another text.
const WITHIN_BYTES_MIN: usize = 3;
/// Shorter encoded forms would be found by chance.
const ENCODED_BYTES_MIN: usize = 5;

/// Values by name, the longest first.
#[derive(Clone, Default)]
pub(super) struct Names {
    values: Vec<(String, String)>,
}

impl Names {
    /// Of identities, by kind in their order, and of secrets.
    pub(super) fn new<'a>(
        identities: impl IntoIterator<Item = (&'a str, &'a [String])>,
        secrets: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut values = Vec::new();
        for (kind, of_kind) in identities {
            for (n, value) in of_kind.iter().enumerate() {
                let name = if n == 0 { kind.to_owned() } else { format!("{kind} {}", n + 1) };
                values.push((name, value.clone()));
            }
        }
        values.extend(secrets.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        Self { values }
    }

    /// Names and values.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The name of a whole text.
    pub(super) fn name_of(&self, text: &str) -> Option<String> {
        let same = self.values.iter().find(|(_, value)| value == text);
        same.map(|(name, _)| format!("{{{name}}}"))
    }

    /// The text with names in place of values, however they are encoded in it.
    pub(super) fn conceal(&self, text: &str) -> String {
        if let Some(name) = self.name_of(text) {
            return name;
        }
        let mut text = text.to_owned();
        for (name, value) in self.values().filter(|(_, value)| value.len() >= WITHIN_BYTES_MIN) {
            for form in appearances(value).iter().filter_map(|form| std::str::from_utf8(form).ok())
            {
                let certain = form == value || form.len() >= ENCODED_BYTES_MIN;
                if certain && text.contains(form) {
                    text = text.replace(form, &format!("{{{name}}}"));
                }
            }
        }
        text
    }

    /// The text with values in place of names.
    pub(super) fn reveal(&self, text: &str) -> String {
        if !text.contains('{') {
            return text.to_owned();
        }
        let replaced =
            |text: String, (name, value): (&str, &str)| text.replace(&format!("{{{name}}}"), value);
        self.values().fold(text.to_owned(), replaced)
    }

    /// [`Self::reveal`] in every string of a document.
    pub(super) fn reveal_in(&self, value: &Value) -> Value {
        each_text(value, &|text| self.reveal(text))
    }

    /// [`Self::conceal`] in every string of a document.
    pub(super) fn conceal_in(&self, value: &Value) -> Value {
        each_text(value, &|text| self.conceal(text))
    }
}

/// The document with every string, keys included, replaced.
fn each_text(value: &Value, replace: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(replace(text)),
        Value::Array(items) => items.iter().map(|item| each_text(item, replace)).collect(),
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(key, value)| (replace(key), each_text(value, replace))).collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let emails = ["ada@x.example".to_owned(), "grace+1@x.example".to_owned()];
        Names::new([("email", emails.as_slice())], [("api_key", "k\"ey/of 1843")])
    }

    #[test]
    fn a_value_is_found_however_it_is_encoded_and_comes_back_as_it_is() {
        for (text, expected) in [
            ("ada@x.example", "{email}"),
            ("/people/grace%2B1%40x.example?x", "/people/{email 2}?x"),
            ("Bearer k\"ey/of 1843", "Bearer {api_key}"),
            (r#"{"key":"k\"ey/of 1843"}"#, r#"{"key":"{api_key}"}"#),
            ("nobody@x.example", "nobody@x.example"),
        ] {
            assert_eq!(names().conceal(text), expected);
        }
        assert_eq!(names().reveal("to {email 2}, {other}"), "to grace+1@x.example, {other}");
    }
}
