//! Tells what happens, as it happens: the requests that reach the acme API, and every change of
//! a privacy request. Values that name the person are never in what it is given to tell.

use std::io::Write;
use std::time::Duration;

use anyhow::bail;
use serde_json::Value;
use tokio::sync::broadcast;

use super::acme::Call;
use super::api::Api;
use super::text;

/// How often a request is looked at while it is followed.
const LOOK: Duration = Duration::from_millis(20);
/// How long a request is followed before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes the story.
pub(super) struct Narrator<'a> {
    out: &'a mut (dyn Write + Send),
    calls: broadcast::Receiver<Call>,
}

impl<'a> Narrator<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), calls: broadcast::Receiver<Call>) -> Self {
        Self { out, calls }
    }

    /// Begins a chapter.
    pub(super) fn title(&mut self, title: &str) -> anyhow::Result<()> {
        writeln!(self.out, "\n== {title}")?;
        Ok(self.out.flush()?)
    }

    /// A line of the story.
    pub(super) fn say(&mut self, line: &str) -> anyhow::Result<()> {
        writeln!(self.out, "   {line}")?;
        Ok(self.out.flush()?)
    }

    /// A file, or lines to copy.
    pub(super) fn block(&mut self, lines: &str) -> anyhow::Result<()> {
        for line in lines.lines() {
            writeln!(self.out, "   | {line}")?;
        }
        Ok(self.out.flush()?)
    }

    /// What reached the acme API since the last look.
    pub(super) fn calls(&mut self) -> anyhow::Result<()> {
        while let Ok(call) = self.calls.try_recv() {
            let key = if call.idempotency_key { "  with Idempotency-Key" } else { "" };
            writeln!(self.out, "   → acme  {} {}  {}{key}", call.method, call.path, call.status)?;
        }
        Ok(self.out.flush()?)
    }

    /// Follows a request until it has this status, telling each change.
    pub(super) async fn follow(
        &mut self,
        api: &Api,
        id: &str,
        wanted: &str,
    ) -> anyhow::Result<Value> {
        let started = tokio::time::Instant::now();
        let mut told = String::new();
        loop {
            let request = api.get(&["privacy-requests", id]).await?;
            self.calls()?;
            let status = text(&request, "/status");
            if status != told {
                self.say(&format!("request {status}"))?;
                told = status.to_owned();
            }
            if status == wanted {
                self.tasks(&request)?;
                return Ok(request);
            }
            if matches!(status, "error" | "denied" | "canceled" | "complete") {
                let problems = request.get("problems").unwrap_or(&Value::Null);
                bail!("the request ended as {status}: {problems}");
            }
            if started.elapsed() > PATIENCE {
                bail!("the request is still {status}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn tasks(&mut self, request: &Value) -> anyhow::Result<()> {
        let tasks = request.pointer("/tasks").and_then(Value::as_array);
        for task in tasks.into_iter().flatten() {
            let (connection, action) = (text(task, "/connection"), text(task, "/action"));
            self.say(&format!("  {connection} {action}: {}", text(task, "/status")))?;
        }
        Ok(())
    }
}
