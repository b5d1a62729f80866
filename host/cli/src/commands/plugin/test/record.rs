//! Records a cassette: one run against a live upstream, with real identities and secrets that are
//! never written, and everything that the upstream said about a person replaced.
//!
//! What is expected is not what was seen but what comes of playing the recording: it holds no real
//! value then, and it is known to pass.

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail, ensure};
use cordon_model::secret::Credentials;
use cordon_runtime::Tape;
use ipnet::IpNet;
use serde_json::{Map, Value};

use super::cassette::{Asked, Cassette, Ended, Exchange, Expected, Segment};
use super::drive::{Came, Drive};
use super::leaks;
use super::listen::{Heard, Listening};
use super::play;
use super::scrub::Scrub;
use super::setting::Setting;
use super::source::{self, Source};
use crate::commands::body::{by_kind, identity, read, read_json};
use crate::commands::plugin::sandbox::Sandbox;
use crate::output::note;

/// What a recording is made of.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Recording")]
pub(super) struct Recording {
    /// Record a cassette against a live server, into the file that --cassette names; what is sent
    /// takes effect there: a delete deletes
    #[arg(long, requires_all = ["connection", "action", "cassettes"])]
    pub(super) record: bool,
    /// The connection object
    #[arg(long, value_name = "FILE", requires = "record")]
    connection: Option<PathBuf>,
    /// What the connector is asked for
    #[arg(long, value_name = "ACTION", requires = "record", value_parser = asked)]
    action: Option<Asked>,
    /// The kind of identity to find, for identifiers
    #[arg(long, value_name = "KIND", requires = "record")]
    wanted: Option<String>,
    /// A real identity; it is not written down
    #[arg(long = "identity", value_name = "KIND=VALUE", requires = "record", value_parser = identity)]
    identities: Vec<(String, String)>,
    /// The real credentials, a JSON object; they are not written down
    #[arg(long, value_name = "FILE", requires = "record")]
    secrets_file: Option<PathBuf>,
    /// Keep what stands at this place of a response; * in it stands for any name or index
    #[arg(long = "keep", value_name = "POINTER", requires = "record")]
    keep: Vec<String>,
    /// A network that may be called although it is not public, like 127.0.0.0/8
    #[arg(long = "development-network", value_name = "CIDR", requires = "record")]
    pub(super) development_networks: Vec<IpNet>,
    /// Record a run that fails: the failure is what must come of it
    #[arg(long, requires = "record")]
    expect_failure: bool,
    /// Replace the file when there is one
    #[arg(long, requires = "record")]
    force: bool,
}

fn asked(word: &str) -> Result<Asked, String> {
    let known = "access, delete, optout, identifiers or test";
    serde_json::from_value(word.into()).map_err(|_| format!("must be {known}"))
}

/// Refuses to record into a file that is there and is not to be replaced: before anybody is asked
/// anything.
pub(super) fn check_file(args: &Recording, file: &Path) -> anyhow::Result<()> {
    ensure!(args.force || !file.try_exists()?, "{}", is_there(file));
    Ok(())
}

/// Records one run into a file; the cassette.
pub(super) async fn record(
    args: &Recording,
    file: &Path,
    sandbox: &Sandbox,
) -> anyhow::Result<Cassette> {
    let connection = args.connection.as_deref().context("--connection is missing")?;
    let real = asked_for(args, connection)?;
    let secrets = args.secrets_file.as_deref().map(credentials).transpose()?.unwrap_or_default();
    let source = Source::Arguments { connection };
    let setting = Setting::from(source, &real, sandbox, Some(secrets)).await?;
    let mut scrub = scrub(args, &real, &setting)?;
    let listening = Arc::new(Listening::default());
    let tape = Tape::Recorder(Arc::clone(&listening) as _);
    let came = Drive::new(sandbox, &real, &setting).next(None, tape).await?;
    let heard = listening.take();
    check_end(args, &came, &heard)?;
    let exchanges = heard.iter().map(|heard| scrub.exchange(heard));
    let exchanges = exchanges.collect::<anyhow::Result<Vec<Exchange>>>()?;
    for pointer in scrub.kept_nowhere() {
        note(&format!("--keep {pointer}: no response has this place; nothing was kept for it"));
    }
    let cassette = played(made_up(real), exchanges, &came.to, sandbox).await?;
    let text = serde_json::to_string_pretty(&cassette)? + "\n";
    leaks::refuse(&text, &scrub)?;
    write(file, &text, args.force)?;
    Ok(cassette)
}

fn scrub(args: &Recording, real: &Cassette, setting: &Setting) -> anyhow::Result<Scrub> {
    let mut authored = vec![
        Value::Object(real.connection.clone()).to_string(),
        real.wanted.clone().unwrap_or_default(),
    ];
    for query in &setting.connection.queries {
        authored.extend([query.label.clone(), query.method.clone(), query.origin.clone()]);
        authored.push(query.paths.text().to_owned());
    }
    Scrub::new(setting.names.clone(), &args.keep, &authored, !setting.reads.is_empty())
}

