//! A host that cannot start says why in one line, exits with 1, and changes nothing.

use std::fs;
use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::support::test_process::{TestProcess, refused_start, refused_start_of_nobody};

/// One line, and what it must name.
fn assert_told(stderr: &str, named: &[&str]) {
    let last = stderr.lines().last().unwrap_or_default();
    for name in named {
        assert!(last.contains(name), "{name} is not named: {stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[tokio::test]
async fn a_store_that_another_process_holds_is_reported() {
    let process = TestProcess::start().await;
    let stderr = refused_start(process.data_directory(), &[]).await;
    assert_told(&stderr, &["another process"]);
}

#[tokio::test]
async fn a_damaged_store_is_reported_and_never_replaced() {
    let mut process = TestProcess::start().await;
    process.kill();
    let file = process.data_directory().join("cordon.redb");
    let mut bytes = fs::read(&file).unwrap();
    bytes.truncate(bytes.len() / 2);
    bytes[..64].fill(0xA5);
    fs::write(&file, &bytes).unwrap();
    let stderr = refused_start(process.data_directory(), &[]).await;
    assert_told(&stderr, &["cordon.redb", "damaged"]);
    assert_eq!(fs::read(&file).unwrap(), bytes, "the file is as it was");
}

#[tokio::test]
async fn a_store_without_its_root_key_is_reported_and_gets_no_new_one() {
    let mut process = TestProcess::start().await;
    process.kill();
    let key = process.data_directory().join("root.key");
    fs::remove_file(&key).unwrap();
    let stderr = refused_start(process.data_directory(), &[]).await;
    assert_told(&stderr, &["root.key"]);
    assert!(!key.exists());
}

#[tokio::test]
async fn a_port_in_use_is_reported_and_leaves_no_trace() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let stderr = refused_start(&data, &["--listen", &address]).await;
    assert_told(&stderr, &[&address]);
    assert!(!data.exists());
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_made_is_reported() {
    let stderr = refused_start(Path::new("/proc/cordon-data"), &[]).await;
    assert_told(&stderr, &["/proc/cordon-data"]);
}

#[tokio::test]
async fn all_errors_of_the_configuration_are_reported_at_once_with_their_keys() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cordon.toml");
    fs::write(&file, "[server]\nlisten = \"nowhere\"\n[egres]\n[log]\nlevel = \"loud\"\n").unwrap();
    let config = file.to_str().unwrap();
    let stderr = refused_start(&directory.path().join("data"), &["--config", config]).await;
    for key in ["server.listen", "egres", "log.level"] {
        assert!(stderr.contains(key), "{key} is not named: {stderr}");
    }
}

/// As root, permissions and a small disk can be had for real.
fn is_root() -> bool {
    let root =
        fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !root {
        eprintln!("SKIPPED: this test needs root");
    }
    root
}

#[tokio::test]
async fn a_data_directory_without_permission_is_reported() {
    if !is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let data = directory.path().join("data");
    fs::create_dir(&data).unwrap();
    let stderr = refused_start_of_nobody(&data).await;
    assert_told(&stderr, &["permission", data.to_str().unwrap()]);
}

#[tokio::test]
async fn a_full_disk_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let small = directory.path().join("small");
    fs::create_dir(&small).unwrap();
    let mount = |args: &[&str]| {
        let done = Command::new(args[0]).args(&args[1..]).arg(&small).output();
        done.is_ok_and(|output| output.status.success())
    };
    if !is_root() || !mount(&["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs"]) {
        eprintln!("SKIPPED: no small file system can be mounted");
        return;
    }
    let stderr = refused_start(small.join("data"), &[]).await;
    assert!(mount(&["umount"]));
    assert_told(&stderr, &["full"]);
}
