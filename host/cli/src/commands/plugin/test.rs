//! `cordon plugin test`: runs a component in the sandbox of a host against cassettes. Nothing of
//! it touches the network, unless a cassette is recorded.

mod cassette;
mod difference;
mod document;
mod drive;
mod leaks;
mod listen;
mod names;
mod play;
mod player;
mod record;
mod scrub;
mod setting;
mod source;
mod url_stand_in;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use self::cassette::Cassette;
use self::difference::Mismatch;
use super::project;
use super::sandbox::{Sandbox, Setting};
use crate::commands::Outcome;
use crate::commands::body::read;
use crate::output::{Output, View, note};

/// Where a project keeps its cassettes.
pub(super) const CASSETTES: &str = "cassettes";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A component, or the directory of a connector that was built
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// A cassette; left out: every one in the directory's cassettes/
    #[arg(long = "cassette", value_name = "FILE")]
    cassettes: Vec<PathBuf>,
    #[command(flatten)]
    recording: record::Recording,
}

/// What became of one cassette.
struct Played {
    file: PathBuf,
    exchanges: usize,
    /// Why it could not be played, or what was not as it says.
    result: Result<Vec<Mismatch>, anyhow::Error>,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<Outcome> {
    let component = project::component(&args.path)?;
    if args.recording.record {
        return record(&args, &component, output).await;
    }
    let cassettes =
        if args.cassettes.is_empty() { cassettes_of(&args.path)? } else { args.cassettes };
    let (played, sandbox) = play_all(&component, &cassettes).await?;
    let passed = played.iter().all(Played::passed);
    if output.json {
        let of = &sandbox.admission.plugin.reference;
        let shown = json!({
            "component": component.display().to_string(),
            "digest": of.digest.to_string(),
            "passed": passed,
            "cassettes": played.iter().map(Played::to_json).collect::<Vec<_>>(),
        });
        output.raw(&shown.to_string().into())?;
    } else {
        let views = played.iter().map(Played::view);
        output.view(&views.fold(View::default(), View::and))?;
    }
    Ok(if passed { Outcome::Done } else { Outcome::Failed })
}

/// Plays cassettes one after the other; what became of each as lines, and whether all passed.
pub(super) async fn lines(component: &Path, cassettes: &[PathBuf]) -> anyhow::Result<(View, bool)> {
    let (played, _) = play_all(component, cassettes).await?;
    let passed = played.iter().all(Played::passed);
    Ok((played.iter().map(Played::view).fold(View::default(), View::and), passed))
}

async fn play_all(
    component: &Path,
    cassettes: &[PathBuf],
) -> anyhow::Result<(Vec<Played>, Sandbox)> {
    let sandbox = Sandbox::admit(read(component)?, Setting::of_cassettes()?).await?;
    let mut played = Vec::new();
    for file in cassettes {
        played.push(Box::pin(play_file(file, &sandbox)).await);
    }
    Ok((played, sandbox))
}

async fn play_file(file: &Path, sandbox: &Sandbox) -> Played {
    let mut exchanges = 0;
    let result = match Cassette::read(file) {
        Ok(cassette) => {
            exchanges = cassette.segments.iter().map(|segment| segment.exchanges.len()).sum();
            play::play(&cassette, sandbox).await
        }
        Err(error) => Err(error),
    };
    Played { file: file.to_owned(), exchanges, result }
}

async fn record(args: &Args, component: &Path, output: Output) -> anyhow::Result<Outcome> {
    let [file] = args.cassettes.as_slice() else {
        bail!("a recording is written into one file: name one with --cassette");
    };
    record::check_file(&args.recording, file)?;
    let setting = Setting {
        development_networks: args.recording.development_networks.clone(),
        without_waiting: false,
    };
    let sandbox = Sandbox::admit(read(component)?, setting).await?;
    let cassette = Box::pin(record::record(&args.recording, file, &sandbox)).await?;
    if record::goes_on(&cassette) {
        note("the run goes on after this; write what follows as another segment");
    }
    let exchanges: usize = cassette.segments.iter().map(|segment| segment.exchanges.len()).sum();
    if output.json {
        let shown = json!({ "file": file.display().to_string(), "exchanges": exchanges });
        output.raw(&shown.to_string().into())?;
    } else {
        output.view(&View::line(format!("recorded  {}  {}", file.display(), count(exchanges))))?;
    }
    Ok(Outcome::Done)
}

/// Every cassette of a project, by name.
pub(super) fn cassettes_of(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    ensure!(path.is_dir(), "name the cassettes of a component with --cassette");
    let directory = path.join(CASSETTES);
    let unreadable = || format!("{} cannot be read", directory.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&directory).with_context(unreadable)? {
        let file = entry.with_context(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "json") {
            // As a person would write it.
            files.push(file.strip_prefix(".").map(Path::to_owned).unwrap_or(file));
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "{} holds no cassette", directory.display());
    Ok(files)
}

fn count(exchanges: usize) -> String {
    if exchanges == 1 { "1 exchange".to_owned() } else { format!("{exchanges} exchanges") }
}

impl Played {
    fn passed(&self) -> bool {
        self.result.as_ref().is_ok_and(Vec::is_empty)
    }

    fn view(&self) -> View {
        let file = self.file.display();
        if self.passed() {
            return View::line(format!("ok      {file}  {}", count(self.exchanges)));
        }
        let view = View::line(format!("FAILED  {file}"));
        let lines = match &self.result {
            Ok(mismatches) => mismatches.iter().flat_map(Mismatch::lines).collect(),
            Err(error) => vec![format!("{error:#}")],
        };
        lines.iter().fold(view, |view, line| view.and_line(format!("  {line}")))
    }

    fn to_json(&self) -> Value {
        let (mismatches, problem) = match &self.result {
            Ok(mismatches) => (mismatches.iter().map(Mismatch::to_json).collect(), Value::Null),
            Err(error) => (Vec::new(), Value::from(format!("{error:#}"))),
        };
        json!({
            "file": self.file.display().to_string(),
            "passed": self.passed(),
            "exchanges": self.exchanges,
            "mismatches": mismatches,
            "problem": problem,
        })
    }
}
