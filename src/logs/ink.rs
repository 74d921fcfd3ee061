//! The part of a line that is written: styled text as a stack, which gives back its last character with its
//! style. Knows nothing of cursors.

use super::plain::sequence_len;
use super::scan::{char_columns, columns};
use super::style::Style;
use std::mem;

/// UTF-8 with SGR sequences. Never ends with a sequence.
#[derive(Debug, Default)]
pub(super) struct Ink {
    text: Vec<u8>,
    /// The sequences in `text`, in order.
    changes: Vec<Change>,
    style: Style,
    /// The columns of `text` up to byte `counted`.
    columns: usize,
    counted: usize,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    start: usize,
    end: usize,
    before: Style,
}

/// One character and how it looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) character: char,
    pub(super) style: Style,
}

impl Cell {
    pub(super) const BLANK: Self = Self {
        character: ' ',
        style: Style::DEFAULT,
    };

    pub(super) fn columns(self) -> usize {
        char_columns(self.character)
    }
}

impl Ink {
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The style of the last character.
    pub(super) fn style(&self) -> Style {
        self.style
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    /// Appends SGR sequences that lead to `style`. A text must follow.
    pub(super) fn change_style(&mut self, sequences: &[u8], style: Style) {
        let start = self.text.len();
        self.text.extend_from_slice(sequences);
        self.changes.push(Change {
            start,
            end: self.text.len(),
            before: mem::replace(&mut self.style, style),
        });
    }

    /// Takes the last character away, and the sequence before it, which has no text any more.
    pub(super) fn pop(&mut self) -> Option<Cell> {
        self.columns();
        let start = self.text.iter().rposition(|byte| *byte & 0xc0 != 0x80)?;
        let character = std::str::from_utf8(&self.text[start..])
            .ok()
            .and_then(|text| text.chars().next())
            .unwrap_or(char::REPLACEMENT_CHARACTER);
        let cell = Cell {
            character,
            style: self.style,
        };
        self.text.truncate(start);
        self.columns = self.columns.saturating_sub(cell.columns());
        if let Some(change) = self.changes.pop_if(|change| change.end == start) {
            self.text.truncate(change.start);
            self.style = change.before;
        }
        self.counted = self.text.len();
        Some(cell)
    }

    /// The columns that it takes in a terminal. Each byte is looked at once.
    pub(super) fn columns(&mut self) -> usize {
        let mut rest = &self.text[self.counted..];
        while !rest.is_empty() {
            let text = memchr::memchr(0x1b, rest).unwrap_or(rest.len());
            self.columns += columns(std::str::from_utf8(&rest[..text]).unwrap_or_default());
            rest = &rest[text..];
            if !rest.is_empty() {
                rest = &rest[sequence_len(rest)..];
            }
        }
        self.counted = self.text.len();
        self.columns
    }

    /// Takes everything away. Buffers above `kept` bytes are given back.
    pub(super) fn clear(&mut self, kept: usize) {
        if self.text.capacity() > kept {
            self.text = Vec::new();
        }
        if self.changes.capacity() * size_of::<Change>() > kept {
            self.changes = Vec::new();
        }
        self.text.clear();
        self.changes.clear();
        self.style = Style::DEFAULT;
        self.columns = 0;
        self.counted = 0;
    }

    /// Lets `end` complete the text in place, for the last time.
    pub(super) fn complete(&mut self, end: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        end(&mut self.text);
        &self.text
    }

    /// The memory it holds, in bytes.
    pub(super) fn capacity(&self) -> usize {
        self.text.capacity() + self.changes.capacity() * size_of::<Change>()
    }
}
