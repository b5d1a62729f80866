//! `cordon plugin dev`: builds, tests and installs a connector into a host, again whenever its
//! sources change.
//!
//! Each round is a version of its own, `VERSION-dev.N`, so that a host never has two components
//! under one name. A component that does not do what its cassettes say is not installed. What was
//! installed by rounds before is removed as soon as nothing uses it.

mod sources;

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::signal::ctrl_c;

use self::sources::Sources;
use super::build::{Built, build};
use super::project::Project;
use super::test;
use crate::client::{ApiPath, Client, Refused};
use crate::commands::body::read;
use crate::output::{Output, View, items, problem_lines, text};

/// How often the sources are looked at. Asking the file system works in containers and on network
/// drives too, where it tells nobody of a change by itself.
const INTERVAL: Duration = Duration::from_millis(500);

/// What a component is sent as.
const WASM: &str = "application/wasm";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The directory of the connector
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
}

/// Rounds of one connector.
struct Rounds<'a> {
    directory: PathBuf,
    client: &'a Client,
    output: Output,
    /// The number of the last round.
    number: u64,
    /// Versions that were installed and are not active any more.
    old: Vec<(String, String)>,
    active: Option<(String, String)>,
    /// The version that was active before the first round, unless a round made it.
    before: Option<(String, String)>,
}

/// Goes on until it is interrupted.
pub(super) async fn run(args: Args, client: &Client, output: Output) -> anyhow::Result<()> {
    let project = Project::find(&args.directory)?;
    let listed = client.get(ApiPath::new(["plugins"])).await?.json()?;
    let mut rounds = Rounds {
        directory: project.directory.clone(),
        client,
        output,
        number: last_round(&listed, &project),
        old: Vec::new(),
        active: None,
        before: active_before(&listed, &project),
    };
    let mut interrupted = pin!(ctrl_c());
    let mut seen = None;
    loop {
        let sources = Sources::of(&rounds.directory)?;
        if seen.as_ref() != Some(&sources) {
            seen = Some(sources);
            tokio::select! {
                round = Box::pin(rounds.next()) => round?,
                _ = &mut interrupted => break,
            }
            rounds.say("watching", "waits for a change; Ctrl-C ends it", &Value::Null)?;
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            _ = &mut interrupted => break,
        }
    }
    match &rounds.active {
        Some((name, version)) => {
            let back = match &rounds.before {
                Some((name, before)) => {
                    format!("to go back: cordon plugin activate {name} {before}")
                }
                None => {
                    format!("once nothing uses it: cordon plugin remove {name} {version}")
                }
            };
            rounds.say("left", &format!("{name} {version} stays active\n{back}"), &Value::Null)
        }
        None => rounds.say("left", "nothing was installed", &Value::Null),
    }
}

/// The highest number of a round that is installed.
fn last_round(listed: &Value, project: &Project) -> u64 {
    let prefix = format!("{}-dev.", project.version);
    let own =
        items(listed, "items").filter(|item| text(item, "name").as_ref() == Some(&project.name));
    let numbers = own.filter_map(|item| text(item, "version")?.strip_prefix(&prefix)?.parse().ok());
    numbers.max().unwrap_or(0)
}

/// The version that its users had before somebody developed it.
fn active_before(listed: &Value, project: &Project) -> Option<(String, String)> {
    let is_active = |item: &&Value| item.get("active").and_then(Value::as_bool).unwrap_or(false);
    let own = |item: &&Value| text(item, "name").as_ref() == Some(&project.name);
    let active = items(listed, "items").filter(own).find(is_active)?;
    let version = text(active, "version")?;
    (!version.contains("-dev.")).then(|| (project.name.clone(), version))
}

impl Rounds<'_> {
    /// One round. What is wrong with the connector, or what the host refuses, is told and ends
    /// the round alone.
    async fn next(&mut self) -> anyhow::Result<()> {
        if let Err(error) = self.round().await {
            let lines = match error.downcast_ref::<Refused>() {
                Some(refused) => problem_lines(refused),
                None => vec![format!("{error:#}")],
            };
            self.say("failed", &lines.join("\n"), &Value::Null)?;
        }
        Ok(())
    }

    async fn round(&mut self) -> anyhow::Result<()> {
        // Name and version may have changed with the rest.
        let project = Project::find(&self.directory)?;
        self.number += 1;
        let name = project.name.clone();
        let version = format!("{}-dev.{}", project.version, self.number);
        let built = build(project, version.clone()).await?;
        self.say("built", &built.line(), &built.to_json())?;
        if !self.passes(&built.component).await? {
            return Ok(());
        }
        self.install(&built, name, version).await?;
        self.tidy_up().await
    }

    /// Whether it does what its cassettes say; it does when there are none.
    async fn passes(&self, component: &Path) -> anyhow::Result<bool> {
        if !self.directory.join(test::CASSETTES).is_dir() {
            return Ok(true);
        }
        let cassettes = test::cassettes_of(&self.directory)?;
        let (view, passed) = Box::pin(test::lines(component, &cassettes)).await?;
        let word = if passed { "tested" } else { "failed" };
        self.say(word, &view.lines().join("\n"), &json!({ "passed": passed }))?;
        Ok(passed)
    }

    async fn install(
        &mut self,
        built: &Built,
        name: String,
        version: String,
    ) -> anyhow::Result<()> {
        let component = read(&built.component)?;
        // A version under development goes before the one that is released.
        let path = ApiPath::new(["plugins"])
            .with("activate", Some(true))
            .with("allow_downgrade", Some(true));
        let installed = self.client.post_as(path, WASM, component).await?.json()?;
        self.old.extend(self.active.take());
        let mut line = format!("installed and active: {name} {version}");
        // What the author would go on to ask would be answered by another version.
        let of_type = installed.get("connections").unwrap_or(&Value::Null);
        if items(of_type, "kept").next().is_some() {
            line.push('\n');
            line.push_str(&super::connections(of_type, &version).lines().join("\n"));
        }
        self.say("installed", &line, &installed)?;
        self.active = Some((name, version));
        Ok(())
    }

    /// Removes what no task and no connection uses any more; the rest is tried again next time.
    async fn tidy_up(&mut self) -> anyhow::Result<()> {
        let mut kept = Vec::new();
        for (name, version) in std::mem::take(&mut self.old) {
            match self.client.delete(ApiPath::new(["plugins", &name, &version])).await {
                Ok(_) => self.say("removed", &format!("removed {name} {version}"), &Value::Null)?,
                Err(error) if error.is::<Refused>() => kept.push((name, version)),
                Err(error) => return Err(error),
            }
        }
        self.old = kept;
        Ok(())
    }

    /// One step: a line, or an object.
    fn say(&self, step: &str, line: &str, about: &Value) -> anyhow::Result<()> {
        if self.output.json {
            let shown = json!({ "step": step, "message": line, "about": about });
            return self.output.raw(&shown.to_string().into());
        }
        let mut lines = line.lines();
        let view = View::line(format!("{step:9}  {}", lines.next().unwrap_or_default()));
        let rest = lines.map(|line| format!("{:9}  {line}", ""));
        self.output.view(&rest.fold(view, View::and_line))
    }
}
