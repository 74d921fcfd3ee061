//! One line of a log file: `2026-01-31T08:15:30.042Z 3 | text`, made for `less`, `grep` and `cut`. Time in UTC,
//! the run, a sign for what the text is, and the text without colours. Bytes to bytes; knows no files.

use crate::model::RunId;
use crate::model::time_text::{epoch_millis, from_epoch_millis, parse_rfc3339, rfc3339};
use std::io::Write;

/// What a line's text is. The signs are part of the files' format: none is ever given another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// The service printed it.
    Output,
    /// `ovr` says it about the service.
    Event,
    /// A run begins here; the text says which.
    Begin,
    /// Lines are missing here; the text says how many and why.
    Gap,
}

impl EntryKind {
    const ALL: [Self; 4] = [Self::Output, Self::Event, Self::Begin, Self::Gap];

    fn sign(self) -> u8 {
        match self {
            Self::Output => b'|',
            Self::Event => b'-',
            Self::Begin => b'+',
            Self::Gap => b'~',
        }
    }
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    pub run: RunId,
    pub kind: EntryKind,
    /// Without line end and colours.
    pub text: &'a [u8],
}

/// `2026-01-31T08:15:30.042Z`.
const STAMP: usize = 24;

/// Writes entries; remembers what the last one began with, which most lines of a flood have in common.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    at_ms: Option<u64>,
    stamp: Vec<u8>,
    last: Option<(u64, RunId, EntryKind)>,
    head: Vec<u8>,
}

impl Encoder {
    /// Appends everything of a line but its text and its end.
    #[inline]
    pub(super) fn head(&mut self, at_ms: u64, run: RunId, kind: EntryKind, out: &mut Vec<u8>) {
        if self.last != Some((at_ms, run, kind)) {
            self.make_head(at_ms, run, kind);
        }
        out.extend_from_slice(&self.head);
    }

    fn make_head(&mut self, at_ms: u64, run: RunId, kind: EntryKind) {
        if self.at_ms != Some(at_ms) {
            self.stamp.clear();
            self.stamp
                .extend_from_slice(rfc3339(from_epoch_millis(at_ms)).as_bytes());
            self.at_ms = Some(at_ms);
        }
        self.head.clear();
        self.head.extend_from_slice(&self.stamp);
        self.head.push(b' ');
        // Writing to a vector cannot fail.
        write!(self.head, "{run}").unwrap_or_default();
        self.head.extend_from_slice(&[b' ', kind.sign(), b' ']);
        self.last = Some((at_ms, run, kind));
    }
}

impl<'a> Entry<'a> {
    /// Reads one line without its end; `None` for what no `ovr` has written.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let (stamp, rest) = line.split_at_checked(STAMP)?;
        let rest = rest.strip_prefix(b" ")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (run, rest) = rest.split_at(digits);
        let run = str::from_utf8(run).ok()?.parse().ok()?;
        let [b' ', sign, b' ', text @ ..] = rest else {
            return None;
        };
        let kind = EntryKind::ALL.into_iter().find(|kind| kind.sign() == *sign)?;
        let at = parse_rfc3339(str::from_utf8(stamp).ok()?)?;
        Some(Self {
            at_ms: epoch_millis(at),
            run: RunId(run),
            kind,
            text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoder, Entry, EntryKind};
    use crate::model::RunId;
    use proptest::prelude::{prop_assert_eq, proptest};

    fn encode(encoder: &mut Encoder, entry: Entry<'_>) -> Vec<u8> {
        let mut line = Vec::new();
        encoder.head(entry.at_ms, entry.run, entry.kind, &mut line);
        line.extend_from_slice(entry.text);
        line
    }

    #[test]
    fn lines_keep_their_format() {
        let mut encoder = Encoder::default();
        let entry = Entry {
            at_ms: 1_769_847_330_042,
            run: RunId(3),
            kind: EntryKind::Output,
            text: b"GET / 200",
        };
        let line = encode(&mut encoder, entry);
        assert_eq!(line, b"2026-01-31T08:15:30.042Z 3 | GET / 200");
        for (kind, sign) in [
            (EntryKind::Event, "-"),
            (EntryKind::Begin, "+"),
            (EntryKind::Gap, "~"),
        ] {
            let line = encode(&mut encoder, Entry { kind, ..entry });
            assert_eq!(
                line,
                format!("2026-01-31T08:15:30.042Z 3 {sign} GET / 200").as_bytes()
            );
        }
    }

    #[test]
    fn what_is_no_entry_is_not_taken_for_one() {
        for line in [
            "",
            "hello",
            "2026-01-31T08:15:30.042Z",
            "2026-01-31T08:15:30.042Z 3 |",
            "2026-01-31T08:15:30.042Z x | text",
            "2026-01-31T08:15:30.042Z 3 ? text",
            "2026-13-31T08:15:30.042Z 3 | text",
            "ä026-01-31T08:15:30.042Z 3 | text",
        ] {
            assert_eq!(Entry::parse(line.as_bytes()), None, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn every_line_reads_back_as_written(at_ms in 0_u64..4_000_000_000_000, run: u64, text: Vec<u8>, kind in 0_usize..4) {
            let entry = Entry { at_ms, run: RunId(run), kind: EntryKind::ALL[kind], text: &text };
            let line = encode(&mut Encoder::default(), entry);
            prop_assert_eq!(Entry::parse(&line), Some(entry));
        }
    }
}
