//! `cordon request watch` and `request submit --wait`, as a person and as a script see them.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::{Value, json};

use crate::support::seed;
use crate::support::test_process::TestProcess;
use crate::support::upstream::{Gate, Reply, Upstream};

/// A host with the example's connection, whose access query waits for the gate.
async fn held_host(gate: &Gate) -> (TestProcess, Upstream) {
    let upstream = seed::upstream().await;
    let held = gate.clone();
    upstream.on("GET", "/v0/users", move |_| Reply::json(seed::ACCESS).held_by(&held));
    let process = TestProcess::start().await;
    let operator = process.operator();
    let created = operator.post("/v1/connections", &seed::connection(&upstream)).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let secrets = json!({ "credentials": seed::CREDENTIALS });
    operator.put("/v1/connections/user-service/secrets", &secrets).await;
    (process, upstream)
}

async fn submit(process: &TestProcess, policy: &str) -> String {
    let body = json!({ "policy": policy, "identities": { "email": seed::EMAIL } });
    let accepted = process.operator().post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    accepted.json["id"].as_str().unwrap().to_owned()
}

/// Reads lines until one holds this text.
fn read_until(lines: &mut impl Iterator<Item = String>, wanted: &str) -> Vec<String> {
    let mut read = Vec::new();
    for line in lines {
        let found = line.contains(wanted);
        read.push(line);
        if found {
            return read;
        }
    }
    panic!("{wanted} is not among {read:#?}");
}

fn lines_of(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_terminal_is_a_watch_tells_each_change_in_a_line() {
    let gate = Gate::new();
    let (process, _upstream) = held_host(&gate).await;
    let id = submit(&process, "access").await;
    let mut command = process.cordon(&["request", "watch", &id]).await;
    let (code, lines) = blocking(move || {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = lines_of(&mut child);
        let mut read = read_until(&mut lines, "user-service access: running");
        gate.open();
        read.extend(lines);
        (child.wait().unwrap().code(), read)
    })
    .await;
    assert_eq!(code, Some(0), "{lines:#?}");
    assert!(lines.contains(&"user-service access: complete  2 records".to_owned()), "{lines:#?}");
    assert_eq!(lines.last().unwrap(), &format!("request {id}: complete"));
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "{lines:#?}");
    let mut once = lines.clone();
    once.dedup();
    assert_eq!(once, lines, "a line is a change");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_json_each_change_is_an_object_on_a_line() {
    let gate = Gate::new();
    gate.open();
    let (process, _upstream) = held_host(&gate).await;
    let id = submit(&process, "access").await;
    let mut command = process.cordon(&["--json", "request", "watch", &id]).await;
    let output = blocking(move || command.output().unwrap()).await;
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let objects: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(objects.iter().all(|object| object["id"] == id.as_str()));
    assert_eq!(objects.last().unwrap()["status"], "complete");
}

/// A terminal of this size, and its other end.
fn terminal(rows: u16, columns: u16) -> (File, File) {
    let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&master, size).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let slave = File::options().read(true).write(true).open(name).unwrap();
    (master.into(), slave)
}

/// Runs a command on a terminal and gives everything that it wrote there.
fn on_terminal(mut command: Command, look: impl Fn(&str)) -> (Option<i32>, String) {
    let (mut master, slave) = terminal(24, 60);
    command.env("TERM", "xterm").stdout(slave.try_clone().unwrap()).stderr(slave);
    let mut child = command.spawn().unwrap();
    // The command's copies of the terminal would keep it open for ever.
    drop(command);
    let (mut written, mut buffer) = (Vec::new(), [0; 4096]);
    // At the end of the last writer a read fails.
    while let Ok(read @ 1..) = master.read(&mut buffer) {
        written.extend_from_slice(&buffer[..read]);
        look(&String::from_utf8_lossy(&written));
    }
    (child.wait().unwrap().code(), String::from_utf8(written).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_a_watch_draws_the_stages_over_themselves() {
    let gate = Gate::new();
    let (process, _upstream) = held_host(&gate).await;
    let id = submit(&process, "access").await;
    let command = process.cordon(&["request", "watch", &id]).await;
    let (code, written) = blocking(move || {
        on_terminal(command, |written| {
            if written.contains("running") {
                gate.open();
            }
        })
    })
    .await;
    assert_eq!(code, Some(0), "{written:?}");
    assert!(written.contains("\u{1b}["), "it is drawn over itself: {written:?}");
    let last = written.rsplit("request ").next().unwrap();
    assert!(last.contains("complete"), "{last:?}");
    assert!(last.contains("access") && last.contains("1 of 1"), "{last:?}");
    assert!(last.contains("  user-service access"), "{last:?}");
    assert!(last.ends_with("\r\n"), "the cursor stands on a line of its own: {last:?}");
    for mode in ["\u{1b}[?25l", "\u{1b}[?1049h"] {
        assert!(!written.contains(mode), "no mode of the terminal is left behind");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_watch_says_that_the_request_goes_on_and_so_it_does() {
    let gate = Gate::new();
    let (process, _upstream) = held_host(&gate).await;
    let id = submit(&process, "access").await;
    let mut command = process.cordon(&["request", "watch", &id]).await;
    let (code, said) = blocking(move || {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        read_until(&mut lines_of(&mut child), "running");
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    })
    .await;
    assert_eq!(code, Some(1), "a script must not go on as if it was done");
    assert_eq!(
        said,
        format!("the request goes on; follow it again with: cordon request watch {id}\n")
    );
    gate.open();
    process.operator().wait_for_status(&id, "complete").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waits_for_a_person_names_the_command_and_a_watch_goes_on() {
    let gate = Gate::new();
    gate.open();
    let (process, _upstream) = held_host(&gate).await;
    let identity = format!("email={}", seed::EMAIL);
    let submit = ["request", "submit", "--policy", "delete", "--identity", &identity, "--wait"];
    let mut command = process.cordon(&submit).await;
    let output = blocking(move || command.output().unwrap()).await;
    assert_eq!(output.status.code(), Some(0), "it waits for a person, which is no failure");
    let said = String::from_utf8(output.stdout).unwrap();
    let (before, id) = said.trim_end().split_once("cordon request approve ").unwrap();
    assert!(before.contains("pending"), "{said}");

    let mut command = process.cordon(&["request", "watch", id]).await;
    let operator = process.operator();
    let (id, runtime) = (id.to_owned(), tokio::runtime::Handle::current());
    let (code, lines) = blocking(move || {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = lines_of(&mut child);
        read_until(&mut lines, "cordon request approve");
        let deny = format!("/v1/privacy-requests/{id}/deny");
        runtime.block_on(operator.post(&deny, &json!({ "reason": "a test" })));
        let rest: Vec<_> = lines.collect();
        (child.wait().unwrap().code(), rest)
    })
    .await;
    assert_eq!(code, Some(1), "a denied request did not do what was asked");
    assert!(lines.last().unwrap().ends_with(": denied"), "{lines:#?}");
}
