//! Replaces what is somebody's in a recording: identities and secrets by their names, every
//! string and number of a response by a stand-in.
//!
//! Equal values get equal stand-ins, so that a cursor or an id that an answer gives and the next
//! request sends still fit together. Whatever is missed here is found by [`super::leaks`].

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{bail, ensure};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Number, Value};

use super::cassette::{Exchange, Fails, Response};
use super::listen::{Heard, HeardAnswer};
use super::names::Names;
use super::player::{Words, add_header, written};
use super::url_stand_in::{self, is_url};

/// Shorter values of responses are not looked for inside other texts.
const WITHIN_BYTES_MIN: usize = 4;
/// Stand-ins of numbers count from here: far from what an upstream counts.
const NUMBERS_FROM: u64 = 9_000_000_000;

/// What does not stand as it is in a URL (RFC 3986, unreserved).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What was replaced so far.
pub(super) struct Scrub {
    names: Names,
    /// Places of responses that are kept.
    kept: Vec<Kept>,
    /// Words of the connector's author: no value of a person.
    authored: BTreeSet<String>,
    /// Whether the connector may have read what it writes into literals.
    reads: bool,
    stand_ins: BTreeMap<String, String>,
    /// Values at kept places, and the keys of objects.
    left: BTreeSet<String>,
}

/// A place of responses that is kept.
struct Kept {
    /// As it was asked for.
    pointer: String,
    /// Its tokens; `*` is any token.
    tokens: Vec<String>,
    /// Whether a response had it.
    met: bool,
}

