//! Texts with SGR sequences in them, seen without: how long a sequence is, the text alone, the text from some
//! place on. What the sequences mean is for [`Style`] to know.

use super::style::Style;

/// How long the escape sequence is that `text` begins with: all of an SGR sequence, just the ESC of any other.
pub(super) fn sequence_len(text: &[u8]) -> usize {
    let Some(body) = text.strip_prefix(b"\x1b[") else {
        return 1;
    };
    let parameters = body
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':'))
        .count();
    if body.get(parameters) == Some(&b'm') {
        parameters + 3
    } else {
        1
    }
}

/// Appends `text` without its SGR sequences.
pub fn strip_into(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + sequence_len(&rest[at..])..];
    }
    out.extend_from_slice(rest);
}

/// Appends what follows the first `count` bytes of `text` that are no SGR sequence, in the style it has there.
pub(super) fn skip_into(text: &[u8], count: usize, out: &mut Vec<u8>) {
    let mut style = Style::DEFAULT;
    let mut rest = text;
    let mut left = count;
    while left > 0 && !rest.is_empty() {
        let run = memchr::memchr(0x1b, rest).unwrap_or(rest.len());
        let skipped = run.min(left);
        left -= skipped;
        rest = &rest[skipped..];
        if skipped == run && !rest.is_empty() {
            let (sequence, after) = rest.split_at(sequence_len(rest));
            if let Some(parameters) = sequence.strip_prefix(b"\x1b[").and_then(|s| s.strip_suffix(b"m")) {
                style.apply(parameters);
            }
            rest = after;
        }
    }
    style.write(out);
    out.extend_from_slice(rest);
}

/// `text` without its SGR sequences, for people and JSON.
pub fn plain(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    strip_into(text, &mut bytes);
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{plain, skip_into, strip_into};
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    #[test]
    fn stripping_takes_sgr_and_nothing_else() {
        assert_eq!(
            plain(b"\x1b[1;31mred\x1b[0m and \x1b[38:5:2mgreen\x1b[m"),
            "red and green"
        );
        assert_eq!(plain(b"cut \x1b[31"), "cut [31");
    }

    #[test]
    fn skipping_keeps_the_style_of_what_follows() {
        for (text, count, rest) in [
            ("abc", 1, "bc"),
            ("abc", 0, "abc"),
            ("abc", 3, ""),
            ("\x1b[1mab\x1b[0m", 1, "\x1b[1mb\x1b[0m"),
            ("\x1b[1mab\x1b[0mc", 2, "c"),
            ("\x1b[31ma\x1b[1mb\x1b[0m", 1, "\x1b[1;31mb\x1b[0m"),
        ] {
            let mut out = Vec::new();
            skip_into(text.as_bytes(), count, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), rest, "{text:?} {count}");
        }
    }

    proptest! {
        #[test]
        fn stripping_twice_is_stripping_once(bytes: Vec<u8>) {
            let (mut once, mut twice) = (Vec::new(), Vec::new());
            strip_into(&bytes, &mut once);
            strip_into(&once, &mut twice);
            prop_assert!(!once.contains(&0x1b));
            prop_assert_eq!(once, twice);
        }
    }
}
