//! A stand-in for a URL in an answer, which a connector that reads answers may follow: the same
//! origin where it is the author's, the author's own path segments and names of parameters, and
//! stand-ins for everything else.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use url::Url;

/// Whether a text is a URL that a connector could follow.
pub(super) fn is_url(text: &str) -> bool {
    let web = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    web && Url::parse(text).is_ok_and(|url| url.has_host())
}

/// The stand-in. `stand_in` replaces a part.
pub(super) fn of(
    text: &str,
    authored: &BTreeSet<String>,
    stand_in: &mut impl FnMut(&str) -> String,
) -> String {
    let Ok(url) = Url::parse(text) else { return stand_in("") };
    let mut part = |part: &str| {
        let plain = percent_decode_str(part).decode_utf8_lossy();
        if part.is_empty() || authored.contains(plain.as_ref()) {
            part.to_owned()
        } else {
            stand_in(&plain)
        }
    };
    let host = url.host_str().unwrap_or_default();
    let own = authored.contains(host);
    let port = url.port().filter(|_| own).map(|port| format!(":{port}")).unwrap_or_default();
    let host = if own { host } else { "cassette.example" };
    let path: Vec<String> = url.path().split('/').map(&mut part).collect();
    let query = url.query().map(|query| {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) => format!("{name}={}", part(value)),
            None => part(pair),
        });
        format!("?{}", pairs.collect::<Vec<_>>().join("&"))
    });
    let path = path.join("/");
    format!("{}://{host}{port}{path}{}", url.scheme(), query.unwrap_or_default())
}
