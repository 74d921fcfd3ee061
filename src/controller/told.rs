//! What the streams of output tell besides lines: prompts that wait, whole screens, a service's own word that it is
//! ready. Here they become events and sentences.

use super::core::Controller;
use crate::logs::{StreamEvent, Tone};

impl Controller {
    pub(super) fn on_stream_events(&mut self) {
        for (instance, event) in self.hub.take_events() {
            match event {
                StreamEvent::WaitsForInput { again: false } => {
                    let name = self.host(instance).name();
                    let line = self.hub.waits_for_input(instance).map(str::to_owned);
                    self.tell_waiting(instance, Some(line.clone().unwrap_or_default()));
                    let line = match line {
                        Some(line) if !self.hub.shows_open_lines() => format!(": {line:?}"),
                        Some(_) | None => String::new(),
                    };
                    let text = format!("waits for input{line} · ovr connect {name}");
                    self.say_at(instance, None, Tone::Normal, &text);
                }
                StreamEvent::FullScreen(true) => {
                    let name = self.host(instance).name();
                    let text = format!("uses the whole screen now · ovr connect {name} shows it");
                    self.say_quietly(instance, &text);
                }
                StreamEvent::TellsReady { run, ready } => {
                    let line = self.hub.complaint(instance).unwrap_or_default();
                    let complaint = format!("failure line: {line:?}");
                    self.on_told_ready(instance, run, ready, &complaint);
                }
                StreamEvent::WaitsNoLonger => self.tell_waiting(instance, None),
                StreamEvent::WaitsForInput { again: true }
                | StreamEvent::FullScreen(false)
                | StreamEvent::Mark(_) => {}
            }
        }
    }
}
