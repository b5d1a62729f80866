//! What goes out, byte for byte, for every place a value can stand in.

mod properties;

use std::collections::BTreeMap;

use cordon_model::http_request::Escape;
use cordon_model::json::{Json, Shape};
use proptest::prelude::*;

use super::*;
use crate::inspect::tests::{request, text};

/// What the names stand for in these tests.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) identities: BTreeMap<String, String>,
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) held: Vec<(String, String)>,
}

impl Lookup for Known {
    fn placeholder(&self, name: &str) -> Result<Substitute<'_>, LookupError> {
        match (self.identities.get(name), self.secrets.get(name)) {
            (Some(_), Some(_)) => Err(LookupError::Ambiguous),
            (Some(value), None) => Ok(Substitute::Identity(value)),
            (None, Some(secret)) => Ok(Substitute::Secret(secret)),
            (None, None) => Err(LookupError::Missing),
        }
    }

    fn secret(&self, name: &str) -> Result<Substitute<'_>, LookupError> {
        self.secrets.get(name).map(Substitute::Secret).ok_or(LookupError::Missing)
    }

    fn value(&self, id: ValueId) -> Result<Substitute<'_>, LookupError> {
        let held = self.held.get(id as usize).ok_or(LookupError::Missing)?;
        Ok(Substitute::Held { value: &held.0, origin: &held.1 })
    }
}

fn known(identities: &[(&str, &str)], secrets: &[(&str, &str)]) -> Known {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Known {
        identities: identities.iter().map(owned).collect(),
        secrets: secrets.iter().map(owned).map(|(n, v)| (n, Secret::new(v))).collect(),
        held: Vec::new(),
    }
}

fn url_of(url: &str, known: &Known) -> Result<String, RenderError> {
    render(&request("GET", url, &[], None), known).map(|r| r.target.url.to_string())
}

fn body_of(content_type: &str, body: &str, known: &Known) -> Result<String, RenderError> {
    let headers = [("Content-Type", content_type)];
    let rendered = render(&request("POST", "https://a.example/", &headers, Some(body)), known)?;
    Ok(String::from_utf8(rendered.body.unwrap_or_default().to_vec()).unwrap())
}

fn refused(name: &str) -> RenderError {
    RenderError::ValueRefused(name.to_owned())
}

