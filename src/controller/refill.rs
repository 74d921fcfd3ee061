//! Which lines of a window's scrollback are new: what was printed while nobody read the stream (the control
//! client was away, the session was suspended). No IO.

use crate::logs::{Hub, Tone, plain};
use crate::model::InstanceId;
use crate::shim::note;
use crate::tmux::server;

/// How many known lines are compared to find the place where they stop.
const CONTEXT: usize = 12;

/// Gives the hub what a window's scrollback has that it does not know. To be done where the reply stands in the
/// control stream: what stands behind it was printed later.
pub(super) fn take_in(hub: &mut Hub, at_ms: u64, instance: InstanceId, scrollback: &[u8]) {
    let lines = server::captured(scrollback);
    let known = hub.last_lines(instance, CONTEXT);
    let text: Vec<String> = lines.iter().map(|line| plain(line)).collect();
    let news = news(&text, &known);
    if news.gap && !known.is_empty() {
        let lost = "lines are missing here: the scrollback does not reach back";
        hub.say(at_ms, instance, Tone::Alarm, lost);
    }
    for line in &lines[news.from..] {
        if !note::is_note(line) {
            hub.refill(at_ms, instance, line);
        }
    }
}

/// What the scrollback has that is not known yet.
#[derive(Debug, PartialEq, Eq)]
struct News {
    /// The first new line.
    from: usize,
    /// The known lines were not found: some that came before these are lost.
    gap: bool,
}

/// The lines of `captured` behind the last `known` ones (both oldest first, without colours).
///
/// The last known lines are searched from the end of the capture, so that a service which repeats itself shows
/// too little rather than the same twice.
fn news(captured: &[String], known: &[String]) -> News {
    let known = &known[known.len().saturating_sub(CONTEXT)..];
    if known.is_empty() {
        return News { from: 0, gap: false };
    }
    for end in (1..=captured.len()).rev() {
        let overlap = known.len().min(end);
        let pairs = captured[end - overlap..end]
            .iter()
            .zip(&known[known.len() - overlap..]);
        let same = pairs
            .into_iter()
            .all(|(found, known)| found.trim_end() == known.trim_end());
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
    use super::{News, news};

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
