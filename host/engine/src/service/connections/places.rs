//! Where a configuration writes a name.
//!
//! A stored query knows which names it holds and in which part of a request, but not the texts. A
//! person wants the text and the column, so the usual parts of a query are searched for `{name}`.
//! What is written in another way is told by its query alone. Called by [`super::names`].

use cordon_model::json::pointer_token;
use cordon_model::plan::Place;
use serde_json::Value;

/// The JSON pointer of the text that holds a name, and its column there (1-based, in characters);
/// of the query, without a column, when no text does.
pub(super) fn find(config: &Value, query: &str, name: &str, place: Place) -> (String, Option<u32>) {
    let pointers = match place {
        Place::Url => vec![format!("{query}/url")],
        Place::Body => vec![format!("{query}/body")],
        Place::Header => {
            let headers = config.pointer(&format!("{query}/headers")).and_then(Value::as_object);
            let pointer = |name: &String| format!("{query}/headers/{}", pointer_token(name));
            headers.into_iter().flat_map(|headers| headers.keys().map(pointer)).collect()
        }
    };
    let found = pointers.into_iter().find_map(|pointer| {
        let column = column(config.pointer(&pointer)?.as_str()?, name)?;
        Some((pointer, Some(column)))
    });
    found.unwrap_or_else(|| (query.to_owned(), None))
}

/// The column of `{name}`; doubled braces are literal ones.
fn column(text: &str, name: &str) -> Option<u32> {
    let (mut rest, mut column) = (text, 1_u32);
    loop {
        let after = rest.strip_prefix('{');
        let named = after.and_then(|after| after.strip_prefix(name));
        if named.is_some_and(|after| after.starts_with('}')) {
            return Some(column);
        }
        let doubled = rest.starts_with("{{") || rest.starts_with("}}");
        for _ in 0..if doubled { 2 } else { 1 } {
            let mut chars = rest.chars();
            chars.next()?;
            (rest, column) = (chars.as_str(), column.saturating_add(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_is_found_in_the_text_that_holds_it() {
        let config = json!({"q": [{
            "url": "https://api.example/ä?a={{token}}&b={token}",
            "headers": {"A/B": "Basic {{{token}}}", "C": "x"},
        }]});
        let find = |place| find(&config, "/q/0", "token", place);
        assert_eq!(find(Place::Url), ("/q/0/url".to_owned(), Some(37)));
        assert_eq!(find(Place::Header), ("/q/0/headers/A~1B".to_owned(), Some(9)));
        assert_eq!(find(Place::Body), ("/q/0".to_owned(), None));
    }

    #[test]
    fn a_name_within_a_longer_one_is_another() {
        assert_eq!(column("{token2}{to}", "token"), None);
        assert_eq!(column("{token2}{token}", "token"), Some(9));
    }
}
