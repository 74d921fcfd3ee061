//! One line of output with all that is known about it. Plain data.

use crate::model::{InstanceId, RunId};

/// What a record's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A complete line that the service printed.
    Output,
    /// The line that the service has not ended yet; the complete line comes as a record of its own.
    Open,
    /// `ovr` says it about the service.
    Event,
}

/// One line, wherever it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Counts all records of a session from 1, in the order in which they came.
    pub seq: u64,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    pub instance: InstanceId,
    pub run: RunId,
    pub kind: RecordKind,
    /// Of a complete line: the how manieth of its instance's in this millisecond. With the time, its place in the files
    /// as well, whoever reads it when.
    pub nth: u32,
    /// Valid UTF-8 without line end; no control characters but TAB and SGR sequences, closed.
    pub text: &'a [u8],
}
