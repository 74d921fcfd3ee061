//! Lines that are in one chunk and can be handed on as they came: nearly all output. One look at each byte, no
//! copy. Gives exactly what the line buffer would give, or leaves the line to it.

use super::line::{LINE_MAX, PENDING_MAX};
use super::scan::{has_c1, plain_run, text_run};
use super::stream::Sink;
use super::style::{Style, begins_with_reset};

/// Hands over the lines at the start of `bytes`, for a stream that stands at the start of a line in the default
/// style. Returns what follows the last of them.
pub(super) fn whole_lines<'a>(bytes: &'a [u8], sink: &mut impl Sink) -> &'a [u8] {
    let mut rest = bytes;
    loop {
        let plain = plain_run(rest);
        let length = match rest.get(plain) {
            Some(b'\r' | b'\n') => plain,
            Some(0x80.. | 0x1b) => match styled_line(rest, plain) {
                Some(length) => length,
                None => return rest,
            },
            Some(_) | None => return rest,
        };
        let after = match &rest[length..] {
            [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] if length <= LINE_MAX => after,
            _ => return rest,
        };
        sink.line(&rest[..length]);
        rest = after;
    }
}

/// The length of a line that needs no change: valid UTF-8 in which each style is followed by text and the last
/// one is ended. The first `plain` bytes are known to be plain.
fn styled_line(bytes: &[u8], plain: usize) -> Option<usize> {
    let mut at = plain;
    let mut style = Style::DEFAULT;
    loop {
        at += text_run(&bytes[at..]);
        let rest = bytes.get(at..)?;
        match rest.first()? {
            0x1b => at += change(rest, &mut style)?,
            b'\r' | b'\n' if style.is_default() => break,
            _ => return None,
        }
    }
    let text = std::str::from_utf8(&bytes[..at]).ok()?;
    (!has_c1(text)).then_some(at)
}

/// The length of the sequences between two characters, if the line buffer would write them as they are.
fn change(bytes: &[u8], style: &mut Style) -> Option<usize> {
    let before = *style;
    let mut rest = bytes;
    while let Some((parameters, after)) = rest.strip_prefix(b"\x1b").and_then(split_sgr) {
        let first = rest.len() == bytes.len();
        let understood = style.apply(parameters);
        if !understood || *style == before || (!first && begins_with_reset(parameters)) {
            return None;
        }
        rest = after;
    }
    let length = bytes.len() - rest.len();
    (0 < length && length <= PENDING_MAX).then_some(length)
}

/// The parameters of the SGR sequence that `bytes` (what follows an ESC) begins with, and what follows it.
#[inline]
pub(super) fn split_sgr(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let body = bytes.strip_prefix(b"[")?;
    let length = body
        .iter()
        .take(64)
        .position(|byte| !(byte.is_ascii_digit() || matches!(byte, b';' | b':')))?;
    (body[length] == b'm').then(|| (&body[..length], &body[length + 1..]))
}
