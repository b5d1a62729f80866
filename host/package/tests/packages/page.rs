//! `index.html` as a browser would read it.

use cordon_model::package::{FoundIdentity, Omission, PackageContents, PackageFile};
use cordon_package::Options;
use proptest::prelude::*;
use scraper::{Html, Selector};
use serde_json::json;
use sha2::Digest as _;

use crate::support::{Host, SEED_ACCESS, contents, section, text_of};

/// What upstreams, submitters and form fillers might try.
pub(crate) const HOSTILE: [&str; 22] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title></td></table><iframe src=//evil.example>",
    "<!-- --!> --> <![CDATA[ ]]>",
    "<svg/onload=alert(1)>",
    "<a href=https://evil.example>click</a>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "{{ 7*7 }} {% raw %} ${7*7}",
    "&lt;script&gt; &#60;script&#62; &amp;",
    "=HYPERLINK(\"http://evil.example\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\u{202E}desrever\u{202C} \u{2066}isolate",
    "nul\0 bell\u{7} esc\u{1b}[31m",
    "line\r\nbreak\u{2028}\u{2029}",
    "\u{feff}＜script＞ \u{fffe}",
    "🦀 李 Zoë e\u{301}",
    "`-alert(1)-`",
];

/// Contents in which every text that is not the host's own is hostile.
pub(crate) fn hostile() -> PackageContents {
    let record = HOSTILE.iter().enumerate().map(|(n, text)| {
        // As a key, as a value, below a key and in a list.
        (format!("{n}{text}"), json!({ *text: [text, { "k": text }] }))
    });
    let record = serde_json::Value::Object(record.collect());
    let flat = serde_json::Value::Object(
        HOSTILE.iter().map(|text| ((*text).to_owned(), json!(text))).collect(),
    );
    let mut contents = contents(vec![section("crm", &[&json!([record, flat]).to_string()])]);
    contents.sections[0].files = HOSTILE
        .iter()
        .map(|text| PackageFile {
            label: (*text).to_owned(),
            name: format!("{text}.html"),
            media_type: (*text).to_owned(),
            bytes: bytes::Bytes::from_static(b"<script>alert(1)</script>"),
        })
        .collect();
    contents.external_id = Some(HOSTILE.concat());
    contents.identities = Some(
        HOSTILE
            .iter()
            .map(|text| FoundIdentity {
                connection: "crm".parse().unwrap(),
                kind: "user_id".parse().unwrap(),
                value: (*text).to_owned(),
            })
            .collect(),
    );
    contents.omissions = HOSTILE
        .iter()
        .map(|text| Omission {
            connection: None,
            task: None,
            code: (*text).to_owned(),
            detail: (*text).to_owned(),
        })
        .collect();
    contents
}

async fn page_with(contents: &PackageContents, options: Options) -> String {
    text_of(&Host::with_options(options).files(contents).await, "index.html")
}

async fn page_of(contents: &PackageContents) -> String {
    page_with(contents, Options::default()).await
}

fn select<'a>(html: &'a Html, selector: &str) -> Vec<scraper::ElementRef<'a>> {
    html.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(element: scraper::ElementRef<'_>) -> String {
    element.text().collect::<String>().trim().to_owned()
}

fn texts(html: &Html, selector: &str) -> Vec<String> {
    select(html, selector).into_iter().map(text).collect()
}

#[tokio::test]
async fn the_page_shows_the_example_of_the_document() {
    let mut contents = contents(vec![section("user-service", &[SEED_ACCESS])]);
    contents.external_id = Some("case-7".to_owned());
    let html = Html::parse_document(&page_of(&contents).await);
    assert_eq!(html.errors, Vec::<String>::new(), "it is valid HTML");
    let request = contents.request.to_string();
    assert_eq!(
        texts(&html, "dd"),
        [&*request, "1 March 2026, 09:30 UTC", "access", "case-7", "acme"]
    );
    assert_eq!(texts(&html, "h2"), ["user-service", "Files"]);
    let headings = texts(&html, "tbody th:not([scope=colgroup])");
    let shown = [
        "first_name",
        "last_name",
        "company",
        "friends",
        "1",
        "2",
        "address_type",
        "address",
        "street",
        "city",
        "state",
        "zip_code",
    ];
    assert_eq!(headings[..12], shown);
    let values = texts(&html, "article td");
    let peter = ["Peter", "Gibbons", "Initech", "Samir", "Michael"];
    let home = ["Home", "191 N. Lamar", "Flander", "Illinois", "77070"];
    assert_eq!(values, [peter, home].concat());
}

