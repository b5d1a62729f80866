//! Texts out of a template: [`text!`](crate::text!), and what may stand in one.
//!
//! The template is looked at when the connector is compiled; nothing here looks at a value or
//! escapes anything, which is the host's.

use crate::handles::{Identity, Piece, Text, ValueId};

/// A scalar of a response, held by the host: a cursor, the id of a job. It goes back only to the
/// origin that it came from.
///
/// ```
/// use cordon_connector_sdk::text;
/// use cordon_connector_sdk::text::Value;
///
/// let cursor = Value::from(7);
/// let url = text!("https://api.acme.example/people?cursor={}", cursor);
/// assert_eq!(url.len(), 2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value(ValueId);

impl Value {
    /// Its number.
    ///
    /// ```
    /// # use cordon_connector_sdk::text::Value;
    /// assert_eq!(Value::from(7).id(), 7);
    /// ```
    pub const fn id(self) -> ValueId {
        self.0
    }
}

impl From<ValueId> for Value {
    fn from(id: ValueId) -> Self {
        Self(id)
    }
}

/// A key of the connection's credentials, as a piece.
///
/// ```
/// use cordon_connector_sdk::text;
/// use cordon_connector_sdk::text::secret;
///
/// let header = text!("Bearer {}", secret("api_key"));
/// # assert_eq!(header.len(), 2);
/// ```
pub fn secret(name: impl Into<String>) -> Piece {
    Piece::Secret(name.into())
}

/// The identity of a kind that the request is bound to, as a piece. This is what a plan holds in
/// place of an identity; the name of a credential may stand here too.
///
/// ```
/// use cordon_connector_sdk::text;
/// use cordon_connector_sdk::text::placeholder;
///
/// let url = text!("https://api.acme.example/people?email={}", placeholder("email"));
/// # assert_eq!(url.len(), 2);
/// ```
pub fn placeholder(name: impl Into<String>) -> Piece {
    Piece::Placeholder(name.into())
}

/// What may stand for a `{}` of [`text!`](crate::text!).
///
/// Strings and numbers are literals: they come from the connector or its configuration, and stand
/// as they are. A `u32` is refused, because it might be the number of a value: write
/// `Value::from(id)` for the value, `n.to_string()` for the number itself.
///
/// ```
/// use cordon_connector_sdk::handles::{Piece, Text};
/// use cordon_connector_sdk::text;
/// use cordon_connector_sdk::text::IntoText;
///
/// struct Page(u8);
///
/// impl IntoText for Page {
///     fn add_to(self, text: &mut Text) {
///         format!("page={}", self.0).add_to(text);
///     }
/// }
///
/// let url = text!("https://api.acme.example/people?{}", Page(2));
/// assert_eq!(url, [Piece::Literal("https://api.acme.example/people?page=2".to_owned())]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in a `text!`",
    note = "a scalar of a response is written `Value::from(id)`, another number `n.to_string()`"
)]
pub trait IntoText {
    /// Adds it to the end of a text.
    fn add_to(self, text: &mut Text);
}

impl IntoText for Piece {
    fn add_to(self, text: &mut Text) {
        match (self, text.last_mut()) {
            (Self::Literal(more), _) if more.is_empty() => {}
            (Self::Literal(more), Some(Self::Literal(last))) => last.push_str(&more),
            (piece, _) => text.push(piece),
        }
    }
}

impl IntoText for Text {
    fn add_to(self, text: &mut Text) {
        self.into_iter().for_each(|piece| piece.add_to(text));
    }
}

impl<T: IntoText + Clone> IntoText for &T {
    fn add_to(self, text: &mut Text) {
        self.clone().add_to(text);
    }
}

impl IntoText for &str {
    fn add_to(self, text: &mut Text) {
        Piece::Literal(self.to_owned()).add_to(text);
    }
}

impl IntoText for String {
    fn add_to(self, text: &mut Text) {
        Piece::Literal(self).add_to(text);
    }
}

impl IntoText for Identity {
    fn add_to(self, text: &mut Text) {
        Piece::Value(self.id).add_to(text);
    }
}

impl IntoText for Value {
    fn add_to(self, text: &mut Text) {
        Piece::Value(self.0).add_to(text);
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl IntoText for $number {
            fn add_to(self, text: &mut Text) {
                Piece::Literal(self.to_string()).add_to(text);
            }
        }
    )*};
}

numbers!(u8 u16 u64 usize i64);

