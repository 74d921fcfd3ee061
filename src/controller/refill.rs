//! Which lines of a window's scrollback are new: what was printed while nobody read the stream (the control
//! client was away, the session was suspended). Pure.

use crate::shim::note;

/// How many known lines are compared to find the place where they stop.
pub(super) const CONTEXT: usize = 12;

/// What the scrollback has that is not known yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News {
    /// The first new line.
    pub(super) from: usize,
    /// The known lines were not found: some that came before these are lost.
    pub(super) gap: bool,
}

/// The lines without the shim's notes, which are none of the service's, and the line breaks in front of them.
pub(super) fn without_notes(captured: Vec<&[u8]>) -> Vec<&[u8]> {
    let mut kept: Vec<&[u8]> = Vec::with_capacity(captured.len());
    for line in captured {
        if !note::is_note(line) {
            kept.push(line);
        } else if kept.last().is_some_and(|last| last.is_empty()) {
            kept.pop();
        }
    }
    kept
}

/// Whether the screen shows the one as the other: there tabs are blanks.
fn is_same(found: &str, known: &str) -> bool {
    found.split_whitespace().eq(known.split_whitespace())
}

/// The lines of `captured` behind the last `known` ones (both oldest first, without colours).
///
/// The last known lines are searched from the end of the capture, so that a service which repeats itself shows
/// too little rather than the same twice.
pub(super) fn news(captured: &[String], known: &[String]) -> News {
    let known = &known[known.len().saturating_sub(CONTEXT)..];
    if known.is_empty() {
        return News { from: 0, gap: false };
    }
    for end in (1..=captured.len()).rev() {
        let overlap = known.len().min(end);
        let pairs = captured[end - overlap..end]
            .iter()
            .zip(&known[known.len() - overlap..]);
        let same = pairs.into_iter().all(|(found, known)| is_same(found, known));
        // Where the capture begins in the middle of the known lines, fewer of them can be compared.
        if same && (overlap == known.len() || end == overlap) {
            return News {
                from: end,
                gap: false,
            };
        }
    }
    News {
        from: 0,
        gap: !captured.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::{News, news, without_notes};

    fn lines(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn only_what_follows_the_known_lines_is_new() {
        assert_eq!(
            news(&lines("a b c d"), &lines("a b")),
            News { from: 2, gap: false }
        );
        assert_eq!(news(&lines("a b"), &lines("a b")), News { from: 2, gap: false });
        assert_eq!(
            news(&lines("tick tick tick"), &lines("tick tick")),
            News { from: 3, gap: false }
        );
    }

    #[test]
    fn tabs_are_known_again_as_the_blanks_they_are_on_the_screen() {
        let (captured, known) = (["a       b".to_owned()], ["a\tb".to_owned()]);
        assert_eq!(news(&captured, &known).from, 1);
    }

    #[test]
    fn notes_and_the_line_breaks_before_them_are_left_out() {
        let captured: [&[u8]; 4] = [
            b"a",
            b"",
            b"\x1b[2mweb exited with code 3 after 0.1 s \xc2\xb7 Enter restarts it",
            b"b",
        ];
        assert_eq!(without_notes(captured.to_vec()), [b"a", b"b"]);
    }

    #[test]
    fn without_known_lines_everything_is_new() {
        assert_eq!(news(&lines("a b"), &[]), News { from: 0, gap: false });
        assert_eq!(news(&[], &lines("a")), News { from: 0, gap: false });
    }

    #[test]
    fn a_scrollback_that_has_moved_on_is_all_new_and_says_that_lines_are_missing() {
        assert_eq!(news(&lines("x y"), &lines("a b")), News { from: 0, gap: true });
    }

    #[test]
    fn a_scrollback_that_begins_among_the_known_lines_still_fits() {
        assert_eq!(news(&lines("b c"), &lines("a b")), News { from: 1, gap: false });
    }
}
