//! When a run has to say again that it is alive, as systemd has it: what its messages mean for that, and when its
//! silence is too long. Only tells; what follows is the controller's to say. No clock: time is an argument.

use super::protocol::micros;
use crate::model::time_text;
use std::time::{Duration, Instant};

/// What a service says that is alive.
pub(super) const ALIVE: &str = "WATCHDOG=1";

#[derive(Debug, Default)]
pub(super) struct Watchdog {
    /// So often it has to speak; never, without it.
    every: Option<Duration>,
    /// By then it has to have spoken; `None` before it counts, and after it is over.
    due: Option<Instant>,
    /// It has spoken since it counts.
    spoke: bool,
    /// It has not, in words.
    silent: Option<String>,
}

impl Watchdog {
    /// For a run that begins. One that says itself that it is ready does not have to speak before that.
    pub(super) fn new(every: Option<Duration>, tells_ready: bool, now: Instant) -> Self {
        let mut watchdog = Self {
            every,
            ..Self::default()
        };
        if !tells_ready {
            watchdog.await_word(now);
        }
        watchdog
    }

    /// Takes in a message. Whether the run says by it that it is in trouble itself.
    pub(super) fn hear(&mut self, text: &str, now: Instant) -> bool {
        let mut in_trouble = false;
        for line in text.lines().map(str::trim_end) {
            match line {
                ALIVE => {
                    self.spoke = true;
                    self.silent = None;
                    self.await_word(now);
                }
                "WATCHDOG=trigger" => in_trouble = true,
                "READY=1" if self.due.is_none() => self.await_word(now),
                "STOPPING=1" => self.rest(),
                _ => {
                    if let Some(every) = micros(line, "WATCHDOG_USEC=") {
                        self.every = Some(every).filter(|every| !every.is_zero());
                        self.await_word(now);
                    }
                }
            }
        }
        if in_trouble {
            self.fall_silent("it says WATCHDOG=trigger".to_owned());
        }
        in_trouble
    }

    /// When [`Self::on_deadline`] is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether it has been silent for too long by now, which is so once.
    pub(super) fn on_deadline(&mut self, now: Instant) -> bool {
        let is_late = self.due.is_some_and(|due| due <= now);
        if is_late {
            let every = time_text::duration(self.every.unwrap_or_default());
            self.fall_silent(if self.spoke {
                format!("no WATCHDOG=1 for {every}")
            } else {
                format!("no WATCHDOG=1 at all in {every}")
            });
        }
        is_late
    }

    /// Nothing is expected of it any more: it is being stopped.
    pub(super) fn rest(&mut self) {
        self.due = None;
    }

    /// What its silence was, if it has not spoken since.
    pub(super) fn silent(&self) -> Option<&str> {
        self.silent.as_deref()
    }

    fn await_word(&mut self, now: Instant) {
        // A time beyond what the system can count is none.
        self.due = self.every.and_then(|every| now.checked_add(every));
    }

    fn fall_silent(&mut self, text: String) {
        self.silent = Some(text);
        self.due = None;
    }
}

#[cfg(test)]
mod tests {
    use super::Watchdog;
    use std::time::{Duration, Instant};

    const EVERY: Duration = Duration::from_secs(30);

    fn seconds(since: Instant, count: u64) -> Instant {
        since + Duration::from_secs(count)
    }

    #[test]
    fn it_has_to_speak_from_its_readiness_on_and_again_within_each_interval() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(Some(EVERY), true, start);
        assert_eq!(watchdog.due(), None);
        assert!(!watchdog.on_deadline(seconds(start, 1000)));
        watchdog.hear("STATUS=up\nREADY=1", seconds(start, 100));
        assert_eq!(watchdog.due(), Some(seconds(start, 130)));
        watchdog.hear("WATCHDOG=1\n", seconds(start, 120));
        watchdog.hear("READY=1", seconds(start, 125));
        assert_eq!(watchdog.due(), Some(seconds(start, 150)));
        assert!(!watchdog.on_deadline(seconds(start, 149)));
        assert!(watchdog.on_deadline(seconds(start, 150)));
        assert_eq!(watchdog.silent(), Some("no WATCHDOG=1 for 30 s"));
        assert!(!watchdog.on_deadline(seconds(start, 151)), "told once");
        watchdog.hear("WATCHDOG=1", seconds(start, 160));
        assert_eq!(watchdog.silent(), None);
    }

    #[test]
    fn what_never_spoke_is_told_so_and_what_stops_need_not_speak() {
        let start = Instant::now();
        let mut mute = Watchdog::new(Some(EVERY), false, start);
        assert!(mute.on_deadline(seconds(start, 30)));
        assert_eq!(mute.silent(), Some("no WATCHDOG=1 at all in 30 s"));
        let mut stopping = Watchdog::new(Some(EVERY), false, start);
        stopping.hear("STOPPING=1", start);
        assert_eq!(stopping.due(), None);
    }

    #[test]
    fn it_says_itself_how_often_it_speaks_and_when_it_is_in_trouble() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(None, true, start);
        watchdog.hear("WATCHDOG=1", start);
        assert_eq!(watchdog.due(), None, "nobody asked for it");
        watchdog.hear("WATCHDOG_USEC=2000000", start);
        assert_eq!(watchdog.due(), Some(seconds(start, 2)));
        watchdog.hear("WATCHDOG_USEC=0", start);
        assert_eq!(watchdog.due(), None);
        watchdog.hear("WATCHDOG_USEC=none", start);
        assert!(watchdog.hear("WATCHDOG=trigger", start));
        let text = "it says WATCHDOG=trigger";
        assert_eq!(watchdog.silent(), Some(text));
    }
}
