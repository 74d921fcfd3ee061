//! Which lines of a window's scrollback are new: what was printed while nobody read the stream (the control
//! client was away, the session was suspended). Pure.

/// How many known lines are compared to find the place where they stop.
const CONTEXT: usize = 12;

/// What the scrollback has that is not known yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News<'a> {
    pub(super) lines: Vec<&'a str>,
    /// The known lines were not found: some that came before these are lost.
    pub(super) gap: bool,
}

/// The lines of `captured` behind the last `known` ones (both oldest first, without colours).
///
/// The last known lines are searched from the end of the capture, so that a service which repeats itself shows
/// too little rather than the same twice.
pub(super) fn news<'a>(captured: &'a str, known: &[String]) -> News<'a> {
    let lines: Vec<&str> = captured.trim_end_matches(['\n', ' ']).split('\n').map(str::trim_end).collect();
    let lines = if lines == [""] { Vec::new() } else { lines };
    let known: Vec<&str> =
        known.iter().map(|line| line.trim_end()).skip(known.len().saturating_sub(CONTEXT)).collect();
    if known.is_empty() {
        return News { lines, gap: false };
    }
    for end in (1..=lines.len()).rev() {
        let overlap = known.len().min(end);
        let same = lines[end - overlap..end] == known[known.len() - overlap..];
        // Where the capture begins in the middle of the known lines, fewer of them can be compared.
        if same && (overlap == known.len() || end == overlap) {
            return News { lines: lines[end..].to_vec(), gap: false };
        }
    }
    News { gap: !lines.is_empty(), lines }
}

#[cfg(test)]
mod tests {
    use super::news;

    fn known(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn only_what_follows_the_known_lines_is_new() {
        let found = news("a\nb\nc\nd\n\n\n", &known(&["a", "b"]));
        assert_eq!(found.lines, ["c", "d"]);
        assert!(!found.gap);
        assert_eq!(news("a\nb\n", &known(&["a", "b"])).lines, Vec::<&str>::new());
        assert_eq!(news("a\nb  \n", &known(&["a"])).lines, ["b"]);
    }

    #[test]
    fn without_known_lines_everything_is_new() {
        assert_eq!(news("a\nb\n", &[]).lines, ["a", "b"]);
        assert_eq!(news("\n\n", &[]).lines, Vec::<&str>::new());
        assert_eq!(news("", &known(&["a"])).lines, Vec::<&str>::new());
    }

    #[test]
    fn a_scrollback_that_has_moved_on_is_all_new_and_says_that_lines_are_missing() {
        let found = news("x\ny\n", &known(&["a", "b"]));
        assert_eq!(found.lines, ["x", "y"]);
        assert!(found.gap);
    }

    #[test]
    fn a_scrollback_that_begins_among_the_known_lines_still_fits() {
        let found = news("b\nc\n", &known(&["a", "b"]));
        assert_eq!(found.lines, ["c"]);
        assert!(!found.gap);
    }
}
