//! What clients ask over the API, as events for the machine or answers from what is known.

use super::core::{Controller, Reply, ReplyTo};
use super::leaving::Leave;
use super::reload::Wish;
use crate::api::call::{Call, Reply as ReplyWith, Verb};
use crate::api::messages::{Request, Results, SCHEMA, Synced, Window};
use crate::diag::{Diagnostic, Kind};
use crate::logs::Tone;
use crate::model::{InstanceId, InstanceSpec, in_namespaces, select};
use crate::supervisor::{Event, QuitWhy};
use std::collections::BTreeMap;

impl Controller {
    pub(super) fn on_call(&mut self, call: Call) {
        if let Some(call) = self
            .unless_unchanged(call)
            .and_then(|call| self.after_a_look(call))
        {
            self.answer_call(call);
        }
    }

    /// Answers what need not wait for anything but its own end.
    pub(super) fn answer_call(&mut self, call: Call) {
        match call {
            Call::Status { request, reply } => {
                self.look_at_taken_ports();
                self.answer_status(&request, reply);
            }
            Call::Why { name, reply } => {
                self.look_at_taken_ports();
                drop(reply.send(self.why(&name)));
            }
            Call::Graph { reply } => {
                self.look_at_taken_ports();
                drop(reply.send(Ok(self.graph())));
            }
            Call::Action { verb, request, reply } => self.act(verb, &request, reply),
            Call::Quit { reply } => self.quit(reply),
            Call::Reload { reply } => self.wish(Wish {
                counts: BTreeMap::new(),
                reply,
            }),
            Call::Scale { counts, reply } => self.scale(counts, reply),
            Call::Wait { request, reply } => self.wait_for(&request, reply),
            Call::Detach { reply } => self.detach(reply),
            Call::Output { request, reply } => {
                let answer = self
                    .targets(&request.names)
                    .map(|targets| self.follow(&request, &targets));
                drop(reply.send(answer));
            }
            Call::Events { request, reply } => drop(reply.send(self.read_events(&request))),
            Call::Logs { request, reply } => self.kept_logs(&request, reply),
            Call::SyncLogs { reply } => self.sync_logs(reply),
            Call::Terminal { request, reply } => self.open_terminal(request, reply),
            Call::Window { name, reply } => self.answer_window(name, reply),
            Call::Check { reply } => self.inquire(reply, |inquiries| Ok(inquiries.check())),
            Call::Config { reply } => self.inquire(reply, |inquiries| Ok(inquiries.config())),
            Call::Environment { name, reply } => self.answer_environment(name, reply),
            Call::Sessions { reply } => self.inquire(reply, |inquiries| inquiries.sessions()),
            Call::Leftovers { reply } => self.inquire(reply, |inquiries| inquiries.leftovers()),
            Call::Clean { clean, reply } => {
                self.inquire(reply, move |inquiries| inquiries.clean(&clean.paths));
            }
            Call::Run { request, reply } => self.run_errand(request, reply),
        }
    }

    fn act(&mut self, verb: Verb, request: &Request, reply: ReplyTo) {
        let targets = match self.targets_of(request) {
            Ok(targets) => targets,
            Err(error) => return drop(reply.send(Err(error))),
        };
        let reply = if request.no_wait {
            let results = self.accepted(&targets);
            drop(reply.send(Ok(Results {
                schema: SCHEMA,
                results,
            })));
            Reply::Nobody
        } else {
            match verb {
                Verb::Restart => Reply::Restart(targets.clone(), reply),
                Verb::Start | Verb::Stop | Verb::Kill | Verb::Signal(_) => Reply::Action(reply),
            }
        };
        let ask = self.asks.open(self.clock.now(), reply);
        self.feed(Event::Ask {
            ask,
            verb,
            targets,
            no_deps: request.no_deps,
        });
    }

    fn quit(&mut self, reply: ReplyTo) {
        self.say_session(Tone::Normal, "quit was asked for: stopping all services");
        if self.quit_asked.is_none() {
            self.quit_asked = Some(self.clock.now());
            self.stopped_by_quit = self
                .ids()
                .filter(|id| self.machine.state(*id).is_live())
                .collect();
        }
        let ask = self.asks.open(self.clock.now(), Reply::Quit(reply));
        self.feed(Event::Quit {
            why: QuitWhy::Asked,
            ask: Some(ask),
        });
    }

