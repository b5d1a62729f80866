//! Where a placeholder may stand, and what is refused when a request is written.

use cordon_model::http_request::{Body, BodyUse, Escape, Text};

use proptest::prelude::*;

use super::*;
use crate::render::render;
use crate::render::tests::Known;

/// A request out of a URL, headers and a body, written as authors write them.
pub(crate) fn request(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> HttpRequest {
    HttpRequest {
        label: "q".to_owned(),
        method: method.to_owned(),
        url: text(url),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect(),
        body: body.map(|body| Body { content: text(body), escape: Escape::ByMediaType }),
        bind: Vec::new(),
        verify_tls: true,
        idempotent: None,
        success: vec![200],
        retry_statuses: Vec::new(),
        max_attempts: None,
        response_body: BodyUse::Bytes,
    }
}

/// `«name»` is a placeholder; everything else is literal.
pub(crate) fn text(template: &str) -> Text {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('«') {
        let (name, after) = after.split_once('»').unwrap();
        pieces.extend((!before.is_empty()).then(|| Piece::Literal(before.to_owned())));
        pieces.push(Piece::Placeholder(name.to_owned()));
        rest = after;
    }
    pieces.extend((!rest.is_empty()).then(|| Piece::Literal(rest.to_owned())));
    pieces
}

fn problems(request: &HttpRequest) -> Vec<(String, &'static str)> {
    match inspect(request) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|p| (p.part, p.code)).collect(),
    }
}

fn url_problem(url: &str) -> Vec<&'static str> {
    problems(&request("GET", url, &[], None)).into_iter().map(|(_, code)| code).collect()
}

fn body_problem(content_type: &str, body: &str) -> Vec<&'static str> {
    let request =
        request("POST", "https://api.acme.com/", &[("Content-Type", content_type)], Some(body));
    problems(&request).into_iter().map(|(_, code)| code).collect()
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const XML: &str = "application/xml";

/// A value for every name in these tests.
fn filled() -> Known {
    let names = ["a", "email", "id"].map(|name| (name.to_owned(), "x".to_owned()));
    Known { identities: names.into(), ..Known::default() }
}

fn paths(url: &str) -> Paths {
    inspect(&request("GET", url, &[], None)).unwrap().paths
}

#[test]
fn a_path_without_values_is_needed_exactly_as_it_is_sent() {
    for (url, expected) in [
        ("https://api.acme.com", "/"),
        ("https://api.acme.com/", "/"),
        ("https://api.acme.com?e=/«email»", "/"),
        ("https://api.acme.com/v0/users", "/v0/users"),
        ("https://api.acme.com/v0/users/", "/v0/users/"),
        ("https://api.acme.com/v0/users?e=«email»", "/v0/users"),
        ("https://api.acme.com/v0/users/?e=/«email»", "/v0/users/"),
        ("https://api.acme.com/v0/users?next=/v1/%2E%2E/x", "/v0/users"),
        ("https://api.acme.com/v0/caf%c3%A9", "/v0/caf%c3%A9"),
        ("HTTPS://API.acme.com:443/V0/x%20y?a=«a»", "/V0/x%20y"),
    ] {
        assert_eq!(paths(url), Paths::Exactly(expected.parse().unwrap()), "{url}");
        let sent = render(&request("GET", url, &[], None), &filled()).unwrap();
        assert_eq!(sent.path(), expected, "{url}");
    }
}

#[test]
fn a_path_with_a_value_is_needed_below_the_whole_segments_before_it() {
    for (url, expected) in [
        ("https://api.acme.com/v0/users/«id»", "/v0/users"),
        ("https://api.acme.com/v0/users/«id»/orders", "/v0/users"),
        ("https://api.acme.com/v0/user-«id»", "/v0"),
        ("https://api.acme.com/«id»", "/"),
        ("https://api.acme.com/v0/«id»/?e=«email»", "/v0"),
        ("https://api.acme.com/v0//«id»", "/v0"),
    ] {
        assert_eq!(paths(url), Paths::Under(expected.parse().unwrap()), "{url}");
    }
}

#[test]
fn a_path_that_no_grant_can_say_is_needed_below_what_one_can() {
    for (url, expected) in [
        ("https://api.acme.com/v0//users", "/v0"),
        ("https://api.acme.com/v0/a*b/c", "/v0"),
        ("https://api.acme.com//", "/"),
    ] {
        assert_eq!(paths(url), Paths::Under(expected.parse().unwrap()), "{url}");
    }
}

