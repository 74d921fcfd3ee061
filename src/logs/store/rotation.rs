//! Putting a configured log file aside when it is full, and removing those that are too many or too old. Named as
//! Process Compose names them: `web-2026-01-31T08-15-30.042.log`, compressed with `.gz` behind it.

use super::files::remove_if_there;
use super::pack::HALF_DONE;
use crate::model::LogRotation;
use crate::model::time_text::{epoch_millis, from_epoch_millis, parse_rfc3339, rfc3339};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Renames the file and looks after those that were put aside before. Returns what is to be compressed.
pub(super) fn put_aside(path: &Path, rotation: LogRotation) -> io::Result<Vec<PathBuf>> {
    let now = SystemTime::now();
    // Two in one millisecond must not become one.
    let free = (epoch_millis(now)..).map(|at| backup(path, at));
    let free = free
        .into_iter()
        .find(|name| !name.exists() && !packed(name).exists());
    let name = free.expect("some later millisecond is free");
    match fs::rename(path, &name) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut backups = backups(path)?;
    // Newest first.
    backups.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let age = Duration::from_secs(u64::from(rotation.max_age_days) * 24 * 60 * 60);
    let oldest = epoch_millis(now.checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH));
    let mut unpacked = Vec::new();
    for (index, (at, file)) in backups.into_iter().enumerate() {
        let surplus = rotation.max_backups > 0 && index >= rotation.max_backups;
        let outdated = rotation.max_age_days > 0 && at < oldest;
        if surplus || outdated {
            remove_if_there(&file)?;
        } else if rotation.compress && file.extension().is_none_or(|extension| extension != "gz") {
            unpacked.push(file);
        }
    }
    Ok(unpacked)
}

/// The name that the file gets at this time.
fn backup(path: &Path, at_ms: u64) -> PathBuf {
    let (stem, extension) = parts(path);
    let stamp = rfc3339(from_epoch_millis(at_ms)).replace(':', "-");
    path.with_file_name(format!("{stem}-{}{extension}", stamp.trim_end_matches('Z')))
}

fn packed(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    PathBuf::from(name)
}

/// The file's name up to its extension, and that with its dot.
fn parts(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let extension = path
        .extension()
        .map(|extension| format!(".{}", extension.to_string_lossy()));
    (text(path.file_stem()), extension.unwrap_or_default())
}

/// What was put aside of this file, with the time.
fn backups(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path.parent().unwrap_or(Path::new(".")))? {
        let file = entry?.path();
        let time = put_aside_at(path, &file);
        found.extend(time.map(|time| (epoch_millis(time), file)));
    }
    Ok(found)
}

/// When `file` was put aside, if it was `path` once.
fn put_aside_at(path: &Path, file: &Path) -> Option<SystemTime> {
    let (stem, extension) = parts(path);
    let name = file.file_name()?.to_str()?;
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let stamp = name.strip_prefix(&stem)?.strip_prefix('-')?;
    let (date, time) = stamp.strip_suffix(&extension)?.split_once('T')?;
    let time = time.replace('-', ":");
    parse_rfc3339(&format!("{date}T{time}Z"))
}

/// Whether `file` is this configured log file, was it before it was put aside, or is what that is being compressed to.
pub fn is_of(path: &Path, file: &Path) -> bool {
    let is_beside = file.parent() == path.parent();
    let is_half_done = file.file_name().is_some_and(|name| name == HALF_DONE);
    is_beside && (file == path || is_half_done || put_aside_at(path, file).is_some())
}

#[cfg(test)]
mod tests {
    use super::{backups, is_of, put_aside};
    use crate::model::LogRotation;
    use std::fs;
    use std::path::Path;

    #[test]
    fn a_log_file_is_known_under_each_of_its_names_and_nothing_else_is() {
        let log = Path::new("/p/app.out");
        for own in [
            "app.out",
            "app-2026-01-31T08-15-30.042.out",
            "app-2026-01-31T08-15-30.042.out.gz",
            "packing.part",
        ] {
            assert!(is_of(log, &Path::new("/p").join(own)), "{own}");
        }
        for other in [
            "app.rb",
            "app-new.out",
            "app-2026.out",
            "sub/app.out",
            "app.out.rb",
        ] {
            assert!(!is_of(log, &Path::new("/p").join(other)), "{other}");
        }
    }

    #[test]
    fn what_is_put_aside_is_kept_in_number_and_age_and_the_rest_is_to_be_compressed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.log");
        for name in [
            "web-2001-01-31T08-15-30.042.log.gz",
            "web-not.log",
            "webby-2001-01-31T08-15-30.042.log",
        ] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let rotation = LogRotation {
            max_size: 1,
            max_backups: 2,
            max_age_days: 0,
            compress: true,
        };
        for number in 0..3 {
            fs::write(&path, format!("{number}")).unwrap();
            let unpacked = put_aside(&path, rotation).unwrap();
            assert!((1..=2).contains(&unpacked.len()), "{unpacked:?}");
        }
        let kept = backups(&path).unwrap();
        let mut texts: Vec<String> = kept
            .iter()
            .map(|(_, file)| fs::read_to_string(file).unwrap())
            .collect();
        texts.sort();
        assert_eq!(texts, ["1", "2"]);
        assert!(dir.path().join("web-not.log").exists());
        assert!(dir.path().join("webby-2001-01-31T08-15-30.042.log").exists());
        let old = dir.path().join("web-2001-01-31T08-15-30.042.log");
        fs::write(&old, "old").unwrap();
        fs::write(&path, "3").unwrap();
        let by_age = LogRotation {
            max_backups: 0,
            max_age_days: 7,
            compress: false,
            ..rotation
        };
        assert!(put_aside(&path, by_age).unwrap().is_empty());
        assert!(!old.exists());
        assert_eq!(backups(&path).unwrap().len(), 3);
    }
}
