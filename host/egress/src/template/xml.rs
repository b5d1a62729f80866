//! Places in XML: text and quoted attribute values.
//!
//! Deliberately no XML parser: it follows markup closely enough to know where text and attribute
//! values are, and refuses what would change how the rest is read (a DOCTYPE, a declared encoding
//! other than UTF-8). Whether elements match is the author's.

use super::{Placed, Reader, Slot};
use crate::target::Fault;

/// Reads an XML template.
pub(super) struct XmlReader {
    /// Whether the body holds placeholders. Without any it is sent as it is, DOCTYPE apart.
    filled: bool,
    at: At,
    /// The markup since `<`, as far as it decides what it is.
    markup: String,
    /// Inside `&…;`.
    entity: bool,
    /// What is wrong with the character that is being read.
    found: Option<Fault>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Text,
    /// After `<`, before it is known what it opens.
    Open,
    Tag,
    Attribute(char),
    Comment,
    Cdata,
    Instruction,
}

impl XmlReader {
    /// Reads a body with or without placeholders.
    pub(super) fn new(filled: bool) -> Self {
        Self { filled, at: At::Text, markup: String::new(), entity: false, found: None }
    }

    fn fault(&mut self, fault: Fault) {
        // Where nothing is filled in, only what makes a parser reach out matters.
        if self.filled || fault == DOCTYPE {
            self.found.get_or_insert(fault);
        }
    }

    fn text(&mut self, c: char) -> At {
        match c {
            '<' => {
                self.markup.clear();
                self.partial_entity();
                return At::Open;
            }
            '>' if self.filled => self.fault(SHAPE),
            c => self.entity(c),
        }
        At::Text
    }

    fn open(&mut self, c: char) -> At {
        self.markup.push(c);
        match self.markup.as_str() {
            "!" | "!-" | "![" | "![C" | "![CD" | "![CDA" | "![CDAT" | "![CDATA" => At::Open,
            "!--" => self.enter(At::Comment),
            "![CDATA[" => self.enter(At::Cdata),
            "?" => self.enter(At::Instruction),
            markup if markup.starts_with('!') => {
                self.fault(DOCTYPE);
                self.enter(At::Tag)
            }
            ">" | "<" | "\"" | "'" => {
                self.fault(SHAPE);
                At::Text
            }
            _ => self.enter(At::Tag),
        }
    }

    fn enter(&mut self, at: At) -> At {
        self.markup.clear();
        at
    }

    /// Reads up to an end mark.
    fn until(&mut self, c: char, end: &str, at: At) -> At {
        self.markup.push(c);
        if !self.markup.ends_with(end) {
            return at;
        }
        if at == At::Instruction && !declares_utf8(&self.markup) {
            self.fault(("body_charset", "a body with placeholders is UTF-8"));
        }
        At::Text
    }

    fn entity(&mut self, c: char) {
        match c {
            '&' => self.entity = true,
            ';' => self.entity = false,
            c if self.entity
                && !(c.is_ascii_alphanumeric() || matches!(c, '#' | '_' | '-' | '.' | ':')) =>
            {
                self.partial_entity();
            }
            _ => {}
        }
    }

    /// A lone `&` would swallow what follows.
    fn partial_entity(&mut self) {
        if self.entity && self.filled {
            self.fault(SHAPE);
        }
        self.entity = false;
    }
}

const DOCTYPE: Fault = ("xml_doctype", "a DOCTYPE, and any other declaration, is refused");
const SHAPE: Fault =
    ("body_not_xml", "the body is not well-formed XML; write &lt; &gt; &amp; for < > &");

/// An XML declaration may name UTF-8 or nothing.
fn declares_utf8(instruction: &str) -> bool {
    let text = instruction.to_ascii_lowercase();
    match text.strip_prefix("xml").and_then(|text| text.split_once("encoding")) {
        Some((_, rest)) => {
            let rest = rest.trim_start().trim_start_matches('=').trim_start();
            ["\"utf-8\"", "'utf-8'"].iter().any(|name| rest.starts_with(name))
        }
        None => true,
    }
}

impl Reader for XmlReader {
    fn literal(&mut self, c: char) -> Result<(), Fault> {
        self.at = match self.at {
            At::Text => self.text(c),
            At::Open => self.open(c),
            At::Tag => match c {
                '>' => At::Text,
                '"' | '\'' => At::Attribute(c),
                '<' => {
                    self.fault(SHAPE);
                    At::Tag
                }
                _ => At::Tag,
            },
            At::Attribute(quote) if c == quote => {
                self.partial_entity();
                At::Tag
            }
            At::Attribute(quote) => {
                if c == '<' {
                    self.fault(SHAPE);
                }
                self.entity(c);
                At::Attribute(quote)
            }
            At::Comment => self.until(c, "-->", At::Comment),
            At::Cdata => self.until(c, "]]>", At::Cdata),
            At::Instruction => self.until(c, "?>", At::Instruction),
        };
        self.found.take().map_or(Ok(()), Err)
    }

    fn value(&mut self) -> Result<Slot, Fault> {
        if self.entity {
            return Err(("partial_escape", "a placeholder must not stand inside an entity"));
        }
        match self.at {
            At::Text => Ok(Slot::XmlText),
            At::Attribute(_) => Ok(Slot::XmlAttribute),
            At::Open | At::Tag => Err((
                "placeholder_in_markup",
                "a placeholder stands in text or in a quoted attribute value, not in a tag",
            )),
            At::Comment | At::Cdata | At::Instruction => Err((
                "placeholder_in_markup",
                "a placeholder must not stand in a comment, CDATA section or instruction",
            )),
        }
    }

    fn finish(mut self) -> Vec<Placed> {
        self.partial_entity();
        if self.at != At::Text {
            self.fault(SHAPE);
        }
        self.found.map(|fault| (fault, None)).into_iter().collect()
    }
}