impl Scrub {
    /// `authored`: texts that the author of the connector or its configuration wrote.
    pub(super) fn new(
        names: Names,
        keep: &[String],
        authored: &[String],
        reads: bool,
    ) -> anyhow::Result<Self> {
        let mut kept = Vec::new();
        for pointer in keep {
            ensure!(pointer.starts_with('/'), "--keep {pointer}: a JSON pointer begins with '/'");
            let tokens = pointer.split('/').skip(1);
            let tokens = tokens.map(|token| token.replace("~1", "/").replace("~0", "~"));
            kept.push(Kept { pointer: pointer.clone(), tokens: tokens.collect(), met: false });
        }
        let word = |c: char| c.is_alphanumeric() || "_.-".contains(c);
        let words = authored.iter().flat_map(|text| text.split(|c| !word(c)));
        let authored = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let (stand_ins, left) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { names, kept, authored, reads, stand_ins, left })
    }

    /// One exchange, as a cassette may hold it.
    pub(super) fn exchange(&mut self, heard: &Heard) -> anyhow::Result<Exchange> {
        let mut request = written(&heard.request, self);
        // Easier to read, and compared by its meaning.
        if let Some(Value::String(text)) = &request.body
            && let Ok(json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text)
        {
            request.body = Some(json);
        }
        Ok(Exchange { request, response: self.response(heard)? })
    }

    /// Every value that was replaced and must stand nowhere.
    pub(super) fn replaced(&self) -> impl Iterator<Item = &str> {
        let values = self.stand_ins.keys().map(String::as_str);
        values.filter(|value| {
            value.len() >= WITHIN_BYTES_MIN
                && !self.authored.contains(*value)
                && !self.left.contains(*value)
        })
    }

    /// Places that were to be kept and that no response had.
    pub(super) fn kept_nowhere(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().filter(|kept| !kept.met).map(|kept| kept.pointer.as_str())
    }

    /// The names and what they stand for.
    pub(super) const fn names(&self) -> &Names {
        &self.names
    }

    fn response(&mut self, heard: &Heard) -> anyhow::Result<Response> {
        let (status, headers, body) = match &heard.answer {
            HeardAnswer::Response { status, headers, body } => (*status, headers, body),
            HeardAnswer::Unreachable => {
                return Ok(Response { fails: Some(Fails::Unreachable), ..Response::default() });
            }
            HeardAnswer::Timeout => {
                return Ok(Response { fails: Some(Fails::Timeout), ..Response::default() });
            }
            HeardAnswer::Denied { why, .. } | HeardAnswer::Unusable(why) => {
                bail!("{} cannot be recorded: {why}", heard.request.label)
            }
        };
        let mut response = Response { status: Some(status), ..Response::default() };
        for (name, value) in headers {
            let value = match name.as_str() {
                "link" => self.link(value),
                _ => self.names.conceal(value),
            };
            add_header(&mut response.headers, name, value);
        }
        if let Some(body) =
            body.as_ref().filter(|body| heard.request.reads_body && !body.is_empty())
        {
            match serde_json::from_slice(body) {
                Ok(json) => response.body = Some(self.document(&json, &mut Vec::new())),
                Err(_) => response.size = Some(u32::try_from(body.len())?),
            }
        }
        Ok(response)
    }

    fn document(&mut self, value: &Value, at: &mut Vec<String>) -> Value {
        let mut kept = false;
        for place in self.kept.iter_mut().filter(|place| matches(&place.tokens, at)) {
            place.met = true;
            kept = true;
        }
        if kept {
            self.leave(value);
            return self.names.conceal_in(value);
        }
        match value {
            Value::String(text) => Value::String(self.stand_in(text)),
            Value::Number(number) => self.number(number),
            Value::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for (n, item) in items.iter().enumerate() {
                    at.push(n.to_string());
                    out.push(self.document(item, at));
                    at.pop();
                }
                Value::Array(out)
            }
            Value::Object(fields) => {
                let mut out = Map::new();
                for (key, value) in fields {
                    at.push(key.clone());
                    let value = self.document(value, at);
                    at.pop();
                    out.insert(self.key(key), value);
                }
                Value::Object(out)
            }
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    /// A value at a kept place may stand elsewhere too.
    fn leave(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.left.insert(text.clone());
            }
            Value::Number(number) => {
                self.left.insert(number.to_string());
            }
            Value::Array(items) => items.iter().for_each(|item| self.leave(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.leave(field)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// A key is the upstream's word, unless it looks like somebody's value.
    fn key(&mut self, key: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:$ ".contains(c);
        let word = key.chars().all(plain) && key.chars().any(|c| c.is_ascii_alphabetic());
        if word && self.names.conceal(key) == key {
            self.left.insert(key.to_owned());
            return key.to_owned();
        }
        self.stand_in(key)
    }

    fn number(&mut self, number: &Number) -> Value {
        let stand_in = self.stand_in(&number.to_string());
        serde_json::from_str(&stand_in).unwrap_or(Value::Null)
    }

    /// What stands for a value of an answer, of the same kind of text.
    pub(super) fn stand_in(&mut self, value: &str) -> String {
        if value.is_empty() || matches!(value, "true" | "false") {
            return value.to_owned();
        }
        if let Some(name) = self.names.name_of(value) {
            return name;
        }
        if let Some(known) = self.stand_ins.get(value) {
            return known.clone();
        }
        let stand_in = if is_url(value) {
            url_stand_in::of(value, &self.authored.clone(), &mut |part| self.stand_in(part))
        } else {
            let next = self.stand_ins.len() + 1;
            let number = NUMBERS_FROM + next as u64;
            let digits = value.strip_prefix('+').unwrap_or(value);
            if serde_json::from_str::<Number>(value).is_ok() {
                number.to_string()
            } else if digits.len() < value.len() && digits.bytes().all(|b| b.is_ascii_digit()) {
                format!("+{number}")
            } else if value.contains('@') {
                format!("recorded-{next}@cassette.example")
            } else {
                format!("recorded-{next}")
            }
        };
        self.stand_ins.insert(value.to_owned(), stand_in.clone());
        stand_in
    }

    /// `<https://…>; rel="next"`, one or several.
    fn link(&mut self, value: &str) -> String {
        let mut out = String::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('<') {
            let Some((url, left)) = after.split_once('>') else { break };
            out.push_str(&self.names.conceal(before));
            let url = if is_url(url) { self.stand_in(url) } else { self.names.conceal(url) };
            out.push_str(&format!("<{url}>"));
            rest = left;
        }
        out.push_str(&self.names.conceal(rest));
        out
    }
}

impl Words for Scrub {
    /// A connector without a read grant has seen nothing that it could write.
    fn literal(&mut self, text: &str) -> String {
        if !self.reads {
            return text.to_owned();
        }
        let mut values: Vec<&str> = self.replaced().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        let mut out = text.to_owned();
        for value in values {
            let Some(stand_in) = self.stand_ins.get(value) else { continue };
            out = out.replace(value, stand_in);
            out = out.replace(&encoded(value), &encoded(stand_in));
        }
        self.names.conceal(&out)
    }

    fn held(&mut self, value: &str) -> String {
        self.stand_in(value)
    }
}

/// As it stands in a URL.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

fn matches(kept: &[String], at: &[String]) -> bool {
    kept.len() == at.len() && kept.iter().zip(at).all(|(token, step)| token == "*" || token == step)
}

#[cfg(test)]
mod tests;
