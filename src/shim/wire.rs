//! Framing of the shim protocol: one JSON value a line, with a cap on a line's length, and bytes behind a line. Bytes in, lines out;
//! no socket in here, so that the synchronous shim and the asynchronous controller use the same rules.

use serde::Serialize;
use std::fmt;

/// The longest line that is taken, in bytes without its newline. An order holds a whole environment, which the
/// system limits to some 2 MB; JSON's escapes need room on top.
pub const MAX_LINE: usize = 4 * 1024 * 1024;

/// The peer does not speak this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A message is longer than [`MAX_LINE`].
    TooLong,
    /// What follows an order is none.
    NoEnvironment,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a message is longer than {MAX_LINE} bytes"),
            Self::NoEnvironment => write!(f, "what follows an order is no environment"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Cuts a byte stream into lines, however the stream was cut on its way.
#[derive(Debug, Default)]
pub struct LineSplitter {
    bytes: Vec<u8>,
    /// Where the first line that was not handed out begins.
    start: usize,
    /// Up to here no newline was found since `start`.
    searched: usize,
}

impl LineSplitter {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start == self.bytes.len() {
            // All was handed out: begin anew, and give a large message's memory back.
            self.bytes = Vec::with_capacity(bytes.len());
            self.start = 0;
            self.searched = 0;
        } else if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line without its newline, or `None` until more arrives.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, Unreadable> {
        let found = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n');
        let end = found.map_or(self.bytes.len(), |at| self.searched + at);
        if end - self.start > MAX_LINE {
            return Err(Unreadable::TooLong);
        }
        if found.is_none() {
            self.searched = end;
            if self.start == end {
                *self = Self::default();
            }
            return Ok(None);
        }
        let line = self.start..end;
        self.start = end + 1;
        self.searched = self.start;
        Ok(Some(&self.bytes[line]))
    }

    /// The next bytes, when as many have arrived.
    pub fn next_bytes(&mut self, count: usize) -> Result<Option<&[u8]>, Unreadable> {
        if count > MAX_LINE {
            return Err(Unreadable::TooLong);
        }
        if self.bytes.len() - self.start < count {
            return Ok(None);
        }
        let taken = self.start..self.start + count;
        self.start = taken.end;
        self.searched = self.start;
        Ok(Some(&self.bytes[taken]))
    }
}

/// A message as it goes over the socket, newline included.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(message).expect("a protocol message always has a JSON form");
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::{LineSplitter, MAX_LINE, Unreadable, encode};

    fn lines(splitter: &mut LineSplitter) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(line) = splitter.next_line().unwrap() {
            all.push(String::from_utf8(line.to_vec()).unwrap());
        }
        all
    }

    #[test]
    fn lines_are_the_same_however_the_stream_is_cut() {
        let text = b"one\n\ntwo and more\nthree\n";
        for size in 1..text.len() {
            let mut splitter = LineSplitter::new();
            let mut seen = Vec::new();
            for piece in text.chunks(size) {
                splitter.push(piece);
                seen.extend(lines(&mut splitter));
            }
            assert_eq!(seen, ["one", "", "two and more", "three"], "pieces of {size}");
        }
    }

    #[test]
    fn an_unfinished_line_waits_for_its_end() {
        let mut splitter = LineSplitter::new();
        splitter.push(b"a\nb");
        assert_eq!(lines(&mut splitter), ["a"]);
        splitter.push(b"c");
        assert!(lines(&mut splitter).is_empty());
        splitter.push(b"\nd\n");
        assert_eq!(lines(&mut splitter), ["bc", "d"]);
    }

    #[test]
    fn a_line_without_end_is_refused_and_the_longest_allowed_one_is_not() {
        let mut splitter = LineSplitter::new();
        splitter.push(&vec![b'x'; MAX_LINE]);
        splitter.push(b"\n");
        assert_eq!(splitter.next_line().unwrap().unwrap().len(), MAX_LINE);
        splitter.push(&vec![b'x'; MAX_LINE]);
        assert_eq!(splitter.next_line(), Ok(None));
        splitter.push(b"x");
        assert_eq!(splitter.next_line(), Err(Unreadable::TooLong));
    }

    #[test]
    fn memory_is_given_back_once_all_lines_are_out() {
        let mut splitter = LineSplitter::new();
        splitter.push(&vec![b'x'; 100_000]);
        splitter.push(b"\n");
        assert_eq!(lines(&mut splitter).len(), 1);
        assert_eq!(splitter.bytes.capacity(), 0);
    }

    #[test]
    fn bytes_between_lines_are_taken_when_all_are_there() {
        let mut splitter = LineSplitter::new();
        assert_eq!(splitter.next_bytes(0), Ok(Some(&b""[..])));
        splitter.push(b"one\na\n");
        assert_eq!(splitter.next_line(), Ok(Some(&b"one"[..])));
        assert_eq!(splitter.next_bytes(3), Ok(None));
        splitter.push(b"btwo\n");
        assert_eq!(splitter.next_bytes(3), Ok(Some(&b"a\nb"[..])));
        assert_eq!(lines(&mut splitter), ["two"]);
        assert_eq!(splitter.next_bytes(MAX_LINE + 1), Err(Unreadable::TooLong));
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(encode(&"a\nb"), b"\"a\\nb\"\n");
    }
}
