//! Lines of an input that nobody vouches for: of bounded length, the rest of longer ones skipped. Bytes only.

use std::io::{self, BufRead, ErrorKind};

/// One line, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Text(Vec<u8>),
    /// It was longer than allowed; its text is gone.
    TooLong,
}

/// The next line of at most `most` bytes; `None` at the end of the input. A last line without an end counts.
pub fn next_line(from: &mut impl BufRead, most: usize) -> io::Result<Option<Line>> {
    let mut text = Vec::new();
    let mut too_long = false;
    loop {
        let piece = match from.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            piece => piece?,
        };
        if piece.is_empty() {
            return Ok(match (too_long, text.is_empty()) {
                (true, _) => Some(Line::TooLong),
                (false, true) => None,
                (false, false) => Some(Line::Text(text)),
            });
        }
        let end = memchr::memchr(b'\n', piece);
        let taken = end.unwrap_or(piece.len());
        if !too_long && text.len() + taken <= most {
            text.extend_from_slice(&piece[..taken]);
        } else {
            too_long = true;
            text = Vec::new();
        }
        from.consume(taken + usize::from(end.is_some()));
        if end.is_some() {
            return Ok(Some(if too_long { Line::TooLong } else { Line::Text(text) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, next_line};
    use std::io::BufReader;

    fn lines(text: &str, most: usize) -> Vec<Line> {
        let mut from = BufReader::with_capacity(3, text.as_bytes());
        std::iter::from_fn(|| next_line(&mut from, most).unwrap()).collect()
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_one_is_whole() {
        let text = |text: &str| Line::Text(text.into());
        assert_eq!(
            lines("abcd\nabcde\nx\n\nlast", 4),
            [text("abcd"), Line::TooLong, text("x"), text(""), text("last")]
        );
        assert_eq!(lines("abcdefgh", 4), [Line::TooLong]);
        assert_eq!(lines("", 4), []);
    }
}
