//! The control-mode protocol: bytes in, notifications out. Pure, and the hot path of all output: it copies
//! only where tmux escaped something, and holds at most [`MAX_LINE`] bytes of an unfinished line.
//!
//! Works on bytes because `%output` carries what a pane printed: any bytes, cut anywhere. What the commands
//! mean, and which reply belongs to which, is the client's business.

use super::PaneId;
use super::ids::leading_id;
use super::notification::{Block, Notification, block, notification};
use memchr::{memchr, memchr2};

/// The longest line that is taken as a whole; more of a reply's line comes in pieces, more of anything else
/// is dropped.
pub const MAX_LINE: usize = 64 * 1024;
/// Unescaped output is handed on at the latest when this much has gathered.
const MAX_PIECE: usize = 64 * 1024;
/// No header of an output line is longer.
const MAX_HEADER: usize = 128;
const OUTPUT: &[u8] = b"%output ";
const EXTENDED_OUTPUT: &[u8] = b"%extended-output ";
/// What `tmux -CC` says before anything else.
const DEVICE_CONTROL: &[u8] = b"\x1bP1000p";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// At the start of a line, or in the middle of one that is in `carry`.
    Line,
    /// In the data of an output line.
    Output(PaneId),
    /// In a reply's line that is longer than [`MAX_LINE`].
    LongBody,
    /// In any other line that is longer than [`MAX_LINE`].
    Skip,
}

/// The parser. Feed it what was read, in order.
#[derive(Debug)]
pub struct Wire {
    mode: Mode,
    /// The start of an unfinished line.
    carry: Vec<u8>,
    /// Unescaped output that is not handed on yet; empty between calls of [`Wire::feed`].
    plain: Vec<u8>,
    /// The start of an escape that was cut: a backslash and up to two digits.
    escape: [u8; 3],
    escape_len: usize,
    block: Option<Block>,
}

impl Default for Wire {
    fn default() -> Self {
        Self::new()
    }
}

impl Wire {
    pub fn new() -> Self {
        Self {
            mode: Mode::Line,
            carry: Vec::new(),
            plain: Vec::with_capacity(MAX_PIECE),
            escape: [0; 3],
            escape_len: 0,
            block: None,
        }
    }

