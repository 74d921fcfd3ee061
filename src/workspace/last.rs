//! How each project's last session ended, kept in the state directory for `ovr status` afterwards. One small
//! file a project; the oldest go when there are many.

use super::dirs::Places;
use super::file::{read_small, remove_if_there, write_atomic};
use super::identity::ProjectId;
use crate::model::time_text::{ago, parse_rfc3339};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The version of the file. Append-only.
pub const SCHEMA: u32 = 1;
/// The directory below the state directory.
pub(super) const DIRECTORY: &str = "last";
/// So many projects are remembered.
const MAX_FILES: usize = 200;
/// The cause is a sentence, and no longer than this many bytes.
const MAX_CAUSE: usize = 1000;

/// The end of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastEnd {
    pub schema: u32,
    pub project: String,
    pub root: String,
    /// RFC 3339, in UTC.
    pub started_at: String,
    /// RFC 3339, in UTC.
    pub ended_at: String,
    /// In words: `terminal closed`, `web exited with code 3`.
    pub cause: String,
    /// What `ovr start` exited with.
    pub exit_code: u8,
}

impl LastEnd {
    /// `ended 2 min ago: terminal closed`.
    pub fn sentence(&self, now: SystemTime) -> String {
        match parse_rfc3339(&self.ended_at) {
            Some(ended) => format!("ended {}: {}", ago(ended, now), self.cause),
            None => format!("ended: {}", self.cause),
        }
    }
}

/// Records how the session with this id ended. Does nothing for a user without a home.
pub fn record(places: &Places, id: &ProjectId, end: &LastEnd) -> io::Result<()> {
    let Some(dir) = places.create_state_dir(DIRECTORY)? else {
        return Ok(());
    };
    let mut end = end.clone();
    let cut = (0..=MAX_CAUSE.min(end.cause.len()))
        .rev()
        .find(|at| end.cause.is_char_boundary(*at))
        .unwrap_or(0);
    end.cause.truncate(cut);
    let text = serde_json::to_vec(&end)?;
    write_atomic(&file_of(&dir, id), &text)?;
    forget_oldest(&dir)
}

/// How the last session with this id ended; `None` if nothing is known (or what is written makes no sense).
pub fn read(places: &Places, id: &ProjectId) -> Option<LastEnd> {
    let dir = places.state_root()?.join(DIRECTORY);
    serde_json::from_slice(&read_small(&file_of(&dir, id)).ok()?).ok()
}

fn file_of(dir: &Path, id: &ProjectId) -> PathBuf {
    dir.join(format!("{id}.json"))
}

fn forget_oldest(dir: &Path) -> io::Result<()> {
    let mut files: Vec<(SystemTime, PathBuf)> = fs::read_dir(dir)?
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort();
    let surplus = files.len().saturating_sub(MAX_FILES);
    for (_, path) in files.into_iter().take(surplus) {
        remove_if_there(&path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{DIRECTORY, LastEnd, MAX_FILES, read, record};
    use crate::model::time_text::parse_rfc3339;
    use crate::workspace::{Places, ProjectId};
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    fn places(home: &Path) -> Places {
        Places::resolve(|_| None, Some(home.to_owned()), 4242).unwrap()
    }

    fn end() -> LastEnd {
        LastEnd {
            schema: 1,
            project: "shop".into(),
            root: "/a/shop".into(),
            started_at: "2026-01-31T08:00:00.000Z".into(),
            ended_at: "2026-01-31T08:15:30.000Z".into(),
            cause: "terminal closed".into(),
            exit_code: 129,
        }
    }

    #[test]
    fn the_end_of_a_session_is_told_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let id = ProjectId::of(Path::new("/a/shop"));
        assert_eq!(read(&places, &id), None);
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            0,
            "reading creates nothing"
        );
        record(&places, &id, &end()).unwrap();
        let found = read(&places, &id).unwrap();
        assert_eq!(found, end());
        let now = parse_rfc3339(&found.ended_at).unwrap() + Duration::from_secs(130);
        assert_eq!(found.sentence(now), "ended 2 min ago: terminal closed");
        assert_eq!(read(&places, &ProjectId::of(Path::new("/b/shop"))), None);
    }

    #[test]
    fn the_file_keeps_its_text() {
        let golden = r#"{"schema":1,"project":"shop","root":"/a/shop","started_at":"2026-01-31T08:00:00.000Z","ended_at":"2026-01-31T08:15:30.000Z","cause":"terminal closed","exit_code":129}"#;
        assert_eq!(serde_json::to_string(&end()).unwrap(), golden);
        assert_eq!(serde_json::from_str::<LastEnd>(golden).unwrap(), end());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let long = LastEnd {
            cause: "ü".repeat(10_000),
            ..end()
        };
        for number in 0..MAX_FILES + 20 {
            let id = ProjectId::of(Path::new(&format!("/{number}")));
            record(&places, &id, &long).unwrap();
        }
        let kept = fs::read_dir(places.state_root().unwrap().join(DIRECTORY)).unwrap();
        let sizes: Vec<u64> = kept
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .collect();
        assert_eq!(sizes.len(), MAX_FILES);
        assert!(sizes.iter().all(|size| *size < 1500));
    }

    #[test]
    fn a_file_of_garbage_is_no_end() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let id = ProjectId::of(Path::new("/a"));
        let last = places.create_state_dir(DIRECTORY).unwrap().unwrap();
        fs::write(last.join(format!("{id}.json")), "\0{").unwrap();
        assert_eq!(read(&places, &id), None);
    }
}