#[tokio::test]
async fn nested_values_stand_below_their_key_with_the_way_to_them() {
    let record = r#"[{"id":9007199254740993,"o":[{"items":[{"n":1.10}],"paid":true},{}],"e":"","z":null,"l":[]}]"#;
    let html = Html::parse_document(&page_of(&contents(vec![section("crm", &[record])])).await);
    let rows: Vec<String> = texts(&html, "article tbody tr");
    assert_eq!(
        rows,
        [
            "id9007199254740993",
            "o",
            "1 › items › 1 › n1.10",
            "1 › paidtrue",
            "2empty group",
            "eempty text",
            "zno value",
            "lempty list",
        ]
    );
}

#[tokio::test]
async fn whatever_an_upstream_sends_the_page_has_no_script_and_loads_nothing() {
    let page = page_of(&hostile()).await;
    let html = Html::parse_document(&page);
    assert_eq!(html.errors, Vec::<String>::new(), "nothing broke out of its place");
    for forbidden in [
        "script",
        "img",
        "iframe",
        "object",
        "embed",
        "svg",
        "base",
        "link",
        "form",
        "input",
        "template",
        "[src]",
        "[style]",
        "[srcdoc]",
        "[action]",
        "[background]",
        "[target]",
    ] {
        assert_eq!(select(&html, forbidden).len(), 0, "{forbidden}");
    }
    assert_eq!(select(&html, "style").len(), 1);
    for element in select(&html, "*") {
        for (name, value) in element.value().attrs() {
            assert!(!name.starts_with("on"), "{name}");
            if name == "href" {
                let local = value.starts_with('#') || value.starts_with("crm/");
                let own = ["identities.json", "index.html", "manifest.json"].contains(&value);
                assert!(local || own, "{value}");
                assert!(!value.contains([':', '"', '\'', '<', '>', '\\']), "{value}");
            }
        }
    }
    // All of it is there to read nevertheless.
    let values: Vec<String> = select(&html, "td").into_iter().map(|e| e.text().collect()).collect();
    for text in HOSTILE
        .iter()
        .filter(|text| !text.contains(|c: char| c.is_control() || "\u{fffe}\u{2066}".contains(c)))
    {
        assert!(values.iter().any(|value| value == text), "{text:?}");
    }
    assert!(values.iter().any(|value| value == "nul␀ bell␇ esc␛[31m"));
}

#[tokio::test]
async fn the_policy_of_the_page_allows_its_own_style_and_nothing_else() {
    let page = page_of(&hostile()).await;
    let html = Html::parse_document(&page);
    let policies = select(&html, "head meta[http-equiv=Content-Security-Policy]");
    assert_eq!(policies.len(), 1);
    let style: String = select(&html, "style")[0].text().collect();
    let digest = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        sha2::Sha256::digest(style),
    );
    assert_eq!(
        policies[0].value().attr("content"),
        Some(&*format!(
            "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        ))
    );
    assert!(page.find("Content-Security-Policy") < page.find("<style"), "it comes first");
    assert!(!page.contains("url(") && !page.contains("@import"));
}

#[tokio::test]
async fn the_page_can_be_read_without_seeing_it() {
    let html = Html::parse_document(&page_of(&hostile()).await);
    assert_eq!(select(&html, "html[lang=en]").len(), 1);
    assert!(!texts(&html, "title")[0].is_empty());
    assert_eq!(select(&html, "h1").len(), 1);
    assert_eq!(select(&html, "main").len(), 1);
    for cell in select(&html, "th") {
        assert!(cell.value().attr("scope").is_some(), "{}", cell.html());
    }
    let ids: Vec<_> = select(&html, "[id]").iter().filter_map(|e| e.value().id()).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len());
    for link in select(&html, "a[href^='#']") {
        assert!(ids.contains(&&link.value().attr("href").unwrap()[1..]));
    }
    let levels: Vec<u8> = select(&html, "h1,h2,h3,h4")
        .iter()
        .map(|heading| heading.value().name().as_bytes()[1] - b'0')
        .collect();
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "no level is skipped");
}

#[tokio::test]
async fn every_link_of_the_page_leads_to_a_file_of_the_package() {
    let contents = hostile();
    let files = Host::new().files(&contents).await;
    let html = Html::parse_document(&text_of(&files, "index.html"));
    let mut linked = std::collections::BTreeSet::new();
    for link in select(&html, "a:not([href^='#'])") {
        let href = link.value().attr("href").unwrap();
        let url = url::Url::parse("file:///package/index.html").unwrap().join(href).unwrap();
        let path = percent_encoding::percent_decode_str(url.path()).decode_utf8().unwrap();
        let path = path.strip_prefix("/package/").expect("below the package").to_owned();
        assert!(files.iter().any(|(name, _)| *name == path), "{path}");
        linked.insert(path);
    }
    let unlinked: Vec<_> = files.iter().filter(|(name, _)| !linked.contains(name)).collect();
    assert_eq!(unlinked.len(), 1, "all but the page itself");
}