#[test]
fn each_place_has_its_own_escaping() {
    let known = known(&[("x", "a+b \"<&'/é@c.d")], &[]);
    let query = "https://a.example/?q=a%2Bb%20%22%3C%26%27%2F%C3%A9%40c.d&r=1";
    assert_eq!(url_of("https://a.example/?q=«x»&r=1", &known).unwrap(), query);
    assert_eq!(url_of("https://a.example/«x»", &known), Err(refused("x")));
    let form = body_of("application/x-www-form-urlencoded", "q=«x»&r=1", &known).unwrap();
    assert_eq!(form, "q=a%2Bb%20%22%3C%26%27%2F%C3%A9%40c.d&r=1");
    let json = body_of("application/json", r#"{"q": "«x»"}"#, &known).unwrap();
    assert_eq!(json, r#"{"q": "a+b \"<&'/é@c.d"}"#);
    assert_eq!(body_of("application/json", r#"{"q": «x»}"#, &known), Err(refused("x")));
    let xml = body_of("text/xml", "<r a='«x»'>«x»</r>", &known).unwrap();
    assert_eq!(xml, "<r a='a+b &quot;&lt;&amp;&#39;/é@c.d'>a+b \"&lt;&amp;'/é@c.d</r>");
    assert_eq!(body_of("text/plain", "q=«x»", &known).unwrap(), "q=a+b \"<&'/é@c.d");
    let header = request("GET", "https://a.example/", &[("X-Q", "«x»")], None);
    assert_eq!(render(&header, &known).err(), Some(refused("x")), "é is not ASCII");
}

#[test]
fn a_raw_body_is_filled_in_verbatim() {
    let mut raw = request("POST", "https://a.example/", &[], Some("<«x»>"));
    raw.body.as_mut().unwrap().escape = Escape::Raw;
    let rendered = render(&raw, &known(&[("x", "a&b")], &[])).unwrap();
    assert_eq!(rendered.body.as_deref(), Some(b"<a&b>".as_slice()));
    assert!(rendered.raw);
}

#[test]
fn a_substituted_value_is_never_scanned_again() {
    let known =
        known(&[("email", "{credentials}«k»")], &[("credentials", "s3cret-s3cret"), ("k", "k")]);
    let json = body_of("application/json", r#"{"a": "«email»"}"#, &known).unwrap();
    assert_eq!(json, r#"{"a": "{credentials}«k»"}"#);
}

#[test]
fn no_segment_becomes_a_dot_segment() {
    let dots =
        known(&[("a", "."), ("b", "."), ("one", "\u{2024}"), ("two", ".."), ("fine", "x")], &[]);
    for (url, name) in [
        ("https://a.example/«a»", "a"),
        ("https://a.example/«two»/x", "two"),
        ("https://a.example/.«a»/x", "a"),
        ("https://a.example/«a».?q=1", "a"),
        ("https://a.example/x/«a»«b»", "b"),
        ("https://a.example/%2e«a»", "a"),
        ("https://a.example/«one»«a»", "a"),
        ("https://a.example/«one»", "one"),
    ] {
        assert_eq!(url_of(url, &dots), Err(refused(name)), "{url}");
    }
    assert!(url_of("https://a.example/.«fine»/«a»«b».x", &dots).is_ok());
}

#[test]
fn missing_ambiguous_and_unvetted_values_are_told_apart() {
    let known = known(&[("both", "i"), ("blank", " "), ("empty", "")], &[("both", "s")]);
    let url = |name: &str| url_of(&format!("https://a.example/?q=«{name}»"), &known);
    assert_eq!(url("nope"), Err(RenderError::Missing("nope".to_owned())));
    assert_eq!(url("both"), Err(RenderError::Ambiguous("both".to_owned())));
    assert_eq!(url("blank"), Err(refused("blank")));
    assert_eq!(url("empty"), Err(refused("empty")));
}

#[test]
fn a_held_value_goes_back_only_to_where_it_came_from() {
    let mut known = known(&[], &[]);
    known.held.push(("page 2".to_owned(), "https://a.example".to_owned()));
    let mut back = request("GET", "https://a.example/?c=", &[], None);
    back.url.push(Piece::Value(0));
    assert_eq!(render(&back, &known).unwrap().target.url.as_str(), "https://a.example/?c=page%202");
    let mut elsewhere = request("GET", "https://b.example/?c=", &[], None);
    elsewhere.url.push(Piece::Value(0));
    assert_eq!(render(&elsewhere, &known).err(), Some(refused("#0")));
    back.url.push(Piece::Value(1));
    assert_eq!(render(&back, &known).err(), Some(RenderError::Missing("#1".to_owned())));
}

#[test]
fn a_secret_stands_escaped_and_is_noted_with_its_place() {
    let known = known(&[], &[("key", "p+ss/w\"rd")]);
    let headers = [("X-Key", "«key»"), ("Content-Type", "application/json")];
    let request = request("POST", "https://a.example/?k=«key»", &headers, Some(r#"["«key»"]"#));
    let rendered = render(&request, &known).unwrap();
    assert_eq!(rendered.target.url.as_str(), "https://a.example/?k=p%2Bss%2Fw%22rd");
    assert_eq!(rendered.body.as_deref(), Some(br#"["p+ss/w\"rd"]"#.as_slice()));
    let places: Vec<_> = rendered.secrets.keys().map(|(_, place)| place.as_str()).collect();
    assert_eq!(places, ["url", "header", "body"]);
    assert!(rendered.headers[0].1.is_sensitive());
}

#[test]
fn the_fingerprint_knows_secrets_by_name_only() {
    let print = |url: &str, headers: &[(&str, &str)], known: &Known| {
        render(&request("GET", url, headers, None), known).unwrap().fingerprint(b"key")
    };
    let (old, new) = (
        known(&[("e", "ab")], &[("k", "old"), ("l", "old")]),
        known(&[("e", "ab")], &[("k", "new")]),
    );
    let url = "https://a.example/?a=«k»&b=«e»";
    let base = print(url, &[("x", "«k»")], &old);
    assert_eq!(base, print(url, &[("x", "«k»")], &new), "a rotated secret changes nothing");
    assert_ne!(base, print(url, &[("x", "«l»")], &old), "another secret with the same value");
    assert_ne!(base, print(url, &[("x", "old")], &old), "the value itself is not the name");
    assert_ne!(base, print(url, &[("x", "k")], &old), "nor is the name as text");
    assert_eq!(base, print("https://a.example/?a=«k»&b=ab", &[("x", "«k»")], &old));
    assert_ne!(
        print("https://a.example/?a=b", &[("c", "d"), ("e", "f")], &old),
        print("https://a.example/?a=b", &[("c", "de"), ("e", "f")], &old),
    );
    let other = render(&request("GET", url, &[("x", "«k»")], None), &old).unwrap();
    assert_ne!(base, other.fingerprint(b"another key"));
}

#[test]
fn a_rendered_request_that_the_url_reader_refuses_blames_the_value() {
    let known = known(&[], &[("k", "a/b")]);
    assert_eq!(url_of("https://a.example/«k»", &known), Err(refused("k")));
}

/// Keys and shape of a JSON value, without its scalars.
fn skeleton(json: &Json) -> String {
    match json {
        Json::Array(items) => {
            format!("[{}]", items.iter().map(skeleton).collect::<Vec<_>>().join(","))
        }
        Json::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key}:{}", skeleton(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        Json::String(_) => "s".to_owned(),
        Json::Number(_) => "n".to_owned(),
        Json::Null | Json::Bool(_) => "c".to_owned(),
    }
}

const JSON_TEMPLATES: [&str; 4] = [
    r#"{"a":"«x»","b":[«x»,{"c":"d«x»e\"«x»"}],"f":null}"#,
    r#"{"a":"«x»"}"#,
    r#"["«x»«x»", "\\«x»"]"#,
    r#"{"q":"{user(email:$e){id}}","v":{"e":"«x»"}}"#,
];

// The number of cases is the default's, so that `PROPTEST_CASES` can raise it.
proptest! {
    #[test]
    fn any_identity_leaves_the_json_structure_alone(
        value in "\\PC{1,40}|[\"\\\\{}\\[\\],:0-9eE.+-]{1,12}|-?[0-9]{1,20}",
        template in 0_usize..4,
    ) {
        let template = JSON_TEMPLATES[template];
        if let Ok(body) = body_of("application/json", template, &known(&[("x", &value)], &[])) {
            let filled = Json::parse(body.as_bytes(), Shape::Object).unwrap();
            let probe = template.replace("\"«x»", "\"x").replace("[«x»", "[0").replace("«x»", "x");
            let probe = Json::parse(probe.as_bytes(), Shape::Object).unwrap();
            prop_assert_eq!(skeleton(&filled), skeleton(&probe));
            if template == JSON_TEMPLATES[1] {
                prop_assert_eq!(filled.at("/a"), Some(&Json::String(value)));
            }
        }
    }

    #[test]
    fn any_identity_leaves_host_port_segments_and_parameter_names_alone(
        value in "\\PC{1,40}|[/\\\\?#&=;:@%.+ ]{1,8}",
    ) {
        let known = known(&[("x", &value)], &[]);
        let url = "https://api.acme.com:8443/v0/u-«x»/«x»?a=«x»&b=1&c=d«x»e";
        if let Ok(rendered) = render(&request("GET", url, &[], None), &known) {
            let url = &rendered.target.url;
            prop_assert_eq!(rendered.origin(), "https://api.acme.com:8443");
            prop_assert_eq!(url.path_segments().unwrap().count(), 3);
            let pairs: Vec<_> = url.query_pairs().collect();
            let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_ref()).collect();
            prop_assert_eq!(names, ["a", "b", "c"]);
            prop_assert_eq!(pairs[0].1.as_ref(), value.as_str());
        }
    }

    #[test]
    fn any_identity_leaves_the_headers_alone(value in "\\PC{1,40}|[ -~\r\n\t]{1,20}") {
        let known = known(&[("x", &value)], &[]);
        let headers = [("X-A", "1"), ("X-B", "b «x»"), ("X-C", "3")];
        if let Ok(rendered) = render(&request("GET", "https://a.example/", &headers, None), &known) {
            prop_assert_eq!(rendered.headers.len(), 3);
            prop_assert_eq!(rendered.headers[1].1.to_str().unwrap(), format!("b {value}"));
        }
    }

    #[test]
    fn any_identity_leaves_form_and_xml_alone(value in "\\PC{1,40}|[<>&;'\"=%+\\]\\[!-]{1,12}") {
        let known = known(&[("x", &value)], &[]);
        if let Ok(form) = body_of("application/x-www-form-urlencoded", "a=«x»&b=1", &known) {
            let pairs: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
            prop_assert_eq!(pairs, [("a".to_owned(), value.clone()), ("b".to_owned(), "1".to_owned())]);
        }
        if let Ok(xml) = body_of("application/xml", "<r a=\"«x»\">«x»</r>", &known) {
            prop_assert_eq!(xml.matches('<').count(), 2);
            prop_assert_eq!(xml.matches('>').count(), 2);
            prop_assert_eq!(xml.matches('"').count() - value.matches('"').count(), 2);
        }
    }

    #[test]
    fn any_text_as_a_template_is_refused_or_rendered_and_never_panics(
        url in "https://a\\.example/[a-z./?&=%]{0,12}«x»[a-z./?&=%]{0,12}",
        body in "[{}\\[\\]\":,a0\\\\<>&;!-]{0,16}«x»[{}\\[\\]\":,a0\\\\<>&;!-]{0,16}",
        kind in 0_usize..4,
    ) {
        let types = ["application/json", "application/xml", "application/x-www-form-urlencoded", "text/plain"];
        let known = known(&[("x", "a\"<&}]")], &[]);
        let _ = url_of(&url, &known);
        let _ = body_of(types[kind], &body, &known);
        let _ = text(&url);
    }
}
