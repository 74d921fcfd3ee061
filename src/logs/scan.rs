//! Finding the bytes that matter in output, eight at a time, and counting terminal columns. Knows nothing of
//! streams, lines or styles.

use unicode_width::UnicodeWidthChar;

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGH_BITS: u64 = u64::from_le_bytes([0x80; 8]);
const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
const DELETES: u64 = u64::from_le_bytes([0x7f; 8]);

/// Where the first byte stands that is not printable ASCII; TAB counts as printable.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    first_flagged(bytes, |word| controls(word) | (word & HIGH_BITS))
}

/// Where the first control byte (C0 or DEL) other than TAB stands. Bytes from 0x80 on are no controls here.
pub(super) fn text_run(bytes: &[u8]) -> usize {
    first_flagged(bytes, controls)
}

/// Sets the high bit of control bytes. Bytes above the first one set may be flagged wrongly, because the
/// subtractions borrow, so only the lowest flag means anything.
#[inline]
fn controls(word: u64) -> u64 {
    let below_space = word.wrapping_sub(SPACES) & !word;
    let no_delete = word ^ DELETES;
    let delete = no_delete.wrapping_sub(ONES) & !no_delete;
    (below_space | delete) & HIGH_BITS
}

#[inline]
fn first_flagged(bytes: &[u8], flags: impl Fn(u64) -> u64) -> usize {
    let lowest = |word: [u8; 8]| match flags(u64::from_le_bytes(word)) {
        0 => None,
        found => Some(found.trailing_zeros() as usize / 8),
    };
    let mut at = 0;
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        match lowest(*word) {
            None => at += 8,
            Some(offset) if word[offset] == b'\t' => at += offset + 1,
            Some(offset) => return at + offset,
        }
    }
    loop {
        let rest = &bytes[at..];
        let mut word = [b' '; 8];
        word[..rest.len()].copy_from_slice(rest);
        match lowest(word) {
            None => return bytes.len(),
            Some(offset) if word[offset] == b'\t' => at += offset + 1,
            Some(offset) => return at + offset,
        }
    }
}

/// Whether there are C1 controls (U+0080 to U+009F) in `text`.
pub(super) fn has_c1(text: &str) -> bool {
    c1_positions(text).next().is_some()
}

/// Where the C1 controls in `text` stand; each takes two bytes.
pub(super) fn c1_positions(text: &str) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(0xc2, bytes).filter(|at| bytes.get(at + 1).is_some_and(|byte| *byte < 0xa0))
}

/// The columns that `character` takes in a terminal. TAB counts as one: a progress line that is written again
/// has its tabs where they were, and that is all the folding needs.
pub(super) fn char_columns(character: char) -> usize {
    if character == '\t' {
        return 1;
    }
    character.width().unwrap_or(0)
}

/// The columns that `text` takes in a terminal; `text` holds no escape sequences.
pub(super) fn columns(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().map(char_columns).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{columns, plain_run, text_run};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn is_control(byte: u8) -> bool {
        (byte < 0x20 && byte != b'\t') || byte == 0x7f
    }

    proptest! {
        #[test]
        fn runs_end_where_a_bytewise_search_ends(bytes: Vec<u8>, pad in 0usize..20, last in any::<u8>()) {
            let mut tabs_and_text = vec![b'\t'; pad];
            tabs_and_text.extend(std::iter::repeat_n(b'~', pad));
            tabs_and_text.push(last);
            for bytes in [&bytes, &tabs_and_text] {
                let plain = bytes.iter().position(|b| is_control(*b) || *b >= 0x80);
                prop_assert_eq!(plain_run(bytes), plain.unwrap_or(bytes.len()));
                let text = bytes.iter().position(|b| is_control(*b));
                prop_assert_eq!(text_run(bytes), text.unwrap_or(bytes.len()));
            }
        }
    }

    #[test]
    fn wide_and_combining_characters_count_as_a_terminal_counts_them() {
        assert_eq!(columns("abc\tx"), 5);
        assert_eq!(columns("日本"), 4);
        assert_eq!(columns("e\u{301}"), 1);
    }
}