#[tokio::test]
async fn the_page_gives_the_digest_of_every_file_but_itself_and_the_manifest() {
    let files = Host::new().files(&hostile()).await;
    let html = Html::parse_document(&text_of(&files, "index.html"));
    let rows = select(&html, ".digests tbody tr");
    assert_eq!(rows.len(), files.len() - 2);
    let selector = |text: &str| Selector::parse(text).unwrap();
    for row in rows {
        let path = text(row.select(&selector("a")).next().unwrap());
        let digest = text(row.select(&selector("td")).next().unwrap());
        let (_, bytes) = files.iter().find(|(name, _)| *name == path).unwrap();
        assert_eq!(digest, crate::support::sha256_hex(bytes));
    }
}

#[tokio::test]
async fn what_is_missing_is_said_in_plain_words() {
    let mut contents = contents(Vec::new());
    let omission = |connection: Option<&str>, code: &str, detail: &str| Omission {
        connection: connection.map(|key| key.parse().unwrap()),
        task: None,
        code: code.to_owned(),
        detail: detail.to_owned(),
    };
    contents.omissions = vec![
        omission(Some("billing"), "missing_placeholder", "no user_id is known"),
        omission(None, "rule_unserved", "no connection serves access"),
    ];
    let html = Html::parse_document(&page_of(&contents).await);
    let missing = texts(&html, ".missing li");
    assert_eq!(
        missing,
        [
            "billing A detail that is needed to search here was not known, so nothing was searched. \
             no user_id is known (missing_placeholder)",
            "The request as a whole No source is set up for this part of the request. \
             no connection serves access (rule_unserved)",
        ]
    );
    assert!(
        text(select(&html, ".sum")[0]).ends_with("No records were found. 2 parts are missing.")
    );
}

#[tokio::test]
async fn the_page_shows_so_much_and_says_where_the_rest_is() {
    let many: Vec<_> = (0..40).map(|n| json!({ "n": n, "list": [1, 2, 3] })).collect();
    let mut contents = contents(vec![
        section("large", &[&json!(many).to_string()]),
        section("small", &[r#"[{"text":"0123456789"}]"#]),
    ]);
    contents.identities = Some(Vec::new());
    let options = Options {
        page_rows_max: 30,
        page_value_chars_max: 8,
        page_files_max: 5,
        ..Options::default()
    };
    let html = Html::parse_document(&page_with(&contents, options).await);
    let notes = texts(&html, ".note");
    assert_eq!(
        notes,
        [
            "1 more value of this record is not shown on this page; the CSV file and the JSON file \
             have all of them.",
            "This page shows 4 of 40 records. All of them are CSV and JSON files in the folder large.",
            "78 more files are listed in manifest.json.",
        ]
    );
    assert!(
        texts(&html, "td").contains(&"01234567… shortened; the files have all of it".to_owned())
    );

    let options = Options { page_text_bytes_max: 100, ..Options::default() };
    let html = Html::parse_document(&page_with(&contents, options).await);
    assert!(texts(&html, ".note")[0].contains("more value"), "bytes are counted too");
    let options = Options { page_rows_max: 0, ..Options::default() };
    let html = Html::parse_document(&page_with(&contents, options).await);
    assert!(texts(&html, ".note")[0].contains("This page shows 0 of 40 records."));
}

/// The names of the elements of a page about one value, and what stands in the value's cell.
fn tags_of(key: &str, value: &str) -> (Vec<String>, String) {
    let record = json!([{ key: { key: value } }]).to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let page = runtime.block_on(page_of(&contents(vec![section("crm", &[&record])])));
    let html = Html::parse_document(&page);
    assert_eq!(html.errors, Vec::<String>::new());
    let tags = select(&html, "*").iter().map(|tag| tag.value().name().to_owned()).collect();
    (tags, select(&html, "article td")[0].text().collect())
}

proptest! {
    #[test]
    fn no_name_and_no_value_changes_what_the_page_is_made_of(
        key in prop_oneof![any::<String>(), "[<>&\"'/a-z!=-]{0,20}"],
        value in prop_oneof![any::<String>(), "[<>&\"'/a-z!=-]{1,20}", prop::sample::select(&HOSTILE[..])
            .prop_map(str::to_owned)],
    ) {
        prop_assume!(!value.is_empty());
        let (tags, shown) = tags_of(&key, &value);
        prop_assert_eq!(tags, tags_of("k", "v").0);
        if !value.chars().any(|c| c.is_control() || !c.is_alphanumeric() && !c.is_ascii()) {
            prop_assert_eq!(shown, value);
        }
    }
}
