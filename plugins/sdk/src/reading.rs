//! Reading JSON that a person wrote: every problem is collected, each with its JSON pointer, and
//! no value is repeated in a message.
//!
//! `serde` stops at the first problem; a person wants them all at once. A [`Node`] is a value and
//! the place where it stands; an [`Object`] hands out its fields. What a field means is left to
//! the connector, which calls this from `validate` and, to read the same configuration again,
//! from `run`.

mod scalars;

use serde_json::{Map, Value};

use crate::types::{Problem, Severity};

/// Below this similarity a field is not offered as the one that was meant.
const SIMILARITY_MIN: f64 = 0.7;

/// Problems as they are found.
///
/// ```
/// use cordon_connector_sdk::reading::Problems;
///
/// let mut problems = Problems::default();
/// problems.error("missing_field", "/config/origin", "Say where the API is.");
/// assert_eq!(problems.errors(), 1);
/// ```
#[derive(Debug, Default)]
pub struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    /// Adds an error.
    ///
    /// ```
    /// # let mut problems = cordon_connector_sdk::reading::Problems::default();
    /// problems.error("invalid_value", "/config/region", "The regions are eu and us.");
    /// ```
    pub fn error(&mut self, code: &str, pointer: &str, message: impl Into<String>) {
        self.add(Severity::Error, code, pointer, None, message.into());
    }

    /// Adds an error at a column of the text that stands at the pointer.
    ///
    /// ```
    /// # let mut problems = cordon_connector_sdk::reading::Problems::default();
    /// problems.error_at("invalid_template", "/config/path", 7, "This brace is never closed.");
    /// ```
    pub fn error_at(&mut self, code: &str, pointer: &str, column: u32, message: impl Into<String>) {
        self.add(Severity::Error, code, pointer, Some(column), message.into());
    }

    /// Adds a warning.
    ///
    /// ```
    /// # let mut problems = cordon_connector_sdk::reading::Problems::default();
    /// problems.warning("unused_field", "/config/limit", "Nothing is listed in pages here.");
    /// assert_eq!(problems.errors(), 0);
    /// ```
    pub fn warning(&mut self, code: &str, pointer: &str, message: impl Into<String>) {
        self.add(Severity::Warning, code, pointer, None, message.into());
    }

    /// How many errors there are so far. Ask before and after reading something to learn whether
    /// it is sound.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// fn is_sound(node: &Node<'_>, problems: &mut Problems) -> bool {
    ///     let before = problems.errors();
    ///     node.text(problems);
    ///     problems.errors() == before
    /// }
    /// ```
    pub fn errors(&self) -> usize {
        self.found.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// The first error.
    ///
    /// ```
    /// # use cordon_connector_sdk::{failure, reading::Problems, types::{Failure, FailureCode}};
    /// fn sound(problems: &Problems) -> Result<(), Failure> {
    ///     match problems.first_error() {
    ///         Some(first) => Err(failure(FailureCode::InvalidConfig, first.message.as_str())),
    ///         None => Ok(()),
    ///     }
    /// }
    /// ```
    pub fn first_error(&self) -> Option<&Problem> {
        self.found.iter().find(|problem| problem.severity == Severity::Error)
    }

    /// All of them, in the order in which they were found.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::Problems;
    /// assert!(Problems::default().into_vec().is_empty());
    /// ```
    pub fn into_vec(self) -> Vec<Problem> {
        self.found
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &str,
        pointer: &str,
        column: Option<u32>,
        message: String,
    ) {
        let (code, pointer) = (code.to_owned(), pointer.to_owned());
        self.found.push(Problem { severity, code, pointer, column, message });
    }
}

/// Parses a document; a document that is no JSON is one problem at `""`.
///
/// ```
/// use cordon_connector_sdk::reading::{Problems, parse};
///
/// let mut problems = Problems::default();
/// assert!(parse("{]", &mut problems).is_none());
/// assert_eq!(problems.into_vec()[0].code, "invalid_json");
/// ```
pub fn parse(text: &str, problems: &mut Problems) -> Option<Value> {
    match serde_json::from_str(text) {
        Ok(value) => Some(value),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let message = format!("This is not JSON: see line {line}, column {column}.");
            problems.error("invalid_json", "", message);
            None
        }
    }
}

