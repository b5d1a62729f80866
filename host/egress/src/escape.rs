//! Writing one value into its place so that it stays one value.
//!
//! Deliberately one function per place and no options: what cannot be escaped so that every
//! reader agrees is refused. Called by `render` only.

use cordon_model::subject::check_identity_value;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use unicode_normalization::UnicodeNormalization as _;

use crate::template::Slot;

/// The value may not stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// Everything but RFC 3986 unreserved characters.
const NOT_UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Checks an identity once more; it was checked when it was submitted or found.
pub(crate) fn check_identity(value: &str) -> Result<(), Refused> {
    check_identity_value(value).map_err(|_| Refused)
}

/// Appends a value, escaped for its place.
pub(crate) fn write(slot: Slot, value: &str, out: &mut String) -> Result<(), Refused> {
    match slot {
        Slot::Path => path(value, out),
        Slot::Query | Slot::Form => {
            out.extend(utf8_percent_encode(value, NOT_UNRESERVED));
            Ok(())
        }
        Slot::Header => header(value, out),
        Slot::JsonString => {
            json_string(value, out);
            Ok(())
        }
        Slot::JsonNumber => json_number(value, out),
        Slot::XmlText => xml(value, false, out),
        Slot::XmlAttribute => xml(value, true, out),
        Slot::PlainText => plain_text(value, out),
        Slot::Raw => {
            out.push_str(value);
            Ok(())
        }
    }
}

/// The value as a server may see it that folds look-alikes (NFKC) before it routes.
pub(crate) fn folded(value: &str) -> String {
    value.nfkc().collect()
}

/// Whether a path segment is `.` or `..` to some server.
pub(crate) fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.replace("%2e", ".").replace("%2E", ".");
    plain == "." || plain == ".."
}

/// `/ \ %` are refused rather than encoded: servers that decode twice, or before they route,
/// would see another path.
fn path(value: &str, out: &mut String) -> Result<(), Refused> {
    // Slashes and a percent sign that NFKC leaves alone and some stacks fold all the same.
    const LOOK_ALIKES: [char; 7] =
        ['\u{2044}', '\u{2215}', '\u{2216}', '\u{29F5}', '\u{29F8}', '\u{29F9}', '\u{066A}'];
    let turns = |c: char| matches!(c, '/' | '\\' | '%') || c.is_control();
    if value.is_empty() || value.contains(LOOK_ALIKES) || value.contains(turns) {
        return Err(Refused);
    }
    if folded(value).contains(turns) {
        return Err(Refused);
    }
    out.extend(utf8_percent_encode(value, NOT_UNRESERVED));
    Ok(())
}

fn header(value: &str, out: &mut String) -> Result<(), Refused> {
    let printable = value.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    // White space at the ends would be cut off on the way.
    if !printable || value.trim() != value {
        return Err(Refused);
    }
    out.push_str(value);
    Ok(())
}

fn json_string(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
}

/// A JSON number, as it is written.
fn json_number(value: &str, out: &mut String) -> Result<(), Refused> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = value.strip_prefix('-').unwrap_or(value);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let legal = digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
    if !legal {
        return Err(Refused);
    }
    out.push_str(value);
    Ok(())
}

fn xml(value: &str, attribute: bool, out: &mut String) -> Result<(), Refused> {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\'' if attribute => out.push_str("&#39;"),
            '\r' => out.push_str("&#13;"),
            '\n' if attribute => out.push_str("&#10;"),
            '\t' if attribute => out.push_str("&#9;"),
            '\n' | '\t' => out.push(c),
            // XML 1.0 has no way to write these.
            c if c < ' ' || matches!(c, '\u{FFFE}' | '\u{FFFF}') => return Err(Refused),
            c => out.push(c),
        }
    }
    Ok(())
}

