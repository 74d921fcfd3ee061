//! Signals to the controller: what Ctrl-C, a closed terminal, Ctrl-Z and SIGUSR1 mean for the session.

use super::core::Controller;
use super::leaving::Leave;
use crate::logs::Tone;
use crate::model::Signal;
use crate::platform::dispositions::is_ignored;
use crate::shim::protocol::Order;
use crate::supervisor::{Event, QuitWhy};
use signal_hook::consts as c;

/// The signals that the loop listens to.
const LISTENED: &[i32] = &[
    c::SIGINT,
    c::SIGTERM,
    c::SIGHUP,
    c::SIGQUIT,
    c::SIGTSTP,
    c::SIGUSR1,
    c::SIGPIPE,
];

/// The signals to listen to. To be asked before any is listened to.
pub(super) fn to_listen_to() -> Vec<i32> {
    // Whoever calls `nohup ovr start` wants it to outlive its terminal. The others are taken also where the caller
    // ignores them: a shell without job control does so for all that it puts into the background.
    let stays_ignored = |signal: i32| signal == c::SIGHUP && is_ignored(signal);
    let mut signals = LISTENED.to_vec();
    signals.retain(|signal| !stays_ignored(*signal));
    signals
}

impl Controller {
    pub(super) fn on_signal(&mut self, number: i32) {
        if matches!(number, c::SIGINT | c::SIGQUIT | c::SIGTSTP) {
            self.hub.return_to_margin();
        }
        match number {
            c::SIGINT | c::SIGTERM | c::SIGQUIT => self.on_quit_signal(number),
            // The terminal of a detached session is not its own.
            c::SIGHUP if self.facts.detached => {}
            c::SIGHUP => self.on_hangup(),
            c::SIGTSTP => self.leave = Some(Leave::Suspend),
            // "Your sockets were deleted": as tmux does, make them anew.
            c::SIGUSR1 => self.renew_files_as_told(),
            _ => {}
        }
    }

    /// The first one stops gracefully, the second kills every tree, the third leaves at once.
    fn on_quit_signal(&mut self, number: i32) {
        let signal = Signal::from_number(number).expect("a signal that was delivered has a valid number");
        self.quit_signals += 1;
        match self.quit_signals {
            1 if !self.machine.is_ending() => {
                let live = self.live_count();
                self.say_session(
                    Tone::Normal,
                    &match live {
                        1 => format!("{signal}: stopping 1 service (once more kills it)"),
                        _ => format!("{signal}: stopping {live} services (once more kills them)"),
                    },
                );
            }
            1 | 2 => self.say_session(
                Tone::Normal,
                &format!("{signal}: killing what is left (once more leaves at once)"),
            ),
            _ => {
                // Each shim carries on alone: it kills what it runs, then ends, and its window with it.
                for instance in self.ids() {
                    self.order(instance, &Order::Close);
                }
                self.leave = Some(Leave::AtOnce(signal));
                return;
            }
        }
        self.feed(Event::Quit {
            why: QuitWhy::Signal(signal),
            ask: None,
        });
    }

    fn on_hangup(&mut self) {
        self.feed(Event::Quit {
            why: QuitWhy::Signal(Signal::HUP),
            ask: None,
        });
    }
}