    /// The instances that an action is for: by name, and of these the ones in its namespaces.
    fn targets_of(&self, request: &Request) -> Result<Vec<InstanceId>, Diagnostic> {
        let named = self.targets(&request.names)?;
        if request.namespaces.is_empty() {
            return Ok(named);
        }
        // What is no longer configured is in none.
        let spaces = self.ids().map(|id| {
            if self.machine.is_gone(id) {
                &[]
            } else {
                self.host(id).spec.namespaces.as_slice()
            }
        });
        let inside = in_namespaces(&request.namespaces, &spaces.collect::<Vec<_>>())?;
        let chosen: Vec<_> = named.into_iter().filter(|id| inside[id.0 as usize]).collect();
        if chosen.is_empty() {
            let spaces = request.namespaces.join(", ");
            let message = format!("{} is in no namespace {spaces}", request.names.join(", "));
            return Err(Diagnostic::error(Kind::NoSuchService, message));
        }
        Ok(chosen)
    }

    fn sync_logs(&mut self, reply: ReplyWith<Synced>) {
        let dir = self.facts.logs.as_ref().map(|dir| dir.display().to_string());
        let synced = Synced { schema: SCHEMA, dir };
        match self.hub.store() {
            Some(store) => {
                let flushed = store.flushed();
                tokio::spawn(async move {
                    // A writer that is gone has nothing more to write.
                    flushed.await.unwrap_or_default();
                    drop(reply.send(Ok(synced)));
                });
            }
            None => drop(reply.send(Ok(synced))),
        }
    }

    /// The instances that these names mean; all of them if there are none. Any name without a match is an
    /// error, and nothing is touched.
    pub(super) fn targets(&self, names: &[String]) -> Result<Vec<InstanceId>, Diagnostic> {
        let ids: Vec<InstanceId> = self.shown().collect();
        let instances: Vec<&InstanceSpec> = ids.iter().map(|id| &self.host(*id).spec).collect();
        match select(names, &instances) {
            Ok(chosen) => Ok(chosen.into_iter().map(|index| ids[index]).collect()),
            Err(unmatched) => Err(merged(unmatched.diagnostics())),
        }
    }

    /// Answers how to attach, or waits with it until the window that is being opened has a number.
    pub(super) fn answer_window(&mut self, name: Option<String>, reply: ReplyWith<Window>) {
        let names: Vec<String> = name.iter().cloned().collect();
        let being_opened = self.targets(&names).is_ok_and(|targets| {
            let target = targets.first().map(|id| self.host(*id));
            target.is_some_and(|host| host.window.is_none() && host.shim.is_some())
        });
        if being_opened && self.windows.is_connected() {
            self.window_calls.push((name, reply));
        } else {
            drop(reply.send(self.window(name.as_deref())));
        }
    }

    fn window(&mut self, name: Option<&str>) -> Result<Window, Diagnostic> {
        let names: Vec<String> = name.map(str::to_owned).into_iter().collect();
        let targets = self.targets(&names)?;
        // A shim may be faster than tmux's word on the window that it runs in.
        if targets.iter().any(|id| self.host(*id).window.is_none()) {
            self.on_tmux();
        }
        let candidates: Vec<_> = targets
            .iter()
            .copied()
            .filter(|id| self.host(*id).window.is_some())
            .collect();
        let Some(id) = candidates.first().copied().or(targets.first().copied()) else {
            return Err(Diagnostic::error(
                Kind::NoSuchService,
                "this session has no services",
            ));
        };
        let host = self.host(id);
        let pane = host.shim.as_ref().and_then(|shim| shim.pane);
        let (Some(window), Some(pane)) = (host.window, pane) else {
            return Err(Diagnostic::error(
                Kind::ServiceFailed,
                format!("{} has no terminal: it was not started yet", host.name()),
            )
            .hint(format!("ovr start {}", host.name())));
        };
        let answer = Window {
            name: host.name(),
            tmux_binary: self.windows.site.server.binary.display().to_string(),
            tmux_socket: self.windows.site.server.socket.display().to_string(),
            window: window.to_string(),
            pane: pane.to_string(),
            state: self.machine.word(id),
        };
        self.refresh_status_line(id);
        Ok(answer)
    }

    fn detach(&mut self, reply: super::session::DetachReply) {
        if self.facts.detached {
            let error = Diagnostic::error(Kind::Usage, "this session already runs in the background")
                .hint("ovr echo follows its output, ovr quit ends it");
            drop(reply.send(Err(error)));
        } else if self.machine.is_ending() {
            drop(reply.send(Err(Diagnostic::error(Kind::NotRunning, "this session is ending"))));
        } else {
            self.leave = Some(Leave::Detach(reply));
        }
    }
}

/// Several errors of one call as one: the first, with what the others say behind it.
fn merged(diagnostics: Vec<Diagnostic>) -> Diagnostic {
    let mut diagnostics = diagnostics.into_iter();
    let mut first = diagnostics
        .next()
        .unwrap_or_else(|| Diagnostic::error(Kind::NoSuchService, "no service of this name"));
    for other in diagnostics {
        first.message = format!("{}; {}", first.message, other.message);
        first.hints.extend(other.hints);
    }
    first.hints.dedup();
    first
}
