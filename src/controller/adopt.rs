//! Taking over what an earlier controller of this session left running.

use super::ahead::Ahead;
use super::clock;
use super::core::Controller;
use super::leaving::Leave;
use super::left_over::{LeftOver, is_tmux, left_alone};
use super::windows::Connection;
use crate::diag::Diagnostic;
use crate::logs::Tone;
use crate::model::InstanceId;
use crate::platform::processes;
use crate::supervisor::Event;
use crate::tmux::client::Client;
use crate::tmux::command::Command;
use std::collections::BTreeSet;
use std::time::Duration;

/// A shim answers within milliseconds; one that is stopped must not hold up the others for ever.
const PATIENCE: Duration = Duration::from_secs(2);

/// More than these are not named one by one.
const MOST_NAMED: usize = 12;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Adopted {
    /// Alive, and taken over.
    pub(super) taken: Vec<InstanceId>,
    /// Ended while nobody looked.
    pub(super) ended: Vec<InstanceId>,
    /// Alive with another command or environment than the configuration has now.
    pub(super) changed: Vec<InstanceId>,
    pub(super) begun: bool,
    /// Whose end nobody has told yet.
    pub(super) news: BTreeSet<InstanceId>,
    /// The sentences about all this, for whoever started the session.
    pub(super) told: Vec<String>,
}

impl Controller {
    /// Looks for a tmux server that an earlier controller left, and adopts what lives in it; else starts anew.
    /// With a server that is on its way already there was nothing to be left.
    pub(super) async fn adopt_or_begin(&mut self, ahead: Option<Ahead>) {
        if let Some(ahead) = ahead {
            self.windows.begun(ahead.begun);
            return self.begin_anew();
        }
        let site = self.windows.site.clone();
        let left = LeftOver::find(&site.server, &site.shim_socket, self.left_tmux_pid).await;
        self.left_tmux_pid = left.pid().or(self.left_tmux_pid);
        if let Some(refusal) = left.refusal(self.facts.fresh) {
            self.leave_alone(refusal);
            return;
        }
        if self.facts.fresh && !left.is_empty() {
            self.say_session(Tone::Normal, "ending what an earlier session left running");
            self.flush_output();
        }
        let client = if self.facts.fresh || left.is_empty() {
            None
        } else {
            if cfg!(not(target_os = "linux")) {
                left.end_client().await;
            }
            match Client::attach(&site.server) {
                Ok(client) => Some(client),
                Err(error) => {
                    self.leave_alone(error);
                    return;
                }
            }
        };
        let Some(client) = client else {
            left.end().await;
            self.info.set_tmux(None);
            return self.begin_anew();
        };
        self.tell_beginning(true);
        self.windows.connection = Connection::Attaching(client);
        // This server has read the user's configuration when it was started.
        self.windows.held = false;
        self.windows.aside = left.aside();
        for pane in left.empty() {
            self.windows.tell(&Command::kill_pane(pane));
        }
        for pane in left.shims() {
            if signal_shim(pane.pid) {
                self.expected_shims.insert(pane.pid);
                self.found_panes.push((pane.pid, pane.window));
            }
        }
        self.adoption_deadline = Some(self.clock.now() + PATIENCE);
        self.begin_when_adopted();
    }

    /// What runs cannot be taken over: it goes on, and is there for the next try.
    pub(super) fn leave_alone(&mut self, error: Diagnostic) {
        self.info.set_tmux(self.left_tmux_pid);
        self.leave = Some(Leave::NoAnswer(left_alone(error)));
    }

    /// Starts what should run, once every shim that was told of us has spoken and what stood in its window is here: a
    /// run that begins before that would put its first words among the last ones of the run before.
    pub(super) fn begin_when_adopted(&mut self) {
        let awaits = !self.expected_shims.is_empty() || self.windows.is_asking_scrollback();
        let is_held_up = awaits && self.adoption_deadline.is_some();
        if !self.adopted.begun && !is_held_up {
            self.adoption_deadline = None;
            self.report_adoption();
            self.begin();
        }
    }

    fn begin_anew(&mut self) {
        self.tell_beginning(false);
        self.begin();
        self.run_on_start();
    }

    fn begin(&mut self) {
        self.adopted.begun = true;
        self.note_ending(false);
        self.progress.begin();
        self.check_all_ports();
        let known = |name: &String| self.by_name.get(&name.parse().ok()?).copied();
        for instance in self.info.paused.iter().filter_map(known) {
            self.machine.pause(instance);
        }
        for instance in self.info.resumed.iter().filter_map(known) {
            self.machine.resume(instance);
        }
        self.feed(Event::Begin);
        self.note_progress();
    }

    fn report_adoption(&mut self) {
        // In the order of the file, not in that of the answers.
        self.adopted.taken.sort_unstable();
        self.adopted.ended.sort_unstable();
        self.adopted.changed.sort_unstable();
        let names = |instances: &[InstanceId]| {
            let names: Vec<String> = instances.iter().map(|id| self.host(*id).name()).collect();
            listed(&names)
        };
        let adopted = &self.adopted;
        let mut said = Vec::new();
        if !adopted.taken.is_empty() {
            said.push((
                Tone::Normal,
                format!("adopted {}: still running, not restarted", names(&adopted.taken)),
            ));
        }
        for instance in &adopted.ended {
            let host = self.host(*instance);
            if let Some(end) = host.last_exit() {
                let ago = crate::model::time_text::ago(end.at, clock::wall());
                said.push((
                    Tone::Alarm,
                    format!("{} ended {ago} with {}", host.name(), end.exit),
                ));
            }
        }
        for instance in &adopted.changed {
            let name = self.host(*instance).name();
            let text =
                format!("{name} runs with an older configuration · ovr restart {name} applies the new one");
            said.push((Tone::Normal, text));
        }
        for (tone, text) in said {
            self.say_session(tone, &text);
            self.adopted.told.push(text);
        }
    }
}

/// `web, db`; of hundreds the first ones.
fn listed(names: &[String]) -> String {
    let named = &names[..names.len().min(MOST_NAMED)];
    match names.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

pub(super) fn pid_of(pid: u32) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)
}

/// "A controller is at the socket again." One that has only just been started and does not listen to signals yet would
/// end by this one; it comes to the socket by itself. False if it is gone.
fn signal_shim(pid: u32) -> bool {
    let Some(process) = pid_of(pid) else { return false };
    // As long as it has not loaded its program it has tmux's handlers, and will not have them then.
    if is_tmux(pid) || processes::catches(pid, signal_hook::consts::SIGUSR1) == Some(false) {
        return true;
    }
    rustix::process::kill_process(process, rustix::process::Signal::USR1).is_ok()
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn of_hundreds_that_are_adopted_a_line_names_the_first() {
        let names = |count| (1..=count).map(|n| format!("s{n}")).collect::<Vec<_>>();
        assert_eq!(listed(&names(2)), "s1, s2");
        assert!(listed(&names(12)).ends_with("s11, s12"));
        assert!(listed(&names(300)).ends_with(", s12 and 288 more"));
    }
}
