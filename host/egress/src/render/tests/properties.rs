//! For any identity and any legal template nothing changes but the values: not the structure of
//! JSON, not the names of parameters, not the number of path segments and headers, not host and
//! port. Templates are made piece by piece, so that it is known what must come out.

use percent_encoding::percent_decode_str;

use super::*;

/// A literal, or the place of a value.
#[derive(Debug, Clone)]
enum Bit {
    Literal(String),
    Value(&'static str),
}

/// The two values that templates name.
type Values = (String, String);

fn bits(literal: &'static str) -> impl Strategy<Value = Vec<Bit>> {
    let bit =
        prop_oneof![literal.prop_map(Bit::Literal), Just(Bit::Value("x")), Just(Bit::Value("y")),];
    prop::collection::vec(bit, 1..4)
}

/// As an author writes it.
fn written(bits: &[Bit]) -> String {
    let write = |bit: &Bit| match bit {
        Bit::Literal(text) => text.clone(),
        Bit::Value(name) => format!("«{name}»"),
    };
    bits.iter().map(write).collect()
}

/// With the values in their places.
fn filled(bits: &[Bit], values: &Values) -> String {
    let fill = |bit: &Bit| match bit {
        Bit::Literal(text) => text.clone(),
        Bit::Value("x") => values.0.clone(),
        Bit::Value(_) => values.1.clone(),
    };
    bits.iter().map(fill).collect()
}

fn identity() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,30}",
        "[/\\\\?#&=;:@%.+ \"'<>{}\\[\\],!*$-]{1,10}",
        "-?[0-9]{1,20}(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
        "[ -~\r\n\t\u{0}\u{200b}\u{202e}]{1,10}",
    ]
}

fn values() -> impl Strategy<Value = Values> {
    (identity(), identity())
}

fn names(values: &Values) -> Known {
    known(&[("x", &values.0), ("y", &values.1)], &[])
}

/// A JSON document with values in strings and in the place of numbers.
#[derive(Debug, Clone)]
enum Node {
    Text(Vec<Bit>),
    Number(&'static str),
    Constant(&'static str),
    List(Vec<Node>),
    Object(Vec<Node>),
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        bits("[a-z ,:\\[\\]{}]{0,4}").prop_map(Node::Text),
        prop_oneof![Just("x"), Just("y")].prop_map(Node::Number),
        prop_oneof![Just("null"), Just("true"), Just("-1.5e3"), Just("\"\\u0041\\\"\"")]
            .prop_map(Node::Constant),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::List),
            prop::collection::vec(inner, 0..4).prop_map(Node::Object),
        ]
    })
}

/// The text of a document, given what stands in strings and in the place of numbers.
fn text_of(
    node: &Node,
    string: &dyn Fn(&[Bit]) -> String,
    number: &dyn Fn(&str) -> String,
) -> String {
    let below = |nodes: &[Node], key: bool| -> String {
        let one = |(n, node): (usize, &Node)| {
            let value = text_of(node, string, number);
            if key { format!("\"k{n}\": {value}") } else { value }
        };
        nodes.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
    };
    match node {
        Node::Text(bits) => string(bits),
        Node::Number(name) => number(name),
        Node::Constant(text) => (*text).to_owned(),
        Node::List(nodes) => format!("[{}]", below(nodes, false)),
        Node::Object(nodes) => format!("{{{}}}", below(nodes, true)),
    }
}

fn parsed(text: &str) -> Json {
    // Any document, as an element of one whose shape is known.
    Json::parse(format!("{{\"it\": {text}}}").as_bytes(), Shape::Object).unwrap()
}

proptest! {
    #[test]
    fn json_keeps_its_structure_and_every_string_is_what_was_meant(node in node(), values in values()) {
        let template =
            text_of(&node, &|bits| format!("\"{}\"", written(bits)), &|name| format!("«{name}»"));
        if let Ok(body) = body_of("application/json", &template, &names(&values)) {
            let quoted = |bits: &[Bit]| serde_json::Value::String(filled(bits, &values)).to_string();
            let number = |name: &str| filled(&[Bit::Value(if name == "x" { "x" } else { "y" })], &values);
            prop_assert_eq!(parsed(&body), parsed(&text_of(&node, &quoted, &number)));
        }
    }

    #[test]
    fn a_url_keeps_host_port_segments_and_parameter_names(
        segments in prop::collection::vec(bits("[a-z0-9_-]{1,4}"), 1..5),
        parameters in prop::collection::vec(bits("[a-z0-9_-]{0,4}"), 0..4),
        port in prop::option::of(1024_u16..65535),
        values in values(),
    ) {
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let origin = format!("https://api.acme.com{port}");
        let path: String = segments.iter().map(|bits| format!("/{}", written(bits))).collect();
        let pairs: Vec<_> =
            parameters.iter().enumerate().map(|(n, bits)| format!("p{n}={}", written(bits))).collect();
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
        let url = format!("{origin}{path}{query}");
        if let Ok(rendered) = render(&request("GET", &url, &[], None), &names(&values)) {
            prop_assert_eq!(rendered.origin(), &origin);
            let sent = &rendered.target.url;
            let decoded = |segment: &str| percent_decode_str(segment).decode_utf8().unwrap().into_owned();
            let found: Vec<_> = sent.path_segments().unwrap().map(decoded).collect();
            let meant: Vec<_> = segments.iter().map(|bits| filled(bits, &values)).collect();
            prop_assert_eq!(found, meant);
            let found: Vec<_> = sent.query_pairs().into_owned().collect();
            let meant: Vec<_> = parameters
                .iter()
                .enumerate()
                .map(|(n, bits)| (format!("p{n}"), filled(bits, &values)))
                .collect();
            prop_assert_eq!(found, meant);
        }
    }

    #[test]
    fn headers_keep_their_number_their_names_and_what_was_meant(
        headers in prop::collection::vec(bits("[a-zA-Z0-9=:;,/-]{1,6}"), 0..6),
        values in values(),
    ) {
        let written: Vec<_> =
            headers.iter().enumerate().map(|(n, bits)| (format!("x-{n}"), written(bits))).collect();
        let given: Vec<_> = written.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        if let Ok(rendered) = render(&request("GET", "https://a.example/", &given, None), &names(&values)) {
            let found: Vec<_> = rendered
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            let meant: Vec<_> = headers
                .iter()
                .enumerate()
                .map(|(n, bits)| (format!("x-{n}"), filled(bits, &values)))
                .collect();
            prop_assert_eq!(found, meant);
        }
    }
}
