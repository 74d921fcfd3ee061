//! Marks: what a shim writes into its terminal's byte stream for the controller to see, in order with the
//! output around it. tmux shows nothing for an OSC sequence it does not know, and passes it on.
//!
//! Format: `ESC ] 5127 ; NONCE ; WORD [; RUN] ESC \`. The nonce is the shim's own (told in its hello), so that
//! a service that prints marks, or a nested `ovr`, is not believed.

use super::RunId;

/// What opens every mark.
pub const MARK_PREFIX: &[u8] = b"\x1b]5127;";
/// What closes every mark.
pub const MARK_END: &[u8] = b"\x1b\\";
/// No mark is longer, so a decoder never buffers more.
pub const MARK_MAX: usize = 96;

/// One mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// What follows is output of this run.
    RunBegins(RunId),
    /// The last byte of this run has passed.
    RunEnds(RunId),
    /// What follows is the shim's own text for whoever looks at the window; not output.
    NoteBegins,
    NoteEnds,
}

impl Mark {
    /// The bytes to write to the terminal.
    pub fn encode(self, nonce: &str) -> Vec<u8> {
        let body = match self {
            Self::RunBegins(run) => format!("{nonce};begin;{run}"),
            Self::RunEnds(run) => format!("{nonce};end;{run}"),
            Self::NoteBegins => format!("{nonce};note"),
            Self::NoteEnds => format!("{nonce};/note"),
        };
        [MARK_PREFIX, body.as_bytes(), MARK_END].concat()
    }

    /// Reads what stood between prefix and end; `None` for another nonce or an unknown word.
    pub fn decode(body: &[u8], nonce: &str) -> Option<Self> {
        let body = std::str::from_utf8(body).ok()?;
        let rest = body.strip_prefix(nonce)?.strip_prefix(';')?;
        let run = |text: &str| text.parse().ok().map(RunId);
        match rest.split_once(';') {
            Some(("begin", number)) => run(number).map(Self::RunBegins),
            Some(("end", number)) => run(number).map(Self::RunEnds),
            None if rest == "note" => Some(Self::NoteBegins),
            None if rest == "/note" => Some(Self::NoteEnds),
            Some(_) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MARK_END, MARK_MAX, MARK_PREFIX, Mark};
    use crate::model::RunId;

    #[test]
    fn marks_read_back_as_written_and_only_with_their_nonce() {
        for mark in [
            Mark::RunBegins(RunId(1)),
            Mark::RunEnds(RunId(u64::MAX)),
            Mark::NoteBegins,
            Mark::NoteEnds,
        ] {
            let bytes = mark.encode("a1b2c3d4e5f60718");
            assert!(bytes.len() <= MARK_MAX);
            let body = bytes
                .strip_prefix(MARK_PREFIX)
                .unwrap()
                .strip_suffix(MARK_END)
                .unwrap();
            assert_eq!(Mark::decode(body, "a1b2c3d4e5f60718"), Some(mark));
            assert_eq!(Mark::decode(body, "a1b2c3d4e5f60719"), None);
        }
        assert_eq!(Mark::decode(b"n;begin;x", "n"), None);
        assert_eq!(Mark::decode(b"n;other", "n"), None);
    }
}