/// A failure is seldom what somebody wants to hold a connector to.
fn check_end(args: &Recording, came: &Came, heard: &[Heard]) -> anyhow::Result<()> {
    match (&came.failure, args.expect_failure) {
        (None, false) | (Some(_), true) => Ok(()),
        (None, true) => {
            bail!(
                "the run did not fail, and --expect-failure says that it does; nothing was written"
            )
        }
        (Some(failure), false) => {
            let mut lines = vec![format!("the run failed, and nothing was written: {failure}")];
            if let Some(last) = heard.last() {
                lines.push(last.sentence());
                lines.extend(last.refusal().and_then(source::remedy));
            }
            lines.push("--expect-failure records the failure as what must come of it".to_owned());
            bail!(lines.join("\n  "))
        }
    }
}

fn is_there(file: &Path) -> String {
    format!(
        "{} is there already; record into a new file, or replace it with --force",
        file.display()
    )
}

/// What is asked, with the real identities and without segments.
fn asked_for(args: &Recording, file: &Path) -> anyhow::Result<Cassette> {
    let Value::Object(connection) = read_json(file)?.value else {
        bail!("{} is no JSON object", file.display());
    };
    let action = args.action.context("--action is missing")?;
    ensure!(
        (action == Asked::Identifiers) == args.wanted.is_some(),
        "--wanted names the kind to find in a run for identifiers, and only there"
    );
    let identities = by_kind(args.identities.clone()).into_iter();
    Ok(Cassette {
        about: None,
        connection,
        action,
        wanted: args.wanted.clone(),
        identities: identities.map(|(kind, values)| (kind, values.into())).collect(),
        secrets: Map::new(),
        policy_settings: None,
        grants: None,
        segments: Vec::new(),
    })
}

fn credentials(file: &Path) -> anyhow::Result<Credentials> {
    cordon_secrets::parse_credentials(&read(file)?).map_err(|problems| {
        let said: Vec<_> = problems.iter().map(ToString::to_string).collect();
        anyhow!("{}: {}", file.display(), said.join("; "))
    })
}

/// The same with identities that nobody has.
fn made_up(mut cassette: Cassette) -> Cassette {
    for (kind, values) in &mut cassette.identities {
        let Value::Array(real) = values else { continue };
        let one = |(n, value): (usize, &Value)| nobody(kind, n + 1, value.as_str().unwrap_or(""));
        let mut made_up: Vec<Value> = real.iter().enumerate().map(one).map(Value::String).collect();
        *values = match (made_up.pop(), made_up.is_empty()) {
            (Some(one), true) => one,
            (last, _) => {
                made_up.extend(last);
                made_up.into()
            }
        };
    }
    cassette
}

/// A value of the same kind of text.
fn nobody(kind: &str, n: usize, real: &str) -> String {
    let digits = real.trim_start_matches('+');
    if real.contains('@') {
        format!("{kind}-{n}@cassette.example")
    } else if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        let plus = if digits.len() < real.len() { "+" } else { "" };
        format!("{plus}800000000{n}")
    } else {
        format!("{kind}-{n}")
    }
}

/// Plays what was recorded, and expects what comes of it.
async fn played(
    mut cassette: Cassette,
    exchanges: Vec<Exchange>,
    came: &Expected,
    sandbox: &Sandbox,
) -> anyhow::Result<Cassette> {
    cassette.segments = vec![Segment { input: None, exchanges, expect: came.clone() }];
    let setting = Setting::of(&cassette, sandbox).await?;
    let mut drive = Drive::new(sandbox, &cassette, &setting);
    let again = play::run(&cassette, &setting, &mut drive, 0).await?;
    let hint = "played again without real values the run takes another way; name the places of \
                responses that it depends on with --keep";
    let again = again.map_err(|mismatch| anyhow!("{hint}\n{}", mismatch.lines().join("\n")))?;
    ensure!(alike(came, &again.to), "{hint}");
    let concealed = serde_json::from_value(play::concealed(&again.to, &setting.names))?;
    if let Some(segment) = cassette.segments.first_mut() {
        segment.expect = concealed;
    }
    Ok(cassette)
}

/// Whether two runs came to the same but for values.
fn alike(one: &Expected, other: &Expected) -> bool {
    let counts = |run: &Expected| -> Vec<usize> {
        let lists = run.records.iter().flatten();
        lists.map(|list| list.as_array().map_or(0, Vec::len)).collect()
    };
    let found = |run: &Expected| run.identities.as_ref().map(Vec::len);
    (one.outcome, &one.failure, &one.skipped, counts(one), found(one))
        == (other.outcome, &other.failure, &other.skipped, counts(other), found(other))
}

/// Whole or not at all.
fn write(file: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| Path::new("."));
    let unwritable = || format!("{} cannot be written", file.display());
    std::fs::create_dir_all(directory).with_context(unwritable)?;
    let mut written = tempfile::NamedTempFile::new_in(directory).with_context(unwritable)?;
    written.write_all(text.as_bytes()).with_context(unwritable)?;
    if force {
        written.persist(file).with_context(unwritable)?;
        return Ok(());
    }
    match written.persist_noclobber(file) {
        Ok(_) => Ok(()),
        // Somebody else was faster.
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => bail!(is_there(file)),
        Err(error) => Err(error).with_context(unwritable),
    }
}

/// What to say of a recording that ends where another run would begin.
pub(super) fn goes_on(cassette: &Cassette) -> bool {
    match cassette.segments.first() {
        Some(segment) => matches!(segment.expect.outcome, Ended::RequiresInput | Ended::Pending),
        None => false,
    }
}
