//! A name for a file that a person supplied: one that every system can unpack, and that looks
//! like what it is.
//!
//! The name that was given is kept in the manifest; this one stands in the zip. Called by `folder`.

use cordon_model::subject::is_invisible;
use unicode_normalization::UnicodeNormalization as _;

/// What a file is called when nothing of its name can be kept.
const NAMELESS: &str = "file";

/// Longest extension that is kept when a name is shortened, in bytes.
const EXTENSION_BYTES_MAX: usize = 16;

/// Names that Windows gives to devices, whatever the extension.
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The last part of the path in `given`, in NFC, without control, bidirectional and zero-width
/// characters, without what a file system refuses, at most `bytes_max` bytes long.
pub(crate) fn safe_name(given: &str, bytes_max: usize) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible = last.chars().filter(|c| !is_invisible(*c));
    let name: String = visible.map(|c| if is_refused(c) { '_' } else { c }).nfc().collect();
    let name = shorten(trim(&name), bytes_max);
    // Only now: what is cut off may have been all that made it another name.
    let name = if is_reserved(&name) { shorten(&format!("_{name}"), bytes_max) } else { name };
    if name.is_empty() { NAMELESS.to_owned() } else { name }
}

/// Windows drops dots and spaces at the end; a dot in front hides a file elsewhere.
fn trim(name: &str) -> &str {
    name.trim_matches(|c: char| c == '.' || c.is_whitespace())
}

/// Whether Unicode keeps this code point out of every text, whatever JSON lets through.
pub(crate) fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

fn is_refused(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') || is_noncharacter(c)
}

fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let port = |stem: &str| {
        let number = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
        number.is_some_and(|number| {
            let mut chars = number.chars();
            // The superscript digits of Latin-1 count as digits there.
            matches!(chars.next(), Some('0'..='9' | '¹' | '²' | '³')) && chars.next().is_none()
        })
    };
    RESERVED.contains(&stem.as_str()) || port(&stem)
}

fn shorten(name: &str, bytes_max: usize) -> String {
    if name.len() <= bytes_max {
        return name.to_owned();
    }
    let cut = |text: &str, max: usize| {
        text.get(..text.floor_char_boundary(max)).unwrap_or_default().to_owned()
    };
    let short = match name.rfind('.').map(|dot| name.split_at(dot)) {
        Some((stem, extension)) if extension.len() <= EXTENSION_BYTES_MAX.min(bytes_max / 2) => {
            format!("{}{extension}", trim(&cut(stem, bytes_max - extension.len())))
        }
        Some(_) | None => cut(name, bytes_max),
    };
    trim(&short).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::is_nfc;

    use super::*;

    #[test]
    fn a_name_keeps_what_is_harmless() {
        for (given, expected) in [
            ("scan.pdf", "scan.pdf"),
            ("Zeugnis Größe 2.PDF", "Zeugnis Größe 2.PDF"),
            ("e\u{301}te\u{301}.txt", "été.txt"),
            ("李.jpeg", "李.jpeg"),
            ("a'b&c=d.txt", "a'b&c=d.txt"),
        ] {
            assert_eq!(safe_name(given, 120), expected);
        }
    }

    #[test]
    fn a_path_leaves_only_its_last_part() {
        for (given, expected) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\p\\scan.pdf", "scan.pdf"),
            ("\\\\server\\share\\", "file"),
            ("/", "file"),
            ("..", "file"),
            (".", "file"),
            ("", "file"),
            (".htaccess", "htaccess"),
        ] {
            assert_eq!(safe_name(given, 120), expected, "{given:?}");
        }
    }

    #[test]
    fn a_name_that_deceives_or_that_a_system_refuses_is_changed() {
        for (given, expected) in [
            ("invoice\u{202E}fdp.exe", "invoicefdp.exe"),
            ("a\0b\r\n.txt", "ab.txt"),
            ("zero\u{200B}width\u{FEFF}.txt", "zerowidth.txt"),
            ("what?*<>|\":.txt", "what_______.txt"),
            ("a\u{fffe}b", "a_b"),
            ("CON", "_CON"),
            ("aux.txt", "_aux.txt"),
            ("NUL .tar.gz", "_NUL .tar.gz"),
            ("com1", "_com1"),
            ("LPT².doc", "_LPT².doc"),
            ("com10", "com10"),
            ("console.log", "console.log"),
            ("report.pdf. . .", "report.pdf"),
        ] {
            assert_eq!(safe_name(given, 120), expected, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_is_shortened_and_keeps_its_extension() {
        assert_eq!(safe_name(&format!("{}.pdf", "x".repeat(500)), 10), "xxxxxx.pdf");
        assert_eq!(safe_name(&"ä".repeat(500), 9), "ä".repeat(4));
        assert_eq!(safe_name(&format!("a.{}", "x".repeat(500)), 9), "a.xxxxxxx");
        assert_eq!(safe_name("abc", 0), "file");
    }

    proptest! {
        #[test]
        fn any_name_becomes_one_that_can_be_unpacked(given in any::<String>(), max in 8_usize..200) {
            let name = safe_name(&given, max);
            prop_assert!(!name.is_empty() && name.len() <= max);
            prop_assert!(is_nfc(&name));
            prop_assert!(!name.chars().any(|c| is_invisible(c) || is_refused(c)));
            prop_assert!(!name.contains(['/', '\\']) && !is_reserved(&name));
            prop_assert_eq!(trim(&name), name.as_str());
        }
    }
}
