//! Whether an answer to a format is all of it. From 3.7 on tmux stops expanding a format 100 ms after it began, and
//! answers with what it has by then, be it nothing, and says that all went well. A machine that gives tmux no time for
//! so long is enough. So each format that we must have the whole answer to ends in a word of its own; an answer without
//! it is asked for again.

/// The end of such a format, and of each whole answer.
pub(super) const END: &str = " .";

/// The answer without its end; `None` if it was cut.
pub(super) fn whole(line: &str) -> Option<&str> {
    line.strip_suffix(END)
}

/// Reads a listing of which each line is an answer, leaving out lines that are no `item`; `None` if one was cut. What
/// we list has always one line at least, so none at all is a cut one.
pub(super) fn listing<T>(text: &str, item: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let lines: Vec<_> = text.lines().map(whole).collect::<Option<_>>()?;
    (!lines.is_empty()).then(|| lines.into_iter().filter_map(item).collect())
}

#[cfg(test)]
mod tests {
    use super::{END, listing};
    use crate::tmux::opening::OPENED;
    use crate::tmux::panes::{NAMED_PANES, PANES};
    use crate::tmux::reply::GREETING;
    use crate::tmux::server::VIEWERS;

    #[test]
    fn every_format_that_must_be_answered_whole_says_where_it_ends() {
        for format in [OPENED, GREETING, PANES, NAMED_PANES, VIEWERS] {
            assert!(format.ends_with(END), "{format}");
        }
    }

    #[test]
    fn a_listing_with_a_line_that_was_cut_is_none() {
        let numbers = |text: &str| listing(text, |line| line.parse::<u32>().ok());
        assert_eq!(numbers("1 .\n2 .\n"), Some(vec![1, 2]));
        assert_eq!(numbers("1 .\nx .\n"), Some(vec![1]));
        for cut in ["", "\n", "1 .\n\n", "1 .\n2", "1 .\n2 ", "\n2 ."] {
            assert_eq!(numbers(cut), None, "{cut:?}");
        }
    }
}