    /// Takes the next bytes and tells `sink` what they complete. Any bytes are accepted; what is not
    /// understood is ignored.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Notification<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.mode {
                Mode::Line => self.feed_line(rest, sink),
                Mode::Output(pane) => self.feed_output(pane, rest, sink),
                Mode::LongBody => self.feed_long_body(rest, sink),
                Mode::Skip => self.skip_line(rest),
            };
        }
    }

    fn feed_line<'b>(&mut self, bytes: &'b [u8], sink: &mut dyn FnMut(Notification<'_>)) -> &'b [u8] {
        if self.block.is_none()
            && let Some((pane, taken)) = self.output_begins(bytes)
        {
            self.mode = Mode::Output(pane);
            return &bytes[taken..];
        }
        let end = memchr(b'\n', bytes);
        let part = &bytes[..end.unwrap_or(bytes.len())];
        if self.carry.len() + part.len() > MAX_LINE {
            return self.begin_long_line(bytes, sink);
        }
        let Some(end) = end else {
            self.carry.extend_from_slice(part);
            return &[];
        };
        if self.carry.is_empty() {
            self.line(part, sink);
        } else {
            let mut line = std::mem::take(&mut self.carry);
            line.extend_from_slice(part);
            self.line(&line, sink);
            line.clear();
            self.carry = line;
        }
        &bytes[end + 1..]
    }

    /// Whether `carry` and `bytes` together begin an output line; if so, `carry` is used up, and the number
    /// says how many of `bytes` belong to the header.
    fn output_begins(&mut self, bytes: &[u8]) -> Option<(PaneId, usize)> {
        if self.carry.is_empty() {
            return output_header(bytes);
        }
        let held = self.carry.len();
        if held >= MAX_HEADER {
            return None;
        }
        let probe = bytes.len().min(MAX_HEADER - held);
        self.carry.extend_from_slice(&bytes[..probe]);
        let found = output_header(&self.carry);
        self.carry.truncate(held);
        let (pane, length) = found?;
        // A header that ended within `carry` would have been found before these bytes came.
        let taken = length.checked_sub(held)?;
        self.carry.clear();
        Some((pane, taken))
    }

    fn begin_long_line<'b>(&mut self, bytes: &'b [u8], sink: &mut dyn FnMut(Notification<'_>)) -> &'b [u8] {
        if self.block.is_some() {
            if !self.carry.is_empty() {
                sink(Notification::Body {
                    text: &self.carry,
                    ends: false,
                });
            }
            self.mode = Mode::LongBody;
        } else {
            self.mode = Mode::Skip;
        }
        self.carry = Vec::new();
        bytes
    }

    fn feed_long_body<'b>(&mut self, bytes: &'b [u8], sink: &mut dyn FnMut(Notification<'_>)) -> &'b [u8] {
        let end = memchr(b'\n', bytes);
        let text = &bytes[..end.unwrap_or(bytes.len())];
        sink(Notification::Body {
            text,
            ends: end.is_some(),
        });
        match end {
            Some(end) => {
                self.mode = Mode::Line;
                &bytes[end + 1..]
            }
            None => &[],
        }
    }

    fn skip_line<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        match memchr(b'\n', bytes) {
            Some(end) => {
                self.mode = Mode::Line;
                &bytes[end + 1..]
            }
            None => &[],
        }
    }

    fn feed_output<'b>(
        &mut self,
        pane: PaneId,
        bytes: &'b [u8],
        sink: &mut dyn FnMut(Notification<'_>),
    ) -> &'b [u8] {
        let mut rest = self.finish_escape(bytes);
        loop {
            let Some(at) = memchr2(b'\\', b'\n', rest) else {
                self.hand_on(pane, rest, sink);
                return &[];
            };
            if rest[at] == b'\n' {
                self.hand_on(pane, &rest[..at], sink);
                self.mode = Mode::Line;
                return &rest[at + 1..];
            }
            if self.plain.len() + at >= MAX_PIECE {
                self.hand_on(pane, &rest[..at], sink);
            } else {
                self.plain.extend_from_slice(&rest[..at]);
            }
            rest = &rest[at..];
            // Escapes come in runs (`\015\012`), and looking is cheaper than searching.
            while let [b'\\', high, middle, low, after @ ..] = rest {
                let Some(byte) = octal(*high, *middle, *low) else {
                    break;
                };
                self.plain.push(byte);
                rest = after;
            }
            if rest.first() == Some(&b'\\') {
                rest = self.begin_escape(rest);
            }
        }
    }

    /// Takes a backslash that does not open a complete escape: cut by the end of what was read, or no escape
    /// at all, and then meant as it stands.
    fn begin_escape<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if bytes.len() < 4 && bytes[1..].iter().all(|b| is_octal(*b)) {
            self.escape[..bytes.len()].copy_from_slice(bytes);
            self.escape_len = bytes.len();
            return &[];
        }
        self.plain.push(b'\\');
        &bytes[1..]
    }

    fn finish_escape<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if self.escape_len == 0 {
            return bytes;
        }
        let mut joined = [0; 4];
        joined[..self.escape_len].copy_from_slice(&self.escape[..self.escape_len]);
        let missing = 4 - self.escape_len;
        let more = bytes.iter().take(missing).take_while(|b| is_octal(**b)).count();
        let known = self.escape_len + more;
        joined[self.escape_len..known].copy_from_slice(&bytes[..more]);
        if more == missing
            && let Some(byte) = octal(joined[1], joined[2], joined[3])
        {
            self.plain.push(byte);
            self.escape_len = 0;
        } else if more == bytes.len() && known < 4 {
            self.escape[..known].copy_from_slice(&joined[..known]);
            self.escape_len = known;
        } else {
            self.plain.extend_from_slice(&joined[..known]);
            self.escape_len = 0;
        }
        &bytes[more..]
    }

    /// Hands on what is unescaped so far and then `tail`, which needed no copy.
    fn hand_on(&mut self, pane: PaneId, tail: &[u8], sink: &mut dyn FnMut(Notification<'_>)) {
        if !self.plain.is_empty() {
            if self.plain.len() + tail.len() <= MAX_PIECE {
                self.plain.extend_from_slice(tail);
                sink(Notification::Output {
                    pane,
                    data: &self.plain,
                });
                self.plain.clear();
                return;
            }
            sink(Notification::Output {
                pane,
                data: &self.plain,
            });
            self.plain.clear();
        }
        if !tail.is_empty() {
            sink(Notification::Output { pane, data: tail });
        }
    }

    fn line(&mut self, line: &[u8], sink: &mut dyn FnMut(Notification<'_>)) {
        if let Some(open) = self.block {
            let end = [(&b"%end "[..], true), (&b"%error "[..], false)]
                .into_iter()
                .find_map(|(word, ok)| Some((block(line.strip_prefix(word)?)?, ok)));
            match end {
                // A pane may show a line that looks like an end; only ours carries our numbers.
                Some((block, ok)) if block == open => {
                    self.block = None;
                    sink(Notification::End { block, ok });
                }
                Some(_) | None => sink(Notification::Body {
                    text: line,
                    ends: true,
                }),
            }
            return;
        }
        let line = line.strip_prefix(DEVICE_CONTROL).unwrap_or(line);
        if let Some(opened) = line.strip_prefix(b"%begin ").and_then(block) {
            self.block = Some(opened);
            sink(Notification::Begin(opened));
        } else if let Some(notification) = notification(line) {
            sink(notification);
        }
    }
}

fn is_octal(byte: u8) -> bool {
    (b'0'..=b'7').contains(&byte)
}

/// The byte that three octal digits stand for.
fn octal(high: u8, middle: u8, low: u8) -> Option<u8> {
    if !(b'0'..=b'3').contains(&high) || !is_octal(middle) || !is_octal(low) {
        return None;
    }
    Some(((high - b'0') << 6) | ((middle - b'0') << 3) | (low - b'0'))
}

/// The pane of an output line and the length of all that stands before its data.
fn output_header(bytes: &[u8]) -> Option<(PaneId, usize)> {
    if let Some(rest) = bytes.strip_prefix(OUTPUT) {
        let (pane, taken) = leading_id(rest, b'%')?;
        return (rest.get(taken) == Some(&b' ')).then_some((PaneId(pane), OUTPUT.len() + taken + 1));
    }
    // `%extended-output %1 AGE [more to come] : DATA`
    let rest = bytes.strip_prefix(EXTENDED_OUTPUT)?;
    let (pane, taken) = leading_id(rest, b'%')?;
    let after = &rest[taken..rest.len().min(MAX_HEADER - EXTENDED_OUTPUT.len())];
    let colon = after.windows(3).position(|w| w == b" : ")?;
    if memchr(b'\n', &after[..colon]).is_some() {
        return None;
    }
    Some((PaneId(pane), EXTENDED_OUTPUT.len() + taken + colon + 3))
}

#[cfg(test)]
mod tests;
