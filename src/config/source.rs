//! Bytes of a file to a text that diagnostics can point into. Pure: reading the file is `load.rs`'s.

use crate::diag::{Diagnostic, Kind, Source, Span};
use std::path::PathBuf;
use std::sync::Arc;

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// The text of a file, without its byte order mark. `path` is how messages name the file.
///
/// Every line that is not UTF-8 or holds a NUL byte is an error of its own: neither an argument nor a
/// variable can carry them.
pub fn decode(path: impl Into<PathBuf>, bytes: &[u8]) -> Result<Arc<Source>, Vec<Diagnostic>> {
    let bytes = bytes.strip_prefix(UTF8_BOM).unwrap_or(bytes);
    let source = Arc::new(Source::new(path, String::from_utf8_lossy(bytes).into_owned()));
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let mut found = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let (valid, message) = match str::from_utf8(line) {
            Err(error) => (&line[..error.valid_up_to()], "this is not UTF-8 text"),
            Ok(_) => match line.iter().position(|byte| *byte == 0) {
                Some(at) => (&line[..at], "a NUL byte cannot stand here"),
                None => continue,
            },
        };
        let column = String::from_utf8_lossy(valid).chars().count() + 1;
        let diagnostic = Diagnostic::error(Kind::Config, message).at(Span {
            source: Arc::clone(&source),
            line: index + 1,
            column,
            length: 1,
        });
        if utf16 {
            found.push(diagnostic.hint("the file seems to be UTF-16; save it as UTF-8"));
            break;
        }
        found.push(diagnostic);
    }
    if found.is_empty() { Ok(source) } else { Err(found) }
}

/// The lines of `text` without their ends (LF or CRLF), each with the offset of its first byte.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = offset;
        offset += line.len();
        let line = line.strip_suffix('\n').unwrap_or(line);
        (start, line.strip_suffix('\r').unwrap_or(line))
    })
}

/// The span of `text[start..end]`, cut at the end of its first line; at least one character long.
pub(super) fn span(source: &Arc<Source>, start: usize, end: usize) -> Span {
    let (line, line_start) = source.line_at(start);
    let meant = &source.text[start..end];
    let meant = meant.split('\n').next().unwrap_or(meant).trim_end_matches('\r');
    Span {
        source: Arc::clone(source),
        line,
        column: source.text[line_start..start].chars().count() + 1,
        length: meant.chars().count().max(1),
    }
}

/// The place of a part of the value at `value`. A value may be written over several lines and with escapes, so the
/// part is looked for from where the value begins to where it surely ends; where it is not found as it is, the whole
/// value is meant.
pub(super) fn within(value: &Span, part: &str) -> Span {
    let source = &value.source;
    let line_start = source.line_start(value.line);
    let first = source.line(value.line).unwrap_or_default();
    let column = value.column.saturating_sub(1);
    let own = first.char_indices().map(|(at, _)| at).skip(column);
    let begin = line_start + own.clone().next().unwrap_or(first.len());
    let end = line_start + own.clone().nth(value.length).unwrap_or(first.len());
    let indent = indent_of(first);
    let more = (value.line + 1..).map_while(|number| source.line(number));
    let more = more.take_while(|line| line.trim().is_empty() || indent_of(line) > indent);
    let further = std::iter::once((begin, &source.text[begin..end])).chain(more.scan(
        line_start + first.len() + 1,
        |start, line| {
            let at = *start;
            *start += line.len() + 1;
            Some((at, line))
        },
    ));
    let mut found = further.filter_map(|(start, text)| Some(start + text.find(part)?));
    match found.next() {
        Some(at) if !part.is_empty() => span(source, at, at + part.len()),
        Some(_) | None => value.clone(),
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::{decode, lines, span, within};

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(decode("f", b"\xef\xbb\xbfweb: x").unwrap().text, "web: x");
    }

    #[test]
    fn every_line_that_is_not_utf8_is_pointed_at() {
        let errors = decode("f", b"ok\na: \xc3\xa4\xff\nb: \0\nfine\n\xff").unwrap_err();
        let places: Vec<_> = errors
            .iter()
            .map(|e| e.span.as_ref().unwrap().to_string())
            .collect();
        assert_eq!(places, ["f:2:5", "f:3:4", "f:5:1"]);
    }

    #[test]
    fn utf16_is_named_once() {
        let errors = decode("f", b"\xff\xfew\0e\0b\0\n\0").unwrap_err();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].hints[0].contains("UTF-16"));
    }

    #[test]
    fn lines_end_with_lf_or_crlf() {
        let found: Vec<_> = lines("a\r\nb\n\nc").collect();
        assert_eq!(found, [(0, "a"), (3, "b"), (5, ""), (6, "c")]);
    }

    #[test]
    fn a_span_counts_characters_and_stays_on_its_line() {
        let source = decode("f", "ä: ö\nwéb: x\n".as_bytes()).unwrap();
        let at = source.text.find("b: x").unwrap();
        let found = span(&source, at, source.text.len());
        assert_eq!((found.line, found.column, found.length), (2, 3, 4));
    }

    #[test]
    fn a_part_of_a_value_is_looked_for_in_that_value_alone() {
        let text = "a: \"${RUN} x\"  # serve\nb: |\n  cd y\n\n  serve\nc: serve\n";
        let source = decode("f", text.as_bytes()).unwrap();
        let found = |value: &str, part: &str| {
            let at = source.text.find(value).unwrap();
            within(&span(&source, at, at + value.len()), part).to_string()
        };
        assert_eq!(found("\"${RUN} x\"", "serve"), "f:1:4");
        assert_eq!(found("\"${RUN} x\"", "x"), "f:1:12");
        assert_eq!(found("|", "serve"), "f:5:3");
        assert_eq!(found("|", "c"), "f:3:3");
        assert_eq!(found("serve\n", ""), "f:1:18");
    }
}
