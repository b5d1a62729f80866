//! Scalars that many configurations hold: an origin, a whole number.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::{Node, Problems};

/// What never stands between the scheme of an origin and its end.
const NOT_IN_ORIGIN: [char; 8] = ['/', '\\', '?', '#', '@', '{', '}', '%'];

impl<'a> Node<'a> {
    /// An origin: `http://` or `https://` and a host, with a port or without. Whether the host may
    /// be called is the operator's matter.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// let mut problems = Problems::default();
    /// let document = serde_json::json!("https://api.acme.example/v1");
    /// assert_eq!(Node::root(&document).origin(&mut problems), None);
    /// assert_eq!(problems.into_vec()[0].code, "invalid_value");
    /// ```
    pub fn origin(&self, problems: &mut Problems) -> Option<&'a str> {
        let text = self.text(problems)?;
        let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let stands_in_none = |c: char| NOT_IN_ORIGIN.contains(&c) || !c.is_ascii_graphic();
        if authority.is_some_and(|it| !it.is_empty() && !it.contains(stands_in_none)) {
            return Some(text);
        }
        let message = "This must be https:// and a host, such as https://api.acme.example, with a \
                       port or without, and nothing behind it.";
        problems.error("invalid_value", self.pointer(), message);
        None
    }

    /// A whole number within a range.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// let mut problems = Problems::default();
    /// let document = serde_json::json!(50);
    /// assert_eq!(Node::root(&document).whole_number(1..=100, &mut problems), Some(50));
    /// ```
    pub fn whole_number(&self, range: RangeInclusive<u64>, problems: &mut Problems) -> Option<u64> {
        let Value::Number(number) = self.value() else {
            return self.wrong_type("a whole number", problems);
        };
        let number = number.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            let (start, end) = range.into_inner();
            let message = format!("This must be a whole number from {start} to {end}.");
            problems.error("invalid_value", self.pointer(), message);
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code<T>(value: Value, read: impl Fn(&Node<'_>, &mut Problems) -> Option<T>) -> String {
        let mut problems = Problems::default();
        assert!(read(&Node::root(&value), &mut problems).is_none(), "{value}");
        problems.into_vec().remove(0).code
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host_and_nothing_else() {
        for good in ["https://a.example", "http://127.0.0.1:8080", "https://[::1]:8443"] {
            let value = json!(good);
            assert_eq!(Node::root(&value).origin(&mut Problems::default()), Some(good));
        }
        for bad in [
            "",
            "a.example",
            "ftp://a.example",
            "https://",
            "https://a.example/",
            "https://a.example/v1",
            "https://a.example?x",
            "https://a.example#x",
            "https://p@a.example",
            "https://{a}.example",
            "https://a b",
            "https://a.example\n",
        ] {
            let found = code(json!(bad), |node, problems| node.origin(problems).map(str::len));
            assert_eq!(found, "invalid_value", "{bad}");
        }
        assert_eq!(code(json!(7), |n, p| n.origin(p).map(str::len)), "wrong_type");
    }

    #[test]
    fn a_whole_number_is_no_fraction_and_within_its_range() {
        for bad in [json!(0), json!(101), json!(-1), json!(1.5), json!(1e30)] {
            assert_eq!(code(bad, |n, p| n.whole_number(1..=100, p)), "invalid_value");
        }
        assert_eq!(code(json!("50"), |n, p| n.whole_number(1..=100, p)), "wrong_type");
    }
}
