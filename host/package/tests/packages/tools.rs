//! Packages read by programs that are not ours. A tool that is not installed is named in the
//! output of the test, and what it would have checked is not checked.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::page::hostile;
use crate::support::{Host, text_of};

/// What a tool printed, when it is there. Fails when the tool does.
fn run(tool: &str, arguments: &[&str], directory: &Path) -> Option<String> {
    let mut command = Command::new(tool);
    command.args(arguments).current_dir(directory).stdin(Stdio::null());
    // The names in a package are UTF-8; unzip writes them in the encoding of the locale.
    command.env("LC_ALL", "C.UTF-8");
    let output = match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("SKIPPED: {tool} is not installed, so it could not read the package");
            return None;
        }
        output => output.unwrap(),
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool}: {errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The hostile package as a file, and its files as we read them.
async fn package_on_disk() -> (tempfile::TempDir, Vec<(String, Vec<u8>)>) {
    let (host, contents) = (Host::new(), hostile());
    let package = host.put(&contents).await.unwrap();
    let packages: &dyn cordon_model::port::Packages = &host.packages;
    let zip = packages.get(&contents.tenant, contents.request, &package).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("package.zip"), zip).unwrap();
    (directory, host.files(&contents).await)
}

fn assert_extracted(directory: &Path, files: &[(String, Vec<u8>)]) {
    for (path, bytes) in files {
        assert_eq!(std::fs::read(directory.join(path)).expect(path), *bytes, "{path}");
    }
}

#[tokio::test]
async fn unzip_finds_no_fault_and_extracts_every_file() {
    let (directory, files) = package_on_disk().await;
    if run("unzip", &["-tq", "package.zip"], directory.path()).is_some() {
        run("unzip", &["-q", "package.zip", "-d", "out"], directory.path());
        assert_extracted(&directory.path().join("out"), &files);
    }
}

#[tokio::test]
async fn python_extracts_every_file() {
    let (directory, files) = package_on_disk().await;
    let program = "import zipfile; z = zipfile.ZipFile('package.zip'); \
                   assert z.testzip() is None; z.extractall('out')";
    if run("python3", &["-c", program], directory.path()).is_some() {
        assert_extracted(&directory.path().join("out"), &files);
    }
}

#[tokio::test]
async fn python_reads_the_cells_that_were_written() {
    let (directory, files) = package_on_disk().await;
    let program = "import csv, io, json, zipfile; \
                   z = zipfile.ZipFile('package.zip'); \
                   read = lambda n: io.StringIO(z.read(n).decode('utf-8'), newline=''); \
                   rows = {n: list(csv.reader(read(n), strict=True)) \
                           for n in z.namelist() if n.endswith('.csv')}; \
                   print(json.dumps(rows))";
    let Some(printed) = run("python3", &["-c", program], directory.path()) else { return };
    let rows: Value = serde_json::from_str(&printed).unwrap();
    for number in [1, 2] {
        let path = format!("crm/{number}.csv");
        let text = text_of(&files, &path);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let expected: Vec<Vec<String>> = reader.deserialize().map(Result::unwrap).collect();
        assert!(expected.len() >= crate::page::HOSTILE.len());
        assert_eq!(rows[&path], serde_json::to_value(&expected).unwrap());
    }
}

/// A tag and its attributes, as python's parser tells them.
type Tag = (String, Vec<(String, Option<String>)>);

#[tokio::test]
async fn python_sees_no_script_no_handler_and_no_address_in_the_page() {
    let (directory, _) = package_on_disk().await;
    let program = "
import html.parser, json, zipfile
seen = []
class Reader(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        seen.append([tag, attributes])
Reader().feed(zipfile.ZipFile('package.zip').read('index.html').decode('utf-8'))
print(json.dumps(seen))
";
    let Some(printed) = run("python3", &["-c", program], directory.path()) else { return };
    let tags: Vec<Tag> = serde_json::from_str(&printed).unwrap();
    assert!(tags.len() > 100);
    for (tag, attributes) in tags {
        assert!(!["script", "img", "iframe", "svg", "base", "link"].contains(&&*tag), "{tag}");
        for (name, value) in attributes {
            assert!(!name.starts_with("on") && name != "src" && name != "style", "{tag} {name}");
            let value = value.unwrap_or_default();
            assert!(
                !value.contains("//") && !value.contains("javascript:"),
                "{tag} {name} {value}"
            );
        }
    }
}
