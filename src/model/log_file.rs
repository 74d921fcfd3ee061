//! A file that somebody wants an instance's output in, besides the one that is always kept: where, in what form, and
//! how much of it. Data only.

use std::path::PathBuf;

/// A file, and how lines are written to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Absolute.
    pub path: PathBuf,
    /// Named in each line unless `metadata` is off: the instance, and its number from 0.
    pub process: String,
    pub replica: u32,
    /// One JSON object a line; else its parts with blanks between them.
    pub json: bool,
    pub metadata: bool,
    /// The form of the time in each line, as Go writes it (`2006-01-02 15:04:05`); `None` is no time.
    pub timestamp: Option<String>,
    /// The order of the parts that are not JSON; parts that are left out are not written.
    pub parts: Vec<LogPart>,
    pub rotation: Option<LogRotation>,
}

/// A part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogPart {
    Time,
    Level,
    Message,
}

/// When a file is put aside, and what becomes of those that are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRotation {
    /// Bytes.
    pub max_size: u64,
    /// 0 is all.
    pub max_backups: usize,
    /// 0 is for ever.
    pub max_age_days: u32,
    pub compress: bool,
}
