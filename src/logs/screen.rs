//! The lines of a screen as tmux gives them: a style is said where it changes and holds for the lines that follow.
//! Knows nothing of streams and marks, which are gone there.

use super::stream::{Sink, StreamDecoder};
use crate::model::mark::Mark;

/// Each of these lines by itself: it begins with the style that the line before left, and its own is closed.
pub fn styled_lines<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut gathered = Gathered(Vec::new());
    let mut decoder = StreamDecoder::new(None);
    for line in lines {
        decoder.feed(line, &mut gathered);
        decoder.feed(b"\n", &mut gathered);
    }
    gathered.0
}

struct Gathered(Vec<Vec<u8>>);

impl Sink for Gathered {
    fn line(&mut self, text: &[u8]) {
        self.0.push(text.to_vec());
    }

    fn mark(&mut self, _mark: Mark) {}

    fn full_screen(&mut self, _entered: bool) {}
}

#[cfg(test)]
mod tests {
    use super::styled_lines;

    #[test]
    fn a_style_that_holds_for_several_lines_is_said_in_each() {
        let screen: [&[u8]; 5] = [b"a", b"\x1b[31mb", b"", b"c", b"\x1b[0md"];
        let lines = styled_lines(screen);
        let text: Vec<_> = lines.iter().map(|line| String::from_utf8_lossy(line)).collect();
        assert_eq!(text, ["a", "\x1b[31mb\x1b[0m", "", "\x1b[31mc\x1b[0m", "d"]);
    }
}
