//! What services print: lines as they come or were kept, and what goes with them. Append-only, as all messages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to a request to write the logs out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Synced {
    pub schema: u32,
    /// The directory that the files are in; `null` where none are kept.
    pub dir: Option<String>,
}

/// The last line of an answer about kept lines: where the next reading begins, and what this one has left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsEnd {
    /// The next reading's `since`: it goes on exactly here.
    pub cursor: String,
    /// So many older lines, at least, were left out for `lines` or `max_bytes`.
    pub cut: u64,
    /// There are more behind the cursor: `max_bytes` has ended the reading.
    pub more: bool,
    /// As `since`, the same for what services printed, without ovr's own words: for who goes on with `/v1/output`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<String>,
}

/// One line of merged output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputLine {
    pub at: String,
    pub name: String,
    /// The service's place in its file: decides its colour.
    pub position: u32,
    pub run: u64,
    pub kind: LineKind,
    /// Without line end. SGR sequences are kept if colour was asked for; nothing else is left in.
    pub text: String,
    /// A match and its neighbours have the same number, where neighbours were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u64>,
    /// Of what a service printed, as it comes: the how manieth of its lines in this millisecond. With `at`, its place in
    /// what is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// The service printed it.
    Output,
    /// The service printed it and has not ended the line.
    Open,
    /// `ovr` says it about the service.
    Event,
    /// `text` lines are missing here: the reader was too slow.
    Gap,
    /// The session is over, and this is the last line: who follows need not look for another controller.
    End,
}
