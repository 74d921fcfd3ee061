//! Output as a person reads it: escape sequences and carriage returns taken out of a byte stream, however it is cut.

/// Grows by [`Self::push`]; keeps plain text only.
#[derive(Default)]
pub(crate) struct Plain {
    bytes: Vec<u8>,
    state: Escape,
}

#[derive(Clone, Copy, Default)]
enum Escape {
    #[default]
    None,
    Begun,
    /// `ESC [ … letter`
    Control,
    /// `ESC ] … BEL` or `ESC ] … ESC \`, and its relatives
    Text,
    TextEnds,
    /// `ESC ( B` and the like: one byte more.
    One,
}

impl Plain {
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        loop {
            // A flood has next to none of either, and the tests are not optimized.
            if matches!(self.state, Escape::None) {
                let plain = memchr::memchr2(0x1b, b'\r', bytes).unwrap_or(bytes.len());
                self.bytes.extend_from_slice(&bytes[..plain]);
                bytes = &bytes[plain..];
            }
            let Some((&byte, rest)) = bytes.split_first() else {
                return;
            };
            bytes = rest;
            self.state = match (self.state, byte) {
                (Escape::None, 0x1b) => Escape::Begun,
                (Escape::None, _) => {
                    if byte != b'\r' {
                        self.bytes.push(byte);
                    }
                    Escape::None
                }
                (Escape::Begun, b'[') => Escape::Control,
                (Escape::Begun, b']' | b'P' | b'X' | b'^' | b'_' | b'k') => Escape::Text,
                (Escape::Begun, b'(' | b')' | b'#' | b' ') => Escape::One,
                (Escape::Control, 0x40..=0x7e)
                | (Escape::Text, 0x07)
                | (Escape::TextEnds, b'\\')
                | (Escape::Begun | Escape::One, _) => Escape::None,
                (Escape::Control, _) => Escape::Control,
                (Escape::Text | Escape::TextEnds, 0x1b) => Escape::TextEnds,
                (Escape::Text | Escape::TextEnds, _) => Escape::Text,
            };
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether `text` stands somewhere behind the byte at `from`.
    pub(crate) fn contains(&self, text: &str, from: usize) -> bool {
        let rest = &self.bytes[from.min(self.bytes.len())..];
        memchr::memmem::find(rest, text.as_bytes()).is_some()
    }

    pub(crate) fn count(&self, text: &str) -> usize {
        memchr::memmem::find_iter(&self.bytes, text).count()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The last `count` bytes.
    pub(crate) fn tail(&self, count: usize) -> String {
        String::from_utf8_lossy(&self.bytes[self.bytes.len().saturating_sub(count)..]).into_owned()
    }
}
