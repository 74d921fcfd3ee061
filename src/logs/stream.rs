//! One pane's byte stream, cut anywhere, made into lines and marks, in order. Keeps colours, drops or folds
//! every other control; holds one unfinished line and no more. Does not know where lines go.

use super::control::Control;
use super::escape::{Sequence, Step};
use super::line::LineBuffer;
use super::scan::{c1_positions, text_run};
use super::style::Style;
use super::whole::{split_sgr, whole_lines};
use crate::model::mark::{MARK_PREFIX, Mark};

const ESC: u8 = 0x1b;

/// What takes the lines and marks of one stream.
pub trait Sink {
    /// A complete line without its end: valid UTF-8, no control characters but TAB and SGR sequences, closed
    /// (its last style is reset) and standing for itself (it begins with the style the line before left).
    /// At most [`LINE_MAX_CLOSED`](super::LINE_MAX_CLOSED) bytes.
    fn line(&mut self, text: &[u8]);

    /// A mark of the pane's shim. All lines before it have been handed over; those of a run that ends
    /// include its unfinished one.
    fn mark(&mut self, mark: Mark);

    /// The program draws the whole screen from here on (`true`; an editor, a pager), and its output is dropped
    /// until it no longer does (`false`).
    fn full_screen(&mut self, entered: bool);

    /// A piece of what the program draws on the whole screen, without controls: the least that can be said of it.
    fn screen_text(&mut self, _text: &[u8]) {}
}

/// Decodes one pane's stream.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    /// Without it no mark is believed.
    nonce: Option<String>,
    line: LineBuffer,
    sequence: Sequence,
    in_sequence: bool,
    /// The beginning of a character that the last chunk cut.
    partial: [u8; 4],
    partial_len: usize,
    /// The shim talks to whoever looks at the window.
    in_note: bool,
    /// The pen to go back to after the alternate screen.
    full_screen: Option<Style>,
    /// A run has ended and the next one has not begun.
    between_runs: bool,
}

impl StreamDecoder {
    /// `nonce` is what the pane's shim told in its hello.
    pub fn new(nonce: Option<String>) -> Self {
        Self {
            nonce,
            ..Self::default()
        }
    }

    /// Believes marks with this nonce from here on.
    pub fn set_nonce(&mut self, nonce: String) {
        self.nonce = Some(nonce);
    }

