//! Looks for the lines by which a service tells its state. Knows one instance's current run; what a found line
//! means is for others.

use super::plain::strip_into;
use crate::model::clipped;
use memchr::memchr;
use memchr::memmem::Finder;

/// No more of a line is kept to be shown.
const MOST_CHARS: usize = 200;

/// What is looked for in an instance's lines, and what has been found in those of its run.
#[derive(Debug)]
pub(super) struct LineWatch {
    ready: Option<Finder<'static>>,
    failure: Option<Finder<'static>>,
    /// What was told last: it is told again only after the opposite.
    told: Option<bool>,
    /// The last line that told of a failure, without colours.
    complaint: Option<String>,
    stripped: Vec<u8>,
}

impl LineWatch {
    /// `None` if there is nothing to look for.
    pub(super) fn new(ready: Option<&str>, failure: Option<&str>) -> Option<Box<Self>> {
        let finder = |text: &str| Finder::new(text.as_bytes()).into_owned();
        let watch = Self {
            ready: ready.filter(|text| !text.is_empty()).map(finder),
            failure: failure.filter(|text| !text.is_empty()).map(finder),
            told: None,
            complaint: None,
            stripped: Vec::new(),
        };
        (watch.ready.is_some() || watch.failure.is_some()).then(|| Box::new(watch))
    }

    /// A run begins: nothing of it has been seen.
    pub(super) fn begin(&mut self) {
        self.told = None;
        self.complaint = None;
    }

    /// Takes a line, finished or not, as it is shown. `Some` is news: ready, or not.
    pub(super) fn look(&mut self, line: &[u8]) -> Option<bool> {
        let mut stripped = std::mem::take(&mut self.stripped);
        let plain = if memchr(0x1b, line).is_some() {
            stripped.clear();
            strip_into(line, &mut stripped);
            &stripped
        } else {
            line
        };
        let found = self.find(plain);
        let news = found.filter(|_| found != self.told);
        if news.is_some() {
            self.told = news;
            self.complaint = (news == Some(false)).then(|| shown(plain));
        }
        self.stripped = stripped;
        news
    }

    /// A line that holds both is a failure.
    fn find(&self, line: &[u8]) -> Option<bool> {
        let holds = |finder: &Option<Finder<'static>>| {
            finder.as_ref().is_some_and(|finder| finder.find(line).is_some())
        };
        if holds(&self.failure) {
            Some(false)
        } else {
            holds(&self.ready).then_some(true)
        }
    }

    pub(super) fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }
}

fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    clipped(text.trim(), MOST_CHARS)
}

#[cfg(test)]
mod tests {
    use super::LineWatch;

    #[test]
    fn a_line_is_news_once_until_the_opposite_is_told_or_another_run_begins() {
        let mut watch = LineWatch::new(Some("listening on"), Some("EADDRINUSE")).unwrap();
        let mut look = |line: &str| watch.look(line.as_bytes());
        assert_eq!(look("starting"), None);
        assert_eq!(look("listening on 80"), Some(true));
        assert_eq!(look("listening on 81"), None);
        assert_eq!(look("\u{1b}[31mEADDR\u{1b}[mINUSE :80"), Some(false));
        assert_eq!(look("EADDRINUSE again, listening on"), None);
        assert_eq!(watch.complaint(), Some("EADDRINUSE :80"));
        assert_eq!(watch.look(b"listening on 80"), Some(true));
        assert_eq!(watch.complaint(), None);
        watch.begin();
        assert_eq!(watch.look(b"listening on 80"), Some(true));
    }

    #[test]
    fn nothing_to_look_for_is_no_watch() {
        assert!(LineWatch::new(None, Some("")).is_none());
    }
}
