//! The walk-through of the README does what it says, word for word, but for address and directory.

use std::process::Command;

use crate::support::test_process::TestProcess;

/// What the commands of the walk-through need beside a shell.
const NEEDED: [&str; 3] = ["curl", "timeout", "unzip"];

#[tokio::test]
async fn the_walk_through_of_the_readme_ends_with_the_file_it_promises() {
    for program in NEEDED {
        if Command::new(program).arg("--help").output().is_err() {
            eprintln!("SKIPPED: {program} is not installed");
            return;
        }
    }
    let readme = include_str!("../../README.md");
    let script = readme.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let process = TestProcess::start().await;
    let data = process.data_directory();
    let script = script
        .replace("127.0.0.1:7070", process.address())
        .replace("cordon-data", data.to_str().unwrap());
    let output = tokio::task::spawn_blocking(move || {
        Command::new("timeout")
            .args(["60", "bash", "-euc", &script])
            .current_dir(data)
            .output()
            .unwrap()
    });
    let output = output.await.unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    assert!(stdout.contains("phone_number,+1 512 555 0142"), "{stdout}");
}
