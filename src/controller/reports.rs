//! What the shims report, as facts for the host and events for the machine; and what it means when one is gone.

use super::clock;
use super::core::{Controller, Reply};
use super::differences::is_same_start;
use super::host::{EndFacts, RunFacts, Shim};
use super::links::{LinkEvent, LinkId};
use super::windows::Asked;
use crate::diag::{Diagnostic, Kind};
use crate::logs::Tone;
use crate::model::{InstanceId, RunId, time_text};
use crate::shim::protocol::{Ended, Hello, Order, Report, VERSION};
use crate::shim::{cgroup, tree};
use crate::supervisor::{Event, Intent};
use std::thread;

impl Controller {
    pub(super) fn on_link(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Report(link, Report::Hello(hello)) => self.on_hello(link, *hello),
            LinkEvent::Report(link, _) | LinkEvent::Closed(link) => {
                let Some(instance) = self.owners.get(&link).copied() else {
                    return self.on_stranger_gone(&event);
                };
                match self.hold_back(instance, event) {
                    Some(LinkEvent::Report(_, report)) => self.on_report(instance, report),
                    Some(LinkEvent::Closed(link)) => self.on_closed(link, instance),
                    None => {}
                }
            }
        }
    }

    fn on_report(&mut self, instance: InstanceId, report: Report) {
        match report {
            Report::Hello(_) => {}
            Report::Spawned { run, pid, at_ms } => {
                let started = time_text::from_epoch_millis(at_ms);
                self.host_mut(instance).run = Some(RunFacts {
                    id: run,
                    pid,
                    started: Some(started),
                    ended: None,
                });
                self.feed(Event::Spawned { instance, run, pid });
            }
            Report::SpawnFailed { run, message } => {
                self.host_mut(instance).unended.remove(&run);
                self.feed(Event::SpawnFailed {
                    instance,
                    run,
                    message,
                });
            }
            Report::Daemonized { run, pids } => self.feed(Event::Daemonized { instance, run, pids }),
            Report::Cleaning { run, exit, left } => {
                self.say_quietly(
                    instance,
                    &format!("{exit}; ending the {left} processes that run {run} left"),
                );
            }
            Report::Ended(ended) => self.on_ended(instance, &ended),
            Report::Enter => self.feed(Event::Enter { instance }),
            // The rest follows: the run's end, then the end of the connection.
            Report::Hangup => self.on_window_hung_up(instance),
            Report::Notify { run, text } => self.on_notify(instance, run, &text),
            Report::Silent { run, text } => self.on_silent(instance, run, text),
            Report::Caution { run, text, stuck } => {
                self.warn_once(instance, &text);
                if stuck {
                    self.on_stuck(instance, run, text);
                }
            }
        }
    }

    /// Whoever waits for the end of a run that only a person can end is told so.
    fn on_stuck(&mut self, instance: InstanceId, run: RunId, text: String) {
        let quitters = self.asks.take_out(|reply| matches!(reply, Reply::Quit(_)));
        for reply in quitters {
            if let Reply::Quit(sender) = reply {
                let name = self.host(instance).name();
                let error =
                    Diagnostic::error(Kind::System, format!("the session cannot end: {name} is left"))
                        .cause(text.clone())
                        .hint("it ends when these are gone");
                // Whoever asked may have gone.
                drop(sender.send(Err(error)));
            }
        }
        let message = text;
        self.feed(Event::Unstoppable {
            instance,
            run,
            message,
        });
    }

    fn on_ended(&mut self, instance: InstanceId, ended: &Ended) {
        let Ended {
            run,
            exit,
            ref killed,
            ..
        } = *ended;
        self.note_end(instance, ended, None);
        self.feed(Event::Ended {
            instance,
            run,
            exit,
            killed: !killed.is_empty(),
        });
        self.look_for_lost_mark(instance);
    }

    /// `began_ms`: when the run began, as far as that is known here without its shim.
    fn note_end(&mut self, instance: InstanceId, ended: &Ended, began_ms: Option<u64>) {
        let began_ms = ended.began_ms.or(began_ms);
        let at = time_text::from_epoch_millis(ended.at_ms);
        let host = self.host_mut(instance);
        host.unended.remove(&ended.run);
        let end = EndFacts {
            exit: ended.exit,
            at,
            killed: ended.killed.clone(),
            window_closed: host.window_closed,
        };
        match &mut host.run {
            Some(run) if run.id == ended.run => run.ended = Some(end),
            // It began before this controller did.
            _ => {
                host.run = Some(RunFacts {
                    id: ended.run,
                    pid: 0,
                    started: began_ms.map(time_text::from_epoch_millis),
                    ended: Some(end),
                });
            }
        }
    }

    fn on_hello(&mut self, link: LinkId, hello: Hello) {
        let answer = Order::Hello {
            version: VERSION,
            program: concat!("ovr ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        self.links.speaks(link, hello.version);
        self.links.send(link, &answer);
        self.expected_shims.remove(&hello.pid);
        let Some(instance) = self.by_name.get(&hello.instance).copied() else {
            let text = format!(
                "{} is no longer in the configuration: stopping it",
                hello.instance
            );
            self.say_session(Tone::Alarm, &text);
            self.strangers.insert(link, hello.pid);
            self.links.send(link, &Order::Close);
            return;
        };
        let Ok(pane) = hello.pane.parse() else {
            self.links.close(link);
            return;
        };
        let known = self
            .host(instance)
            .shim
            .as_ref()
            .map(|shim| (shim.link, shim.pid));
        if let Some((_, pid)) = known
            && pid != hello.pid
        {
            // A second window for the same instance can only be somebody's copy of a command line.
            self.strangers.insert(link, hello.pid);
            self.links.send(link, &Order::Close);
            return;
        }
        if let Some((old, _)) = known {
            self.owners.remove(&old);
            self.links.close(old);
        }
        self.owners.insert(link, instance);
        if let Some(found) = self.found_panes.iter().find(|(pid, _)| *pid == hello.pid) {
            self.host_mut(instance).window = Some(found.1);
        }
        self.hub.set_nonce(instance, hello.nonce.clone());
        self.host_mut(instance).shim = Some(Shim {
            link,
            pid: hello.pid,
            pane: Some(pane),
            nonce: hello.nonce.clone(),
            version: hello.version,
        });
        if known.is_none() {
            let mut begun = None;
            if hello.live.is_some() || hello.last.is_some() {
                self.host_mut(instance).found = true;
                begun = self.remember(instance);
                self.refill(instance);
            } else {
                self.windows.bind(pane, instance);
            }
            self.on_first_hello(instance, hello, begun);
        }
        self.begin_when_adopted();
    }

    /// `begun`: the last run whose beginning is kept, and when that was.
    fn on_first_hello(&mut self, instance: InstanceId, hello: Hello, begun: Option<(RunId, u64)>) {
        if let Some(last) = &hello.last {
            let of_last = begun.filter(|(run, _)| *run == last.run);
            self.note_end(instance, last, of_last.map(|(_, at_ms)| at_ms));
            self.tell_found_end(instance, last);
        }
        match (hello.live, hello.last) {
            (Some(live), _) => {
                let started = time_text::from_epoch_millis(live.at_ms);
                let facts = RunFacts {
                    id: live.run,
                    pid: live.pid,
                    started: Some(started),
                    ended: None,
                };
                let host = self.host_mut(instance);
                host.run = Some(facts);
                host.unended.insert(live.run);
                self.hub.set_run(instance, live.run);
                self.adopted.taken.push(instance);
                self.end_left_probes(instance);
                if !is_same_start(&live.launch, &self.host(instance).spec.launch) {
                    self.adopted.changed.push(instance);
                    self.host_mut(instance).is_outdated = true;
                }
                // A shim that was asked to listen knows; what it has heard nothing from has said nothing.
                let told = live.launch.notify.then_some(live.told_ready == Some(true));
                let is_ending = (live.stopping && !live.unasked) || live.why.is_some();
                self.feed(Event::Adopted {
                    instance,
                    run: live.run,
                    pid: live.pid,
                    daemons: (live.held || !live.daemons.is_empty()).then_some(live.daemons),
                    told_ready: told,
                    stopping: live.stopping,
                    intent: is_ending.then(|| Intent::of_word(live.why.as_deref())),
                });
                self.know_run(instance, live.run);
                self.host_mut(instance).health.said = live.told_status;
                if let Some(text) = live.silent {
                    self.on_silent(instance, live.run, text);
                }
            }
            (None, Some(last)) => {
                self.hub.set_run(instance, last.run);
                // Else what is said of its end stands behind its last words, which are on their way.
                if !self.windows.is_asking(Asked::Scrollback(instance)) {
                    self.hub.passed_unseen(clock::epoch_ms(), instance, last.run);
                }
                let intent = last.asked.then(|| Intent::of_word(last.why.as_deref()));
                if let Some(text) = last.silent {
                    self.know_run(instance, last.run);
                    self.note_silence(instance, text);
                }
                // What a person stopped is no news.
                if matches!(intent, None | Some(Intent::Condemned(_))) {
                    self.adopted.ended.push(instance);
                }
                self.feed(Event::AdoptedEnded {
                    instance,
                    run: last.run,
                    exit: last.exit,
                    intent,
                });
                self.feed(Event::WindowReady { instance });
            }
            (None, None) => self.feed(Event::WindowReady { instance }),
        }
    }

    /// A connection that is no instance's, or was an earlier one of its shim.
    fn on_stranger_gone(&mut self, event: &LinkEvent) {
        if let LinkEvent::Closed(link) = event {
            self.links.close(*link);
            self.strangers.remove(link);
        }
    }

    /// A shim is gone. What it ran is ended first, wherever it has gone to; then the machine hears of it.
    fn on_closed(&mut self, link: LinkId, instance: InstanceId) {
        self.links.close(link);
        self.owners.remove(&link);
        let Some(shim) = self.host_mut(instance).shim.take() else {
            return;
        };
        self.reaping.insert(instance);
        self.feed(Event::WindowClosing { instance });
        // A shim reports an end when nothing of the run is left (on macOS it cannot see all of
        // it). Looking all the same would be a walk through every process of the machine for each window.
        let unended = std::mem::take(&mut self.host_mut(instance).unended);
        if cfg!(target_os = "linux") && unended.is_empty() {
            self.on_reaped(instance, &[]);
            return;
        }
        let reaped = self.inlets.reaped.clone();
        // The processes' ends can only be waited for by blocking.
        let reaper = thread::Builder::new().name("reaper".to_owned()).spawn(move || {
            let killed = tree::end_all(&shim.nonce, shim.pid);
            // Its groups have lost who would have removed them.
            cgroup::sweep();
            // Nobody listens any more when the session is over.
            drop(reaped.send((instance, killed.named)));
        });
        if reaper.is_err() {
            self.on_reaped(instance, &[]);
        }
    }

    /// Whether what a dead shim of this instance left is being ended.
    pub(super) fn is_reaping(&self, instance: InstanceId) -> bool {
        self.reaping.contains(&instance)
    }

    pub(super) fn on_reaped(&mut self, instance: InstanceId, killed: &[String]) {
        self.reaping.remove(&instance);
        for (name, reply) in std::mem::take(&mut self.window_calls) {
            self.answer_window(name, reply);
        }
        if !killed.is_empty() {
            self.say_quietly(
                instance,
                &format!("its shim was killed; ended {}", killed.join(", ")),
            );
        }
        let (now, at_ms) = (self.clock.now(), clock::epoch_ms());
        self.hub.end(now, at_ms, instance);
        if let Some(window) = self.host_mut(instance).window.take()
            && !self.kill_sent
        {
            self.windows.close(window);
        }
        let wall = clock::wall();
        if let Some(run) = &mut self.host_mut(instance).run
            && run.ended.is_none()
        {
            // What it ended with died with its shim.
            let exit = crate::model::Exit::Signal(crate::model::Signal::KILL);
            run.ended = Some(EndFacts {
                exit,
                at: wall,
                killed: Vec::new(),
                window_closed: false,
            });
        }
        let host = self.host_mut(instance);
        (host.clients, host.window_closed) = (0, false);
        self.feed(Event::WindowLost { instance });
        self.advance_finish();
        self.look_at_losses();
    }
}
