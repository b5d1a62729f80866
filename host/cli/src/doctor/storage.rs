//! The data directory: who may write there, how much fits, and whether time goes forward.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cordon_model::Timestamp;
use cordon_model::port::Clock as _;
use rustix::fs::{Access, access, statvfs};

use super::Finding;
use crate::clock::SystemClock;

/// Below this a host cannot work for long.
const SPACE_LEAST: u64 = 256 << 20;
/// Below this somebody should look.
const SPACE_COMFORTABLE: u64 = 2 << 30;
/// How far the clock may be behind the newest file: clocks of file systems are coarse.
const CLOCK_SLACK: Duration = Duration::from_secs(5);

/// Whether a host may write there, and nobody else read.
pub(super) fn directory(data: &Path) -> Finding {
    const CHECK: &str = "data directory";
    let shown = data.display();
    let there = existing(data);
    if access(&there, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let found = format!("{} may not be written to", there.display());
        return Finding::fail(CHECK, found, "give it to the user that runs the host");
    }
    if there != data {
        return Finding::ok(CHECK, format!("{shown} will be made at the first start"));
    }
    match fs::metadata(data) {
        Ok(metadata) if metadata.mode() & 0o077 != 0 => {
            let found = format!("{shown} is open to other users");
            Finding::warn(CHECK, found, format!("run: chmod 700 {shown}"))
        }
        Ok(_) => Finding::ok(CHECK, format!("{shown} is the host's alone")),
        Err(error) => Finding::fail(CHECK, format!("{shown}: {error}"), "make it readable"),
    }
}

/// How much fits.
pub(super) fn space(data: &Path) -> Finding {
    const CHECK: &str = "disk space";
    let disk = match statvfs(existing(data)) {
        Ok(disk) => disk,
        Err(error) => {
            let remedy = "make sure that the data directory lies on a readable disk";
            return Finding::fail(CHECK, error.to_string(), remedy);
        }
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let found = format!("{} MiB free", free >> 20);
    let remedy = "make room, or put data.directory on a larger disk";
    match free {
        0..SPACE_LEAST => Finding::fail(CHECK, found, remedy),
        SPACE_LEAST..SPACE_COMFORTABLE => Finding::warn(CHECK, found, remedy),
        _ => Finding::ok(CHECK, found),
    }
}

/// A clock that went back makes deadlines and signatures wrong.
pub(super) fn clock(data: &Path) -> Finding {
    const CHECK: &str = "clock";
    let now = SystemClock.now();
    let newest = files_below(data).iter().filter_map(|path| modified(path)).max();
    let Some(newest) = newest else { return Finding::ok(CHECK, format!("{now:.0}")) };
    if now + CLOCK_SLACK >= newest {
        return Finding::ok(CHECK, format!("{now:.0}, not before the newest file"));
    }
    let found = format!("{now:.0}, but a file of the data directory is of {newest:.0}");
    Finding::fail(CHECK, found, "set the clock, and keep it set (chrony, systemd-timesyncd)")
}

fn modified(path: &Path) -> Option<Timestamp> {
    Timestamp::try_from(fs::metadata(path).ok()?.modified().ok()?).ok()
}

/// The files of the directory itself; what lies deeper is never newer than the store.
fn files_below(data: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(data) else { return Vec::new() };
    entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
}

/// The directory, or the nearest one above it that is there.
fn existing(data: &Path) -> PathBuf {
    let absolute = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let there = absolute.ancestors().find(|ancestor| ancestor.exists());
    if data.exists() { data.to_owned() } else { there.unwrap_or(data).to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::SystemTime;

    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_directory_that_is_not_there_yet_is_judged_by_the_one_above() {
        let directory = tempfile::tempdir().unwrap();
        let finding = super::directory(&directory.path().join("a/b"));
        assert_eq!(finding.verdict, Verdict::Ok);
        assert!(finding.found.contains("first start"));
    }

    #[test]
    fn a_directory_that_others_can_read_is_told_of() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let finding = super::directory(directory.path());
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(finding.remedy.unwrap().starts_with("run: chmod 700"));
    }

    #[test]
    fn a_clock_behind_the_newest_file_fails() {
        let directory = tempfile::tempdir().unwrap();
        let file = fs::File::create(directory.path().join("cordon.redb")).unwrap();
        assert_eq!(clock(directory.path()).verdict, Verdict::Ok);
        let day = Duration::from_secs(24 * 60 * 60);
        file.set_modified(file.metadata().unwrap().modified().unwrap() + day).unwrap();
        assert!(file.metadata().unwrap().modified().unwrap() > SystemTime::UNIX_EPOCH);
        assert_eq!(clock(directory.path()).verdict, Verdict::Fail);
    }
}