/// Verbatim, but a value does not begin a new line.
fn plain_text(value: &str, out: &mut String) -> Result<(), Refused> {
    if value.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(Refused);
    }
    out.push_str(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(slot: Slot, value: &str) -> Option<String> {
        let mut out = String::new();
        write(slot, value, &mut out).ok().map(|()| out)
    }

    fn check(slot: Slot, cases: &[(&str, Option<&str>)]) {
        for (value, expected) in cases {
            assert_eq!(written(slot, value).as_deref(), *expected, "{slot:?} {value:?}");
        }
    }

    #[test]
    fn a_query_or_form_value_is_encoded_outside_unreserved() {
        for slot in [Slot::Query, Slot::Form] {
            check(
                slot,
                &[
                    ("peter+dsr@initech.example", Some("peter%2Bdsr%40initech.example")),
                    ("a b&c=d;e#f?g/h%", Some("a%20b%26c%3Dd%3Be%23f%3Fg%2Fh%25")),
                    ("~-._azAZ09", Some("~-._azAZ09")),
                    ("ü😀", Some("%C3%BC%F0%9F%98%80")),
                    ("'*()!", Some("%27%2A%28%29%21")),
                ],
            );
        }
    }

    #[test]
    fn a_path_value_with_a_slash_a_backslash_a_percent_or_a_look_alike_is_refused() {
        check(
            Slot::Path,
            &[
                ("3ef6159b-a523", Some("3ef6159b-a523")),
                ("a@b.example", Some("a%40b.example")),
                ("a;v=1?x:y*", Some("a%3Bv%3D1%3Fx%3Ay%2A")),
                ("é", Some("%C3%A9")),
                ("...", Some("...")),
                ("", None),
                ("a/b", None),
                ("a\\b", None),
                ("a%2fb", None),
                ("a\u{FF0F}b", None),
                ("a\u{FF3C}b", None),
                ("a\u{FE68}b", None),
                ("a\u{FF05}b", None),
                ("a\u{2100}b", None),
                ("a\u{2215}b", None),
                ("a\u{2044}b", None),
                ("a\nb", None),
            ],
        );
    }

    #[test]
    fn a_header_value_is_printable_ascii_and_stands_as_it_is() {
        check(
            Slot::Header,
            &[
                ("Basic c2VjcmV0==", Some("Basic c2VjcmV0==")),
                ("{credentials}", Some("{credentials}")),
                ("é", None),
                ("a\r\nX: 1", None),
                ("a\tb", None),
                ("a\u{560a}", None),
                ("token\n", None),
                (" a", None),
            ],
        );
    }

    #[test]
    fn a_json_string_stays_one_string() {
        check(
            Slot::JsonString,
            &[
                (r#"a","admin":true,"x":""#, Some(r#"a\",\"admin\":true,\"x\":\""#)),
                (r"a\", Some(r"a\\")),
                (r"\u0022", Some(r"\\u0022")),
                ("a\n\u{7f}\u{2028}", Some(r"a\u000a\u007f\u2028")),
                ("ü😀", Some("ü😀")),
            ],
        );
    }

    #[test]
    fn outside_a_json_string_only_a_json_number_stands() {
        for number in ["0", "-0", "7", "12345678901234567890123", "1.10", "-1.5e+10", "2E7", "0.0"]
        {
            assert_eq!(written(Slot::JsonNumber, number).as_deref(), Some(number));
        }
        for other in [
            "", "a", "01", "+1", ".5", "1.", "1e", "1e+", "--1", "0x1", "1 ", "NaN", "true", "1,2",
            "\"1\"", "1]",
        ] {
            assert_eq!(written(Slot::JsonNumber, other), None, "{other}");
        }
    }

    #[test]
    fn xml_is_escaped_in_text_and_in_attributes() {
        check(
            Slot::XmlText,
            &[
                ("</email><admin/>", Some("&lt;/email&gt;&lt;admin/&gt;")),
                ("]]>", Some("]]&gt;")),
                ("&amp;", Some("&amp;amp;")),
                ("O'Brien \"x\"", Some("O'Brien \"x\"")),
                ("a\u{1}b", None),
                ("a\u{FFFE}", None),
            ],
        );
        check(Slot::XmlAttribute, &[("\"'<&>\n", Some("&quot;&#39;&lt;&amp;&gt;&#10;"))]);
    }

    #[test]
    fn plain_text_is_verbatim_on_its_line() {
        check(Slot::PlainText, &[("<é> {x}", Some("<é> {x}")), ("a\nb", None)]);
    }

    #[test]
    fn a_dot_segment_is_one_in_every_spelling() {
        for dots in [".", "..", "%2e", ".%2E", "%2e%2E"] {
            assert!(is_dot_segment(dots), "{dots}");
        }
        for other in ["...", "", ".a", "%2ea"] {
            assert!(!is_dot_segment(other), "{other}");
        }
    }
}
