//! `cordon request input`: what a person looked up, as text and as files.
//!
//! Reads files and puts the body together; the server judges labels, types and sizes.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use cordon_model::TaskId;
use cordon_model::port::Clock as _;
use serde_json::{Map, Value};

use super::super::body::{read_json, segment};
use super::{Id, view};
use crate::client::{ApiPath, Client, JSON};
use crate::clock::SystemClock;
use crate::output::Output;

/// Larger files are no input for the API, whatever the server's limits.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Media types by the ending of a file's name; any other file is `application/octet-stream`.
const MEDIA_TYPES: [(&str, &str); 10] = [
    ("csv", "text/csv"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("txt", "text/plain"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("zip", "application/zip"),
];

#[derive(Debug, clap::Args)]
#[group(id = "given", required = true, multiple = false, args = ["values", "file", "nothing"])]
pub(super) struct Args {
    #[command(flatten)]
    id: Id,
    /// The connection of the manual webhook, or the id of any task that asked
    #[arg(value_parser = segment)]
    connection: String,
    /// What was found: label=text, label=@FILE for a file, label=@@text for a text that begins
    /// with @. Other users of this machine can see arguments: --file keeps texts out of the list
    /// of processes
    #[arg(value_name = "LABEL=VALUE", value_parser = value)]
    values: Vec<(String, Found)>,
    /// All texts as a JSON object of labels and values; - reads standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Searched, and found nothing
    #[arg(long)]
    nothing: bool,
}

/// What was found for one label.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Text(String),
    File(PathBuf),
}

pub(super) async fn run(args: Args, client: &Client, output: Output) -> anyhow::Result<()> {
    let Args { id, connection, values, file, nothing: _ } = args;
    let path: ApiPath = match connection.parse::<TaskId>() {
        Ok(_) => id.below(["tasks", &connection, "input"]),
        Err(_) => id.below(["manual-inputs", &connection]),
    };
    let (media_type, body) = match file {
        Some(file) => (JSON.to_owned(), read_json(&file)?.bytes),
        None => body(&values)?,
    };
    output.answer(&client.put_as(path, &media_type, body).await?, view::given)
}

fn value(text: &str) -> Result<(String, Found), String> {
    let (label, value) =
        text.split_once('=').ok_or("write LABEL=VALUE, like phone=\"+1 512 555 0142\"")?;
    let found = match value.strip_prefix('@') {
        Some(escaped) if escaped.starts_with('@') => Found::Text(escaped.to_owned()),
        Some("") => return Err("a file is written as LABEL=@FILE".to_owned()),
        Some(path) => Found::File(path.into()),
        None => Found::Text(value.to_owned()),
    };
    Ok((label.to_owned(), found))
}

/// The media type and the body: JSON, or a form when files are among what was found.
fn body(values: &[(String, Found)]) -> anyhow::Result<(String, Bytes)> {
    let mut object = Map::new();
    let mut has_files = false;
    for (label, found) in values {
        let value = match found {
            Found::Text(text) => Value::from(text.as_str()),
            Found::File(_) => Value::Null,
        };
        has_files |= value.is_null();
        ensure!(object.insert(label.clone(), value).is_none(), "{label} is given twice");
    }
    if has_files {
        // Random enough to stand in no file.
        let boundary = cordon_engine::new_uuid(SystemClock.now()).simple().to_string();
        let media_type = format!("multipart/form-data; boundary={boundary}");
        return Ok((media_type, form(values, &boundary)?));
    }
    Ok((JSON.to_owned(), Value::Object(object).to_string().into()))
}

fn form(values: &[(String, Found)], boundary: &str) -> anyhow::Result<Bytes> {
    let mut form = Vec::new();
    for (label, found) in values {
        let name = quoted(label)?;
        form.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name={name}").bytes());
        match found {
            Found::Text(text) => form.extend(format!("\r\n\r\n{text}\r\n").bytes()),
            Found::File(path) => {
                let name = path.file_name().and_then(|name| name.to_str());
                let name = name.with_context(|| format!("{} names no file", path.display()))?;
                let (quoted, media_type) = (quoted(name)?, media_type(name));
                form.extend(
                    format!("; filename={quoted}\r\nContent-Type: {media_type}\r\n\r\n").bytes(),
                );
                form.extend(read(path)?);
                form.extend(b"\r\n");
            }
        }
    }
    form.extend(format!("--{boundary}--\r\n").bytes());
    Ok(form.into())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let unreadable = || format!("{} cannot be read", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(unreadable)?;
    let fits = bytes.len() as u64 <= FILE_BYTES_MAX;
    ensure!(fits, "{} has more than {FILE_BYTES_MAX} bytes", path.display());
    Ok(bytes)
}

/// A parameter of a header, as it is sent in forms (RFC 7578): raw, but for quotes.
fn quoted(text: &str) -> anyhow::Result<String> {
    if text.chars().any(char::is_control) || text.ends_with('\\') {
        bail!("a label or a name with control characters or a backslash at its end cannot be sent");
    }
    Ok(format!("\"{}\"", text.replace('"', "\\\"")))
}

fn media_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let known = MEDIA_TYPES.iter().find(|(known, _)| ending.as_deref() == Some(known));
    known.map_or("application/octet-stream", |(_, media_type)| media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_at_sign_means_a_file_and_two_mean_one() {
        let found = |text: &str| value(text);
        let text = |label: &str, text: &str| Ok((label.to_owned(), Found::Text(text.to_owned())));
        assert_eq!(found("phone=+1=2"), text("phone", "+1=2"));
        assert_eq!(found("phone="), text("phone", ""));
        assert_eq!(found("handle=@@peter"), text("handle", "@peter"));
        assert_eq!(found("scan=@a.pdf"), Ok(("scan".to_owned(), Found::File("a.pdf".into()))));
        assert!(found("phone").is_err());
        assert!(found("scan=@").is_err());
    }

    #[test]
    fn texts_alone_are_json_and_a_file_makes_a_form() {
        let (media_type, json) = body(&[value("a=1").unwrap(), value("b=").unwrap()]).unwrap();
        assert_eq!((media_type.as_str(), &json[..]), (JSON, br#"{"a":"1","b":""}"#.as_slice()));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("Ausweis \"Kopie\".PDF");
        std::fs::write(&path, "%PDF\r\n").unwrap();
        let values = [value("a=1").unwrap(), ("scan".to_owned(), Found::File(path))];
        let expected = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
             --B\r\nContent-Disposition: form-data; name=\"scan\"; \
             filename=\"Ausweis \\\"Kopie\\\".PDF\"\r\nContent-Type: application/pdf\r\n\r\n\
             %PDF\r\n\r\n--B--\r\n";
        assert_eq!(form(&values, "B").unwrap(), expected);
        assert!(body(&values).unwrap().0.starts_with("multipart/form-data; boundary="));
    }

    #[test]
    fn a_label_that_is_given_twice_or_breaks_its_line_is_refused() {
        assert!(body(&[value("a=1").unwrap(), value("a=2").unwrap()]).is_err());
        assert!(quoted("a\r\nX: y").is_err());
    }
}