/// A value and where it stands.
///
/// ```
/// use cordon_connector_sdk::reading::{Node, Problems, parse};
///
/// let mut problems = Problems::default();
/// let document = parse(r#"{"config": {"origin": 7}}"#, &mut problems).unwrap();
/// let root = Node::root(&document).object(&mut problems).unwrap();
/// let config = root.required("config", &mut problems).unwrap().object(&mut problems).unwrap();
/// let origin = config.required("origin", &mut problems).unwrap();
/// assert_eq!(origin.text(&mut problems), None);
/// assert_eq!(problems.into_vec()[0].pointer, "/config/origin");
/// ```
#[derive(Debug, Clone)]
pub struct Node<'a> {
    value: &'a Value,
    pointer: String,
}

impl<'a> Node<'a> {
    /// A whole document.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!(7);
    /// # let node = Node::root(&document);
    /// let node = Node::root(&document);
    /// ```
    pub fn root(value: &'a Value) -> Self {
        Self { value, pointer: String::new() }
    }

    /// Its JSON pointer.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!(7);
    /// # let node = Node::root(&document);
    /// assert_eq!(node.pointer(), "");
    /// ```
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The value itself, for what no method here reads.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!(7);
    /// # let node = Node::root(&document);
    /// assert_eq!(node.value(), 7);
    /// ```
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// An object.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!({});
    /// # let node = Node::root(&document);
    /// assert!(node.object(&mut problems).is_some());
    /// ```
    pub fn object(&self, problems: &mut Problems) -> Option<Object<'a>> {
        match self.value {
            Value::Object(fields) => Some(Object { fields, pointer: self.pointer.clone() }),
            _ => self.wrong_type("an object", problems),
        }
    }

    /// The items of an array.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!([1, 2]);
    /// # let node = Node::root(&document);
    /// assert_eq!(node.items(&mut problems).unwrap()[1].pointer(), "/1");
    /// ```
    pub fn items(&self, problems: &mut Problems) -> Option<Vec<Self>> {
        let Value::Array(items) = self.value else {
            return self.wrong_type("an array", problems);
        };
        let item = |(index, value)| Self { value, pointer: format!("{}/{index}", self.pointer) };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// A string.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!("eu");
    /// # let node = Node::root(&document);
    /// assert_eq!(node.text(&mut problems), Some("eu"));
    /// ```
    pub fn text(&self, problems: &mut Problems) -> Option<&'a str> {
        match self.value {
            Value::String(text) => Some(text),
            _ => self.wrong_type("a string", problems),
        }
    }

    /// `true` or `false`.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!(true);
    /// # let node = Node::root(&document);
    /// assert_eq!(node.boolean(&mut problems), Some(true));
    /// ```
    pub fn boolean(&self, problems: &mut Problems) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(*value),
            _ => self.wrong_type("true or false", problems),
        }
    }

    /// Reports that something else is expected here.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!(7);
    /// # let node = Node::root(&document);
    /// assert_eq!(node.wrong_type::<f64>("a fraction", &mut problems), None);
    /// ```
    pub fn wrong_type<T>(&self, expected: &str, problems: &mut Problems) -> Option<T> {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        let message = format!("This must be {expected}, and is {found}.");
        problems.error("wrong_type", &self.pointer, message);
        None
    }
}

/// An object and where it stands.
///
/// ```
/// use cordon_connector_sdk::reading::{Node, Problems};
///
/// let mut problems = Problems::default();
/// let document = serde_json::json!({"orign": "https://api.acme.example"});
/// let object = Node::root(&document).object(&mut problems).unwrap();
/// object.only(&["origin"], &mut problems);
/// let found = problems.into_vec();
/// assert_eq!(found[0].message, "This field is not known; did you mean \"origin\"?");
/// ```
#[derive(Debug, Clone)]
pub struct Object<'a> {
    fields: &'a Map<String, Value>,
    pointer: String,
}

impl<'a> Object<'a> {
    /// Its JSON pointer.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!({"region": "eu"});
    /// # let object = Node::root(&document).object(&mut problems).unwrap();
    /// assert_eq!(object.pointer(), "");
    /// ```
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The JSON pointer of a field, whether it is there or not.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!({"region": "eu"});
    /// # let object = Node::root(&document).object(&mut problems).unwrap();
    /// assert_eq!(object.pointer_to("a/b"), "/a~1b");
    /// ```
    pub fn pointer_to(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"))
    }

