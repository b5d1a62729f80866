//! A host that cannot start says why in one line, exits with 1, and changes nothing.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use crate::support::test_process::{TestProcess, refused_start};

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