    /// Takes the next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = if self.in_sequence {
                self.feed_sequence(rest, sink)
            } else {
                self.feed_text(rest, sink)
            };
        }
    }

    /// Whether the stream stands in a line that would show something.
    pub fn has_open_line(&self) -> bool {
        !self.line.is_empty()
    }

    /// The unfinished line is going to be overwritten: it shows progress. A prompt leaves the cursor behind it.
    pub fn shows_progress(&self) -> bool {
        self.line.begins_anew()
    }

    /// Appends the unfinished line as it would be shown, under the same rules as [`Sink::line`].
    pub fn open_line(&self, out: &mut Vec<u8>) {
        self.line.show(out);
    }

    /// Ends the stream: an unfinished line is complete now.
    pub fn finish(&mut self, sink: &mut impl Sink) {
        self.end_partial();
        self.in_sequence = false;
        if self.full_screen.take().is_some() {
            sink.full_screen(false);
        }
        if self.has_open_line() {
            self.line.finish(|text| sink.line(text));
        }
        self.line.erase_all();
        self.line.set_pen(Style::DEFAULT);
        self.in_note = false;
    }

    /// Drops the unfinished line: it is taken from elsewhere.
    pub fn forget_line(&mut self) {
        self.partial_len = 0;
        self.in_sequence = false;
        self.line.erase_all();
        self.line.set_pen(Style::DEFAULT);
    }

    /// The memory it holds beyond itself, in bytes.
    pub fn capacity(&self) -> usize {
        self.line.capacity() + self.sequence.capacity()
    }

    fn drops_text(&self) -> bool {
        self.in_note || self.full_screen.is_some()
    }

    fn feed_text<'a>(&mut self, bytes: &'a [u8], sink: &mut impl Sink) -> &'a [u8] {
        let mut rest = bytes;
        if self.line.is_untouched() && self.partial_len == 0 && !self.drops_text() && !self.between_runs {
            rest = whole_lines(rest, sink);
        }
        let (text, tail) = rest.split_at(text_run(rest));
        if self.full_screen.is_some() && !self.in_note && !text.is_empty() {
            sink.screen_text(text);
        }
        self.text(text);
        let Some((&control, after)) = tail.split_first() else {
            return tail;
        };
        self.end_partial();
        match control {
            ESC => {
                if let Some((parameters, after)) = split_sgr(after) {
                    self.sgr(parameters);
                    return after;
                }
                self.in_sequence = true;
                self.sequence.begin();
            }
            b'\n' => self.end_line(sink),
            _ if self.drops_text() => {}
            b'\r' => self.line.carriage_return(),
            0x08 => self.line.back(1),
            _ => {}
        }
        after
    }

    fn end_line(&mut self, sink: &mut impl Sink) {
        // Between runs nobody prints, but an Enter typed into the window is echoed.
        if self.drops_text() || (self.between_runs && self.line.is_empty()) {
            return;
        }
        self.line.finish(|text| sink.line(text));
    }

    fn sgr(&mut self, parameters: &[u8]) {
        if !self.drops_text() {
            self.line.sgr(parameters);
        }
    }

    /// Takes text without controls, of which the first and last character may be cut.
    fn text(&mut self, bytes: &[u8]) {
        if self.drops_text() {
            self.partial_len = 0;
            return;
        }
        let mut rest = self.complete_partial(bytes);
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.write(text);
                    return;
                }
                Err(error) => {
                    let (valid, invalid) = rest.split_at(error.valid_up_to());
                    self.write(std::str::from_utf8(valid).unwrap_or_default());
                    let Some(length) = error.error_len() else {
                        self.partial[..invalid.len()].copy_from_slice(invalid);
                        self.partial_len = invalid.len();
                        return;
                    };
                    self.write_replacement();
                    rest = &invalid[length..];
                }
            }
        }
    }

    /// Completes the character that the last chunk cut, with the first bytes of this one.
    fn complete_partial<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut rest = bytes;
        while self.partial_len > 0
            && let Some((&byte, after)) = rest.split_first()
        {
            let partial = {
                self.partial[self.partial_len] = byte;
                self.partial
            };
            match std::str::from_utf8(&partial[..=self.partial_len]) {
                Ok(text) => {
                    self.partial_len = 0;
                    self.write(text);
                    rest = after;
                }
                Err(error) if error.error_len().is_none() => {
                    self.partial_len += 1;
                    rest = after;
                }
                // The byte does not continue the character, so it is looked at afresh.
                Err(_) => self.end_partial(),
            }
        }
        rest
    }

    /// A character that was cut is not going to be completed.
    fn end_partial(&mut self) {
        if self.partial_len > 0 {
            self.partial_len = 0;
            self.write_replacement();
        }
    }

    fn write_replacement(&mut self) {
        self.line.write("\u{fffd}");
    }

    /// Writes all of `text` but the C1 controls (U+0080 to U+009F), which no UTF-8 terminal acts on.
    fn write(&mut self, text: &str) {
        let mut start = 0;
        for at in c1_positions(text) {
            self.line.write(&text[start..at]);
            start = at + 2;
        }
        self.line.write(&text[start..]);
    }

    fn feed_sequence<'a>(&mut self, bytes: &'a [u8], sink: &mut impl Sink) -> &'a [u8] {
        for (at, &byte) in bytes.iter().enumerate() {
            if byte == ESC {
                let mark = self
                    .sequence
                    .escape()
                    .and_then(|body| read_mark(body, self.nonce.as_deref()));
                self.sequence.begin();
                if let Some(mark) = mark {
                    self.apply_mark(mark, sink);
                    // The second half of the terminator.
                    self.in_sequence = true;
                }
                continue;
            }
            match self.sequence.step(byte) {
                Step::More => continue,
                Step::Broken => {
                    self.in_sequence = false;
                    return &bytes[at..];
                }
                Step::Dropped => {}
                Step::Control { parameters, last } => {
                    let control = Control::read(parameters, last);
                    if control == Control::Style && !self.in_note && self.full_screen.is_none() {
                        self.line.sgr(parameters);
                    }
                    self.apply_control(control, sink);
                }
                Step::Command { body } => {
                    if let Some(mark) = read_mark(body, self.nonce.as_deref()) {
                        self.apply_mark(mark, sink);
                    }
                }
                Step::Reset => {
                    self.leave_full_screen(sink);
                    if !self.in_note {
                        self.line.set_pen(Style::DEFAULT);
                    }
                }
            }
            self.in_sequence = false;
            return &bytes[at + 1..];
        }
        &[]
    }

    fn apply_control(&mut self, control: Control, sink: &mut impl Sink) {
        match control {
            Control::FullScreen(true) if self.full_screen.is_none() && !self.in_note => {
                self.full_screen = Some(self.line.pen());
                sink.full_screen(true);
            }
            Control::FullScreen(false) => self.leave_full_screen(sink),
            _ if self.drops_text() => {}
            Control::Back(count) => self.line.back(count),
            Control::Forward(count) => self.line.forward(count),
            Control::Column(column) => self.line.go_to_column(column),
            Control::EraseRight => self.line.erase_right(),
            Control::EraseLeft => self.line.erase_left(),
            Control::EraseLine => self.line.erase_all(),
            Control::Delete(count) => self.line.delete(count),
            Control::Insert(count) => self.line.insert(count),
            Control::Style | Control::FullScreen(true) | Control::Other => {}
        }
    }

    fn leave_full_screen(&mut self, sink: &mut impl Sink) {
        if let Some(pen) = self.full_screen.take() {
            self.line.set_pen(pen);
            sink.full_screen(false);
        }
    }

    fn apply_mark(&mut self, mark: Mark, sink: &mut impl Sink) {
        match mark {
            Mark::NoteBegins => self.in_note = true,
            Mark::NoteEnds => self.in_note = false,
            Mark::RunBegins(_) => {
                self.finish(sink);
                self.between_runs = false;
            }
            Mark::RunEnds(_) => {
                self.finish(sink);
                self.between_runs = true;
            }
        }
        sink.mark(mark);
    }
}

fn read_mark(body: &[u8], nonce: Option<&str>) -> Option<Mark> {
    // The prefix opens with the `ESC ]` that is gone already.
    let body = body.strip_prefix(&MARK_PREFIX[2..])?;
    Mark::decode(body, nonce?)
}
