//! The one line that a stream is writing: text before a cursor, text after it, and the style of the next
//! character. What a terminal would show of the line in the end is what comes out. Knows nothing of escape
//! sequences but their effect, and nothing of marks or of other lines.

use super::ink::{Cell, Ink};
use super::scan::columns;
use super::style::{RESET, Style, begins_with_reset};
use std::io::Write;
use std::mem;

/// The longest line in bytes, its colours included. What goes beyond is counted and not kept.
pub const LINE_MAX: usize = 64 * 1024;

/// The longest line as it is handed on: with the mark of a cut, the last closing sequence and one pending.
pub const LINE_MAX_CLOSED: usize = LINE_MAX + 512;

/// A buffer that grew beyond this for one line is given back after it.
const KEPT_CAPACITY: usize = 16 * 1024;

/// SGR sequences between two characters are kept as the service wrote them up to this length.
pub(super) const PENDING_MAX: usize = 128;

/// The line under the cursor.
///
/// The text on both sides of the cursor is a stack whose top is at the cursor, so that writing, overwriting
/// and going back a column take the same time in a line of any length.
#[derive(Debug, Default)]
pub(super) struct LineBuffer {
    /// Before the cursor.
    left: Ink,
    /// From the cursor on, last first.
    right: Vec<Cell>,
    /// The style that the next character gets.
    pen: Style,
    /// The sequences that lead from the style of `left` to `pen`. They are written before a character or not at
    /// all, so that a style without text costs nothing.
    pending: Vec<u8>,
    /// The cursor is to go to the first column; done when something other than a line end follows.
    returning: bool,
    /// A text did not fit; nothing more is taken until the cursor returns.
    full: bool,
    /// How many bytes did not fit.
    cut: u64,
}

impl LineBuffer {
    /// Nothing is written and the style is the default: a plain line need not pass through here.
    pub(super) fn is_untouched(&self) -> bool {
        self.is_empty() && !self.returning && self.pen.is_default()
    }