/// A text out of a template and one value for each `{}` in it, in order.
///
/// A value is anything that is [`IntoText`](crate::text::IntoText): an
/// [`Identity`](crate::handles::Identity), a [`Value`](crate::text::Value),
/// [`secret`](crate::text::secret), [`placeholder`](crate::text::placeholder), another text, a
/// string of the connector's own. `{{` and `}}` stand for braces. The braces and the number of
/// values are checked when the connector is compiled.
///
/// ```
/// use cordon_connector_sdk::handles::Piece;
/// use cordon_connector_sdk::text;
/// use cordon_connector_sdk::text::{placeholder, secret};
///
/// let origin = "https://api.acme.example";
/// let url = text!("{}/people?email={}", origin, placeholder("email"));
/// assert_eq!(url, [
///     Piece::Literal("https://api.acme.example/people?email=".to_owned()),
///     Piece::Placeholder("email".to_owned()),
/// ]);
/// let body = text!(r#"{{"key": "{}"}}"#, secret("api_key"));
/// assert_eq!(body[2], Piece::Literal("\"}".to_owned()));
/// ```
///
/// ```compile_fail
/// cordon_connector_sdk::text!("https://api.acme.example/{}");
/// ```
///
/// ```compile_fail
/// cordon_connector_sdk::text!("https://api.acme.example/", "people");
/// ```
///
/// ```compile_fail
/// cordon_connector_sdk::text!("https://api.acme.example/{email}");
/// ```
#[macro_export]
macro_rules! text {
    ($template:literal $(, $value:expr)* $(,)?) => {{
        const _: () = $crate::text::check($template, &[$(::core::stringify!($value)),*]);
        $crate::text::Filling::new($template)$(.with($value))*.end()
    }};
}

/// Part of [`text!`](crate::text!): stops the compiler over a template that does not fit.
#[doc(hidden)]
pub const fn check(template: &str, values: &[&str]) {
    let mut rest = template.as_bytes();
    let mut holes = 0;
    let mut lone = false;
    while !rest.is_empty() && !lone {
        rest = match rest {
            [b'{', b'}', after @ ..] => {
                holes += 1;
                after
            }
            [b'{', b'{', after @ ..] | [b'}', b'}', after @ ..] => after,
            [brace, after @ ..] => {
                lone = matches!(*brace, b'{' | b'}');
                after
            }
            [] => rest,
        };
    }
    assert!(!lone, "text!: a brace stands alone; write {{}} for a value, {{{{ or }}}} for a brace");
    assert!(holes <= values.len(), "text!: there are more {{}} than values");
    assert!(holes >= values.len(), "text!: there are more values than {{}}");
}

/// Part of [`text!`](crate::text!): a text that is being put together.
#[doc(hidden)]
#[derive(Debug)]
pub struct Filling {
    template: &'static str,
    text: Text,
}

impl Filling {
    /// Begins with what stands before the first `{}`.
    pub fn new(template: &'static str) -> Self {
        let mut filling = Self { template, text: Text::new() };
        filling.go_on();
        filling
    }

    /// Puts a value in the place of the next `{}`.
    #[must_use]
    pub fn with(mut self, value: impl IntoText) -> Self {
        value.add_to(&mut self.text);
        self.go_on();
        self
    }

    /// The text.
    pub fn end(self) -> Text {
        self.text
    }

    /// Takes literals, up to and with the next `{}`.
    fn go_on(&mut self) {
        while let Some((before, from)) =
            self.template.find(['{', '}']).and_then(|at| self.template.split_at_checked(at))
        {
            before.add_to(&mut self.text);
            if let Some(after) = from.strip_prefix("{}") {
                self.template = after;
                return;
            }
            let (brace, after) = from.split_at_checked(1).unwrap_or((from, ""));
            brace.add_to(&mut self.text);
            self.template = after.strip_prefix(brace).unwrap_or(after);
        }
        std::mem::take(&mut self.template).add_to(&mut self.text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    #[test]
    fn a_text_is_made_of_literals_and_pieces_in_order() {
        let ada = Identity { id: 3, kind: "email".to_owned(), fresh: true };
        assert_eq!(
            text!("{}/a?e={}&c={}&n={}{}", "http://h", &ada, Value::from(9), 20_u64, secret("k")),
            [
                literal("http://h/a?e="),
                Piece::Value(3),
                literal("&c="),
                Piece::Value(9),
                literal("&n=20"),
                Piece::Secret("k".to_owned()),
            ]
        );
        assert_eq!(text!(""), []);
        assert_eq!(text!("{}", ""), []);
        assert_eq!(text!("{}", text!("a{}", "b"),), [literal("ab")]);
    }

    #[test]
    fn doubled_braces_are_braces() {
        assert_eq!(
            text!("{{{}}}{{}}", placeholder("email")),
            [literal("{"), Piece::Placeholder("email".to_owned()), literal("}{}")]
        );
    }

    proptest! {
        /// A string is never read as a template.
        #[test]
        fn what_stands_for_a_value_stays_as_it_is(given in ".*") {
            prop_assert_eq!(text!("<{}>", given.as_str()), [literal(&format!("<{given}>"))]);
        }
    }
}