proptest! {
    #[test]
    fn what_is_planned_covers_what_is_sent_whatever_the_values_are(
        path in "(/(v0|a\\*b|x%20y|u-«id»|«id»|))*", query in "(\\?q=(«email»|/))?",
        id in "[a-z./%]{1,4}",
    ) {
        let request = request("GET", &format!("https://api.acme.com{path}{query}"), &[], None);
        let mut known = filled();
        known.identities.insert("id".to_owned(), id);
        // A value that would lead elsewhere is refused: nothing is sent then.
        if let (Ok(planned), Ok(sent)) = (inspect(&request), render(&request, &known)) {
            prop_assert!(planned.paths.covers(sent.path()), "{:?} {}", planned.paths, sent.path());
        }
    }
}

#[test]
fn an_inspection_names_the_origin_and_every_place() {
    let mut request = request(
        "POST",
        "HTTPS://API.acme.com:443/v0/«user_id»?e=«email»",
        &[("Content-Type", JSON), ("Authorization", "Basic «credentials»")],
        Some(r#"{"email": "«email»"}"#),
    );
    request.headers.push(("X-Key".to_owned(), vec![Piece::Secret("key".to_owned())]));
    request.headers.push(("X-Value".to_owned(), vec![Piece::Value(3)]));
    let inspection = inspect(&request).unwrap();
    assert_eq!(inspection.origin, "https://api.acme.com");
    assert!(!inspection.raw);
    let names: Vec<_> = inspection.names.iter().map(|(n, p)| (n.as_str(), p.as_str())).collect();
    assert_eq!(
        names,
        [
            ("credentials", "header"),
            ("email", "url"),
            ("email", "body"),
            ("key", "header"),
            ("user_id", "url"),
        ]
    );
}

#[test]
fn a_placeholder_stands_only_in_path_segments_and_query_values() {
    for (url, expected) in [
        ("«x»", "placeholder_in_scheme"),
        ("«x»://api.acme.com/", "placeholder_in_scheme"),
        ("https://«x»/", "placeholder_in_host"),
        ("https://«x»@api.acme.com/", "placeholder_in_host"),
        ("https://«x».acme.com/", "placeholder_in_host"),
        ("https://api.acme.com«x»/", "placeholder_in_host"),
        ("https://api.acme.com:«x»/", "placeholder_in_host"),
        ("https://api.acme.com/#«x»", "placeholder_in_fragment"),
        ("https://api.acme.com/?«x»=1", "placeholder_in_name"),
        ("https://api.acme.com/?«x»", "placeholder_in_name"),
        ("https://api.acme.com/?a«x»=1", "placeholder_in_name"),
        ("https://api.acme.com/?a=1&«x»=1", "placeholder_in_name"),
        ("https://api.acme.com/?a=1;«x»", "placeholder_in_name"),
        ("https://api.acme.com/?=«x»", "placeholder_in_name"),
        ("https://api.acme.com/%«x»", "partial_escape"),
        ("https://api.acme.com/%2«x»", "partial_escape"),
        ("https://api.acme.com/?a=%«x»", "partial_escape"),
        ("https://api.acme.com/?a=%4«x»", "partial_escape"),
        ("https://api.acme.com/?a={x}", "url_braces"),
        ("https://metadata.google.internal/", "host_reserved"),
    ] {
        assert!(url_problem(url).contains(&expected), "{url}: {:?}", url_problem(url));
    }
    for url in [
        "https://api.acme.com/«x»",
        "https://api.acme.com/u-«x».json",
        "https://api.acme.com/«x»«y»/z",
        "https://api.acme.com/?a=«x»&b=c«x»d;e=«x»",
        "https://api.acme.com/?a=%41«x»%42",
        "https://api.acme.com?a[b]=«x»",
        "http://127.0.0.1:8080/«x»",
    ] {
        assert_eq!(url_problem(url), Vec::<&str>::new(), "{url}");
    }
}

#[test]
fn json_is_json_whatever_is_filled_in() {
    for (body, expected) in [
        (r#"{"a": "«x»"}x"#, "body_not_json"),
        (r#"{"a": «x»"#, "body_not_json"),
        (r#"{"a" "«x»"}"#, "body_not_json"),
        ("plain", "body_not_json"),
        (r#"{"a": 1, "a": "«x»"}"#, "json_duplicate_key"),
        (r#"{"a": 1, "\u0061": 2}"#, "json_duplicate_key"),
        (r#"{"«x»": 1}"#, "placeholder_in_name"),
        (r#"{"a«x»" : 1}"#, "placeholder_in_name"),
        (r#"{"a": "\«x»"}"#, "partial_escape"),
        (r#"{"a": "\u00«x»"}"#, "partial_escape"),
        (r#"{"a": "\u004«x»"}"#, "partial_escape"),
        (r#"{"a": -«x»}"#, "json_number"),
        (r#"{"a": 1«x»}"#, "json_number"),
        (r#"{"a": «x»0}"#, "json_number"),
        (r#"{"a": «x»«y»}"#, "json_number"),
    ] {
        assert!(
            body_problem(JSON, body).contains(&expected),
            "{body}: {:?}",
            body_problem(JSON, body)
        );
    }
    for body in [
        r#"{"a": "«x»"}"#,
        r#"{"a": "b\\«x»\u0041«y»"}"#,
        r#"{"a": [«x», «y» ], "b":«z»}"#,
        r#"["«x»", {"a": "«x»"}, "«x»"]"#,
        "«x»",
        r#""«x»""#,
    ] {
        assert_eq!(body_problem(JSON, body), Vec::<&str>::new(), "{body}");
        assert_eq!(body_problem("application/scim+json; charset=UTF-8", body), Vec::<&str>::new());
    }
}

#[test]
fn a_problem_of_a_place_says_how_many_characters_stand_before_it() {
    let first = |request: &HttpRequest| inspect(request).unwrap_err().remove(0).at;
    for (url, at) in [
        ("«x»", Some(0)),
        ("https://«x»/", Some(8)),
        ("https://api.acme.com/?a=«a»&«x»=1", Some(26)),
        ("https://api.acme.com/?e={«x»}", Some(24)),
        ("https://api.acme.com/«a»#x", Some(22)),
        ("https://api.acme.com/«a»%4", Some(22)),
        ("https://api.acme.com/ä", Some(21)),
        ("https://api.acme.com/../", None),
    ] {
        assert_eq!(first(&request("GET", url, &[], None)), at, "{url}");
    }
    for (content_type, body, at) in [
        (JSON, r#"{"ä«x»": 1}"#, Some(3)),
        (JSON, r#"{"a": 1«x»}"#, Some(7)),
        (JSON, r#"{"a": «x»0}"#, Some(6)),
        (JSON, r#"{"a": "\u00«x»"}"#, Some(11)),
        (FORM, "«x»=1", Some(0)),
        (FORM, "a=b c&d=«x»", Some(3)),
        (XML, "<r>«a»</r><r e=«x»/>", Some(13)),
        (XML, "<r>«a» & b</r>", Some(6)),
        ("application/x-unknown", "x «x»", Some(2)),
        ("application/json; charset=latin1", r#"["«x»"]"#, Some(2)),
    ] {
        let headers = [("Content-Type", content_type)];
        let request = request("POST", "https://api.acme.com/", &headers, Some(body));
        assert_eq!(first(&request), at, "{body}");
    }
    let headers = [("X-A", "a«x»é")];
    assert_eq!(first(&request("GET", "https://api.acme.com/", &headers, None)), Some(2));
}

#[test]
fn a_form_has_placeholders_as_values_only() {
    assert_eq!(body_problem(FORM, "email=«x»&o=1"), Vec::<&str>::new());
    assert_eq!(body_problem(FORM, "«x»=1"), ["placeholder_in_name"]);
    assert_eq!(body_problem(FORM, "a=%4«x»"), ["partial_escape", "body_form"]);
    assert_eq!(body_problem(FORM, "a=b c&d=«x»"), ["body_form"]);
    assert_eq!(body_problem(FORM, "a=%zz&d=«x»"), ["body_form"]);
}

#[test]
fn xml_has_placeholders_in_text_and_quoted_attributes() {
    for body in [
        "<r><e>«x»</e></r>",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- c --><r a=\"«x»\" b='y«x»'>a&amp;«x»<![CDATA[<&]]></r>",
    ] {
        assert_eq!(body_problem(XML, body), Vec::<&str>::new(), "{body}");
        assert_eq!(body_problem("application/soap+xml", body), Vec::<&str>::new(), "{body}");
    }
    for (body, expected) in [
        ("<r e=«x»/>", "placeholder_in_markup"),
        ("<«x»/>", "placeholder_in_markup"),
        ("<r «x»=\"1\"/>", "placeholder_in_markup"),
        ("<!-- «x» -->", "placeholder_in_markup"),
        ("<![CDATA[«x»]]>", "placeholder_in_markup"),
        ("<?pi «x»?>", "placeholder_in_markup"),
        ("<r>&#«x»;</r>", "partial_escape"),
        ("<r>&«x»;</r>", "partial_escape"),
        ("<r a=\"&«x»\"/>", "partial_escape"),
        ("<!DOCTYPE r><r>«x»</r>", "xml_doctype"),
        ("<!doctype r><r/>", "xml_doctype"),
        ("<!ENTITY a 'b'><r/>", "xml_doctype"),
        ("<r a=\"«x»>", "body_not_xml"),
        ("<r>a & b «x»</r>", "body_not_xml"),
        ("<r>]]> «x»</r>", "body_not_xml"),
        ("<?xml version='1.0' encoding='UTF-7'?><r>«x»</r>", "body_charset"),
    ] {
        let found = body_problem(XML, body);
        assert!(found.contains(&expected), "{body}: {found:?}");
    }
}

#[test]
fn a_body_of_another_type_with_placeholders_is_refused_unless_it_is_raw() {
    assert_eq!(body_problem("text/plain", "a «x»"), Vec::<&str>::new());
    assert_eq!(body_problem("application/x-unknown", "«x»"), ["body_type_unknown"]);
    assert_eq!(body_problem("multipart/form-data; boundary=x", "«x»"), ["body_type_unknown"]);
    assert_eq!(body_problem("text/html", "«x»"), ["body_type_unknown"]);
    assert_eq!(body_problem("application/x-unknown", "fixed"), Vec::<&str>::new());
    assert_eq!(
        body_problem("application/json; charset=utf-16", r#"{"a":"«x»"}"#),
        ["body_charset"]
    );
    let mut request = request("POST", "https://a.example/", &[], Some("«x»"));
    assert_eq!(problems(&request), [("/body".to_owned(), "body_type_unknown")]);
    request.body.as_mut().unwrap().escape = Escape::Raw;
    assert!(inspect(&request).unwrap().raw);
    request.body.as_mut().unwrap().content = text("fixed");
    assert!(!inspect(&request).unwrap().raw, "nothing is filled in");
}

#[test]
fn content_type_is_literal_and_single() {
    let url = "https://a.example/";
    let filled = request("POST", url, &[("content-Type", "text/«x»")], Some("«x»"));
    assert!(
        problems(&filled)
            .contains(&("/headers/content-Type".to_owned(), "content_type_not_literal"))
    );
    let twice = [("Content-Type", "text/plain"), ("content-type", JSON)];
    let twice = request("POST", url, &twice, Some("«x»"));
    assert_eq!(problems(&twice), [("/headers/content-type".to_owned(), "header_duplicate")]);
}

#[test]
fn headers_of_the_host_and_misleading_ones_are_refused() {
    for name in [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "connection",
        "Upgrade",
        "TE",
        "Trailer",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Expect",
        "Idempotency-Key",
        "Forwarded",
        "X-Forwarded-For",
        "X-HTTP-Method-Override",
        "X-Rewrite-URL",
        "Metadata",
        "X-aws-ec2-metadata-token",
    ] {
        let found = problems(&request("GET", "https://a.example/", &[(name, "v")], None));
        assert_eq!(found, [(format!("/headers/{name}"), "header_reserved")]);
    }
    for name in ["", "X:Bad", "X-Bad\r\n", "X-é", "X_{email}", "a b"] {
        let found = problems(&request("GET", "https://a.example/", &[(name, "v")], None));
        assert_eq!(found, [(format!("/headers/{name}"), "header_name")]);
    }
    for value in ["é«x»", "a\r\nX: 1", "a\tb"] {
        let found = problems(&request("GET", "https://a.example/", &[("X-A", value)], None));
        assert_eq!(found, [("/headers/X-A".to_owned(), "header_value")]);
    }
}

#[test]
fn trace_connect_and_what_is_no_token_are_refused() {
    let code = |method: &str| problems(&request(method, "https://a.example/", &[], None));
    for method in ["GET", "PATCH", "PURGE", "get", "M-SEARCH"] {
        assert_eq!(code(method), []);
    }
    for method in ["TRACE", "trace", "CONNECT"] {
        assert_eq!(code(method), [("/verb".to_owned(), "verb_refused")]);
    }
    for method in ["", "G T", "GET\r\n", "GÉT"] {
        assert_eq!(code(method), [("/verb".to_owned(), "verb_invalid")]);
    }
}

#[test]
fn all_problems_come_at_once_with_their_pointers() {
    let headers = [("Host", "x"), ("a/b~", "v")];
    let found = problems(&request("TRACE", "ftp://x/", &headers, Some("«x»")));
    let expected = [
        ("/verb", "verb_refused"),
        ("/url", "url_scheme"),
        ("/headers/Host", "header_reserved"),
        ("/headers/a~1b~0", "header_name"),
        ("/body", "body_type_unknown"),
    ];
    assert_eq!(found, expected.map(|(part, code)| (part.to_owned(), code)));
}
