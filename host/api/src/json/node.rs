//! A deserializer over a JSON value whose errors say where they are and never repeat a value.
//!
//! `serde_json`'s own errors are texts that quote what was found; a refusal of this API must name
//! the rule, the place and nothing else.

use std::fmt;

use cordon_model::json::pointer_token;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

/// A value to be read.
pub(super) struct Node<'a>(pub(super) &'a Value);

/// Why a value cannot be read.
#[derive(Debug)]
pub(super) struct Reject {
    /// From the inside out.
    path: Vec<String>,
    pub(super) code: &'static str,
    pub(super) detail: String,
}

impl Reject {
    fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { path: Vec::new(), code, detail: detail.into() }
    }

    fn wrong_type(wanted: &str) -> Self {
        Self::new("wrong_type", format!("must be {wanted}"))
    }

    fn under(mut self, token: impl fmt::Display) -> Self {
        self.path.push(token.to_string());
        self
    }

    /// JSON pointer (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        let escaped = |token: &String| format!("/{}", pointer_token(token));
        self.path.iter().rev().map(escaped).collect()
    }

    /// The member of the whole body that it is in.
    pub(super) fn member(&self) -> Option<&str> {
        self.path.last().map(String::as_str)
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer(), self.detail)
    }
}

impl std::error::Error for Reject {}

impl Error for Reject {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new("invalid_value", message.to_string())
    }

    fn invalid_type(_: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::wrong_type(&expected.to_string())
    }

    fn invalid_value(_: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::new("invalid_value", format!("must be {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new("invalid_value", format!("must be one of {}", expected.join(", ")))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        let detail = match expected {
            [] => "unknown field; there are none".to_owned(),
            known => format!("unknown field; there are {}", known.join(", ")),
        };
        Self::new("unknown_field", detail)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("missing_field", "is required").under(field)
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Reject;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, number) => visitor.visit_f64(number.unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(Items { items: items.iter().enumerate() }),
            Value::Object(object) => visitor.visit_map(Members::of(object)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        visitor.visit_bool(self.0.as_bool().ok_or_else(|| Reject::wrong_type("true or false"))?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        let wrong = || Reject::wrong_type("a whole number that is not negative");
        visitor.visit_u64(self.0.as_u64().ok_or_else(wrong)?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        let text = self.0.as_str().ok_or_else(|| Reject::wrong_type("a string"))?;
        visitor.visit_borrowed_str(text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        let items = self.0.as_array().ok_or_else(|| Reject::wrong_type("a list"))?;
        visitor.visit_seq(Items { items: items.iter().enumerate() })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reject> {
        let object = self.0.as_object().ok_or_else(|| Reject::wrong_type("an object"))?;
        visitor.visit_map(Members::of(object))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Reject> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Reject> {
        let text = self.0.as_str().ok_or_else(|| Reject::wrong_type("a string"))?;
        visitor.visit_enum(StrDeserializer::<Reject>::new(text))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Reject> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct identifier ignored_any
    }
}

/// The items of a list.
struct Items<'a> {
    items: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Reject;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Reject> {
        let Some((index, item)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Node(item)).map(Some).map_err(|reject| reject.under(index))
    }
}

/// The members of an object.
struct Members<'a> {
    members: serde_json::map::Iter<'a>,
    at: Option<(&'a String, &'a Value)>,
}

impl<'a> Members<'a> {
    fn of(object: &'a Map<String, Value>) -> Self {
        Self { members: object.iter(), at: None }
    }
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Reject;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Reject> {
        self.at = self.members.next();
        let Some((name, _)) = self.at else { return Ok(None) };
        let key: StrDeserializer<'_, Reject> = name.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|reject| reject.under(name))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Reject> {
        let (name, value) = self.at.ok_or_else(|| Reject::wrong_type("an object"))?;
        seed.deserialize(Node(value)).map_err(|reject| reject.under(name))
    }
}