    /// Nothing would be shown of it.
    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty() && self.right.is_empty() && self.cut == 0
    }

    /// The cursor stands in the first column: whatever comes next overwrites what is shown.
    pub(super) fn begins_anew(&self) -> bool {
        self.returning || self.left.is_empty()
    }

    /// Puts text at the cursor, over what stands there. No control characters but TAB.
    pub(super) fn write(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.settle();
        let used = if self.full {
            LINE_MAX
        } else {
            self.left.len() + self.pending.len()
        };
        let fits = floor_char_boundary(text, LINE_MAX.saturating_sub(used));
        if fits < text.len() {
            self.full = true;
            self.cut += (text.len() - fits) as u64;
        }
        if fits == 0 {
            return;
        }
        let text = &text[..fits];
        self.flush_style();
        if !self.right.is_empty() {
            self.cover(columns(text));
        }
        self.left.push(text);
    }

    /// Takes over an SGR sequence, given by its parameters.
    pub(super) fn sgr(&mut self, parameters: &[u8]) {
        let understood = self.pen.apply(parameters);
        if self.pen == self.left.style() {
            self.pending.clear();
            return;
        }
        if begins_with_reset(parameters) {
            self.pending.clear();
        }
        if understood && self.pending.len() + parameters.len() + 3 <= PENDING_MAX {
            self.pending.extend_from_slice(b"\x1b[");
            self.pending.extend_from_slice(parameters);
            self.pending.push(b'm');
        } else {
            self.pending.clear();
            self.pending.extend_from_slice(RESET);
            self.pen.write(&mut self.pending);
        }
    }

    pub(super) fn pen(&self) -> Style {
        self.pen
    }

    /// Sets the style of the next character, as after a restored cursor or a reset.
    pub(super) fn set_pen(&mut self, pen: Style) {
        self.pen = pen;
        self.pending.clear();
        if self.pen != self.left.style() {
            change_style(&mut self.pending, self.left.style(), self.pen);
        }
    }

    /// `\r`.
    pub(super) fn carriage_return(&mut self) {
        self.returning = true;
    }

    /// `\b`, `CSI n D`.
    pub(super) fn back(&mut self, count: usize) {
        self.settle();
        if self.full {
            return;
        }
        for _ in 0..count {
            while let Some(cell) = self.pop_left() {
                self.right.push(cell);
                if cell.columns() > 0 {
                    break;
                }
            }
            if self.left.is_empty() {
                break;
            }
        }
    }

    /// `CSI n C`: over text that is there; never beyond it.
    pub(super) fn forward(&mut self, count: usize) {
        self.settle();
        let mut passed = 0;
        while passed < count
            && let Some(cell) = self.right.pop()
        {
            passed += cell.columns();
            self.push_left(cell);
        }
    }

    /// `CSI n G`: to the column, counted from 0.
    pub(super) fn go_to_column(&mut self, column: usize) {
        if column == 0 {
            self.carriage_return();
            return;
        }
        self.settle();
        let here = self.left.columns();
        if column < here {
            self.back(here - column);
        } else {
            self.forward(column - here);
        }
    }

    /// `CSI 0 K`, `CSI 0 J`: from the cursor to the end.
    pub(super) fn erase_right(&mut self) {
        if self.returning {
            self.erase_all();
            return;
        }
        self.right.clear();
        if !self.full {
            self.cut = 0;
        }
    }

    /// `CSI 1 K`: from the start to the cursor.
    pub(super) fn erase_left(&mut self) {
        self.settle();
        if self.right.is_empty() {
            self.erase_all();
            return;
        }
        let blanks = self.left.columns().min(LINE_MAX);
        self.clear_left();
        self.left.push(&" ".repeat(blanks));
        if let Some(cell) = self.right.last_mut() {
            *cell = Cell::BLANK;
        }
    }

    /// `CSI 2 K`: the whole line. The cursor goes to the start as well: nearly every program sends it there
    /// itself, and the others would leave blanks that nobody sees.
    pub(super) fn erase_all(&mut self) {
        self.right.clear();
        self.returning = false;
        self.full = false;
        self.cut = 0;
        self.clear_left();
    }

    /// `CSI n P`: what follows the cursor moves up.
    pub(super) fn delete(&mut self, count: usize) {
        self.settle();
        let kept = self.right.len().saturating_sub(count);
        self.right.truncate(kept);
    }

    /// `CSI n @`: what follows the cursor makes room.
    pub(super) fn insert(&mut self, count: usize) {
        self.settle();
        if self.right.is_empty() {
            return;
        }
        let room = LINE_MAX.saturating_sub(self.right.len());
        self.right
            .extend(std::iter::repeat_n(Cell::BLANK, count.min(room)));
    }

    /// Appends the line as it stands: closed, and with a mark if a part of it is missing.
    pub(super) fn show(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(self.left.text());
        self.ending().write(out, start);
    }

    /// Ends the line: `take` gets it closed; the next one begins in the pen's style.
    pub(super) fn finish(&mut self, take: impl FnOnce(&[u8])) {
        let mut left = mem::take(&mut self.left);
        let ending = Ending {
            style: left.style(),
            ..self.ending()
        };
        take(left.complete(|text| ending.write(text, 0)));
        self.left = left;
        self.erase_all();
        if self.right.capacity() * size_of::<Cell>() > KEPT_CAPACITY {
            self.right = Vec::new();
        }
    }

    /// The memory it holds, in bytes.
    pub(super) fn capacity(&self) -> usize {
        self.left.capacity() + self.pending.capacity() + self.right.capacity() * size_of::<Cell>()
    }

    fn ending(&self) -> Ending<'_> {
        Ending {
            style: self.left.style(),
            right: &self.right,
            // The service's own end of the style is as good as ours, and what it wrote.
            close: if self.right.is_empty() && self.pen.is_default() && !self.pending.is_empty() {
                &self.pending
            } else {
                RESET
            },
            cut: self.cut,
        }
    }

    /// Carries out a return that was put off.
    fn settle(&mut self) {
        if !mem::take(&mut self.returning) {
            return;
        }
        self.full = false;
        while let Some(cell) = self.pop_left() {
            self.right.push(cell);
        }
        // Combining characters cover no column, so that lines of them could pile up.
        let excess = self.right.len().saturating_sub(LINE_MAX);
        drop(self.right.drain(..excess));
    }

    fn clear_left(&mut self) {
        self.left.clear(KEPT_CAPACITY);
        self.set_pen(self.pen);
    }

    /// Writes the sequences that the next character needs.
    fn flush_style(&mut self) {
        if !self.pending.is_empty() {
            self.left.change_style(&self.pending, self.pen);
            self.pending.clear();
        }
    }

    fn push_left(&mut self, cell: Cell) {
        if self.left.len() >= LINE_MAX {
            return;
        }
        let pen = self.pen;
        self.set_pen(cell.style);
        self.flush_style();
        self.left.push(cell.character.encode_utf8(&mut [0; 4]));
        self.set_pen(pen);
    }

    fn pop_left(&mut self) -> Option<Cell> {
        let cell = self.left.pop()?;
        if self.left.style() != cell.style {
            self.set_pen(self.pen);
        }
        Some(cell)
    }

    /// Takes away what `count` columns of new text cover.
    fn cover(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        let mut covered = 0;
        while covered < count {
            let Some(cell) = self.right.pop() else { return };
            covered += cell.columns();
        }
        while self.right.pop_if(|cell| cell.columns() == 0).is_some() {}
        // The uncovered half of a wide character is blank.
        self.right
            .extend(std::iter::repeat_n(Cell::BLANK, covered - count));
    }
}

/// What follows the text before the cursor in the shown line.
struct Ending<'a> {
    /// The style at the cursor.
    style: Style,
    /// Last first.
    right: &'a [Cell],
    /// Ends a style.
    close: &'a [u8],
    cut: u64,
}

impl Ending<'_> {
    /// Completes the line that begins at `start`.
    fn write(&self, line: &mut Vec<u8>, start: usize) {
        let mut style = self.style;
        let mut cut = self.cut;
        for cell in self.right.iter().rev() {
            if line.len() - start >= LINE_MAX {
                cut += cell.character.len_utf8() as u64;
                continue;
            }
            if cell.style != style {
                change_style(line, style, cell.style);
                style = cell.style;
            }
            line.extend_from_slice(cell.character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        if !style.is_default() {
            line.extend_from_slice(self.close);
        }
        if cut > 0 {
            write!(line, "… (cut, {cut} bytes more)").expect("a Vec takes every write");
        }
    }
}

fn change_style(line: &mut Vec<u8>, from: Style, to: Style) {
    if !from.is_default() {
        line.extend_from_slice(RESET);
    }
    to.write(line);
}

/// The largest length up to `limit` that cuts no character.
fn floor_char_boundary(text: &str, limit: usize) -> usize {
    if limit >= text.len() {
        return text.len();
    }
    (0..=limit)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}