    /// A field, if it is there.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!({"region": "eu"});
    /// # let object = Node::root(&document).object(&mut problems).unwrap();
    /// assert!(object.field("region").is_some());
    /// ```
    pub fn field(&self, name: &str) -> Option<Node<'a>> {
        let value = self.fields.get(name)?;
        Some(Node { value, pointer: self.pointer_to(name) })
    }

    /// A field that must be there.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!({"region": "eu"});
    /// # let object = Node::root(&document).object(&mut problems).unwrap();
    /// assert!(object.required("origin", &mut problems).is_none());
    /// assert_eq!(problems.into_vec()[0].code, "missing_field");
    /// ```
    pub fn required(&self, name: &str, problems: &mut Problems) -> Option<Node<'a>> {
        let field = self.field(name);
        if field.is_none() {
            let message = format!("The field \"{name}\" is required.");
            problems.error("missing_field", &self.pointer_to(name), message);
        }
        field
    }

    /// Every field with its name, in order.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!({"region": "eu"});
    /// # let object = Node::root(&document).object(&mut problems).unwrap();
    /// assert_eq!(object.fields().map(|(name, _)| name).collect::<Vec<_>>(), ["region"]);
    /// ```
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        self.fields
            .iter()
            .map(|(name, value)| (name.as_str(), Node { value, pointer: self.pointer_to(name) }))
    }

    /// Reports every field that is not known, and names the known one that is nearest.
    ///
    /// ```
    /// # use cordon_connector_sdk::reading::{Node, Problems};
    /// # let mut problems = Problems::default();
    /// # let document = serde_json::json!({"region": "eu"});
    /// # let object = Node::root(&document).object(&mut problems).unwrap();
    /// object.only(&["region"], &mut problems);
    /// assert_eq!(problems.errors(), 0);
    /// ```
    pub fn only(&self, known: &[&str], problems: &mut Problems) {
        for (name, node) in self.fields().filter(|(name, _)| !known.contains(name)) {
            problems.error("unknown_field", node.pointer(), unknown_field(name, known));
        }
    }
}

fn unknown_field(name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(meant) => format!("This field is not known; did you mean \"{meant}\"?"),
        None => format!("This field is not known; known here: {}.", known.join(", ")),
    }
}

/// The known word that is most like this one, unless none is much like it.
///
/// ```
/// # use cordon_connector_sdk::reading::nearest;
/// assert_eq!(nearest("Orign", &["origin", "region"]), Some("origin"));
/// ```
pub fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let name = name.to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&name, &known.to_lowercase());
    known
        .iter()
        .map(|known| (*known, likeness(known)))
        .filter(|(_, likeness)| *likeness >= SIMILARITY_MIN)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(known, _)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_field_names_the_nearest_known_one() {
        let value = serde_json::json!({"a/b": {"Verify-SSL": true, "zzz": 1, "url": ""}});
        let mut problems = Problems::default();
        let object = Node::root(&value).object(&mut problems).unwrap();
        let inner = object.field("a/b").unwrap().object(&mut problems).unwrap();
        inner.only(&["url", "verb", "verify_ssl"], &mut problems);
        let found = problems.into_vec();
        assert_eq!(found[0].pointer, "/a~1b/Verify-SSL");
        assert_eq!(found[0].message, "This field is not known; did you mean \"verify_ssl\"?");
        assert_eq!(found[1].message, "This field is not known; known here: url, verb, verify_ssl.");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_wrong_type_names_both_types_and_no_value() {
        let value = serde_json::json!({"url": ["p@x.com"]});
        let mut problems = Problems::default();
        let object = Node::root(&value).object(&mut problems).unwrap();
        assert_eq!(object.field("url").unwrap().text(&mut problems), None);
        assert!(object.required("verb", &mut problems).is_none());
        assert_eq!(problems.errors(), 2);
        let found = problems.into_vec();
        assert_eq!(found[0].message, "This must be a string, and is an array.");
        assert_eq!((found[1].code.as_str(), found[1].pointer.as_str()), ("missing_field", "/verb"));
    }

    #[test]
    fn a_document_that_is_no_json_is_one_problem() {
        let mut problems = Problems::default();
        assert_eq!(parse("{\"a\": p@x.com}", &mut problems), None);
        let found = problems.into_vec();
        assert_eq!(found[0].message, "This is not JSON: see line 1, column 7.");
    }
}
