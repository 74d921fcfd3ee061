//! Colour, width and measure of text for terminals: whether to colour, how wide a text is, how to cut it. No
//! knowledge of what the text says.

use crate::logs::ColorChoice;
use std::ffi::OsString;
use std::io::IsTerminal;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Paints text, or leaves it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    pub const PLAIN: Self = Self { on: false };
    pub const COLOUR: Self = Self { on: true };

    pub fn for_stdout() -> Self {
        Self::for_stream(std::io::stdout().is_terminal())
    }

    pub fn for_stderr() -> Self {
        Self::for_stream(std::io::stderr().is_terminal())
    }

    fn for_stream(is_terminal: bool) -> Self {
        Self::by(|name| std::env::var_os(name), is_terminal)
    }

    /// By the same rules as the console's lines.
    fn by(variable: impl Fn(&str) -> Option<OsString>, is_terminal: bool) -> Self {
        Self {
            on: ColorChoice::from_environment(variable, is_terminal).is_on(),
        }
    }

    pub fn is_on(self) -> bool {
        self.on
    }

    /// `text` in the SGR parameters `sgr` (`"1;31"`); an empty text stays empty.
    pub fn sgr(self, sgr: &str, text: &str) -> String {
        if !self.on || text.is_empty() || sgr.is_empty() {
            return text.to_owned();
        }
        format!("\x1b[{sgr}m{text}\x1b[0m")
    }

    pub fn bold(self, text: &str) -> String {
        self.sgr("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.sgr("2", text)
    }

    pub fn red(self, text: &str) -> String {
        self.sgr("1;31", text)
    }

    pub fn green(self, text: &str) -> String {
        self.sgr("32", text)
    }

    pub fn yellow(self, text: &str) -> String {
        self.sgr("33", text)
    }
}

/// The columns to lay out for: the terminal's on standard output; without one there is no limit, so that
/// nothing is cut in a pipe.
pub fn stdout_width() -> usize {
    if !std::io::stdout().is_terminal() {
        return usize::MAX;
    }
    match rustix::termios::tcgetwinsize(std::io::stdout()) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
        Ok(_) | Err(_) => 80,
    }
}

/// The columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` within `limit` columns, cut with `…` where it is longer.
pub fn fit(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let columns = c.width().unwrap_or(0);
        if used + columns + 1 > limit {
            break;
        }
        kept.push(c);
        used += columns;
    }
    if limit > 0 {
        kept.push('…');
    }
    kept
}

/// `text` filled with blanks to `columns`.
pub fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// `text` on one line, without colours and control characters.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' if chars.peek() == Some(&'[') => {
                chars.next();
                // Parameters and intermediates, up to the final byte.
                while chars.next_if(|c| ('\x20'..'\x40').contains(c)).is_some() {}
                chars.next();
            }
            '\t' | '\n' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// The longest line that is quoted in full.
const QUOTED: usize = 500;

/// A line of a service's, quoted: without controls, and cut with a mark where it is very long.
pub fn quoted(line: &str) -> String {
    let line = plain(line);
    match line.char_indices().nth(QUOTED) {
        None => line,
        Some((end, _)) => {
            let more = line[end..].chars().count();
            format!("{}… ({more} more characters)", &line[..end])
        }
    }
}

/// Appends `line` and its end to `out`.
pub fn push_line(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

/// The words of `text` in lines of at most `limit` columns; a longer word stands alone. Empty lines in `text`
/// separate paragraphs and are kept.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, paragraph) in text.split("\n\n").enumerate() {
        if number > 0 {
            lines.push(String::new());
        }
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && width(&line) + 1 + width(word) > limit {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Paint, fit, pad, plain, quoted, width, wrap};

    #[test]
    fn a_very_long_line_is_quoted_by_its_beginning_and_says_how_much_is_missing() {
        assert_eq!(quoted("KeyError: 'x'"), "KeyError: 'x'");
        let long = "é".repeat(70_000);
        let quoted = quoted(&long);
        assert!(quoted.ends_with("é… (69500 more characters)"), "{quoted}");
    }

    #[test]
    fn every_output_follows_the_same_conventions_of_colour() {
        let is_on = |variables: &[(&str, &str)]| {
            let lookup = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).into())
            };
            Paint::by(lookup, true).is_on()
        };
        assert!(is_on(&[("TERM", "xterm")]));
        // docs/output.md
        assert!(!is_on(&[]), "TERM is missing");
        assert!(!is_on(&[("TERM", "")]));
        assert!(!is_on(&[("TERM", "xterm"), ("CLICOLOR", "0")]));
        assert!(is_on(&[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")]));
    }

    #[test]
    fn wide_characters_count_twice_and_are_never_halved() {
        assert_eq!(width("数据"), 4);
        assert_eq!(fit("数据库", 5), "数据…");
        assert_eq!(fit("数据库", 4), "数…");
        assert_eq!(pad("数", 4), "数  ");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
        assert_eq!(fit("abcd", 0), "");
    }

    #[test]
    fn plain_text_has_no_colours_and_no_control_characters() {
        assert_eq!(plain("\x1b[1;31mred\x1b[0m\tand\x07 more\n"), "red and more ");
        assert_eq!(plain("\x1b[38;5;1"), "");
    }

    #[test]
    fn wrapping_keeps_words_and_paragraphs() {
        assert_eq!(wrap("aa bb cc\n\ndd", 5), ["aa bb", "cc", "", "dd"]);
        assert_eq!(wrap("abcdefgh i", 4), ["abcdefgh", "i"]);
    }

    #[test]
    fn nothing_is_painted_when_colour_is_off() {
        assert_eq!(Paint::PLAIN.red("x"), "x");
        assert_eq!(Paint::COLOUR.red("x"), "\x1b[1;31mx\x1b[0m");
        assert_eq!(Paint::COLOUR.red(""), "");
    }
}
