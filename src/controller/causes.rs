//! Who started and who stopped an instance last: noted when its state changes, by what the machine was told then.

use super::clock;
use super::core::{Controller, Reply};
use crate::api::messages::Deed;
use crate::model::{Exit, InstanceId, State, time_text};
use crate::supervisor::{Event, ProbeKind, Trigger, Verb};
use std::borrow::Cow;
use std::time::SystemTime;

/// What the machine was last told, as far as it can be somebody's doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Doing {
    /// Its time has come, or something ended: what follows was wanted before.
    #[default]
    Course,
    Begin,
    Adopted,
    Asked {
        verb: Verb,
        targets: Vec<InstanceId>,
    },
    Reload,
    Quit,
    Enter,
    Trigger(Trigger),
    Probe(ProbeKind),
}

/// Who did something, in the API's word and in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct By {
    word: &'static str,
    text: Cow<'static, str>,
}

/// The last deeds.
#[derive(Clone, Debug, Default)]
pub(super) struct Deeds {
    /// What it was last asked for by name, or is to be for another one's sake.
    asked: Option<By>,
    wanted: Option<By>,
    started: Option<(By, SystemTime)>,
    stopped: Option<(By, SystemTime)>,
}

impl By {
    fn new(word: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            word,
            text: text.into(),
        }
    }
}

impl Deeds {
    pub(super) fn started(&self) -> Option<Deed> {
        self.started.as_ref().map(deed)
    }

    pub(super) fn stopped(&self) -> Option<Deed> {
        self.stopped.as_ref().map(deed)
    }
}

fn deed((by, at): &(By, SystemTime)) -> Deed {
    Deed {
        by: by.word.to_owned(),
        text: by.text.clone().into_owned(),
        at: time_text::rfc3339(*at),
    }
}

impl Controller {
    /// Whose doing is what the machine makes of this event.
    pub(super) fn doing_of(&self, event: &Event) -> Doing {
        match event {
            Event::Begin => Doing::Begin,
            Event::Ask { ask, .. } if self.asks.is(*ask, |reply| matches!(reply, Reply::Reload(_))) => {
                Doing::Reload
            }
            Event::Ask { verb, targets, .. } => Doing::Asked {
                verb: *verb,
                targets: targets.clone(),
            },
            Event::Reconfigure { .. } => Doing::Reload,
            Event::Quit { .. } => Doing::Quit,
            Event::Enter { .. } => Doing::Enter,
            Event::Due { by, .. } => Doing::Trigger(*by),
            Event::ProbeDone { probe, ok: false, .. } => Doing::Probe(*probe),
            Event::Adopted { .. } | Event::AdoptedEnded { .. } => Doing::Adopted,
            Event::ProbeDone { .. }
            | Event::Tick
            | Event::WindowReady { .. }
            | Event::WindowFailed { .. }
            | Event::WindowClosing { .. }
            | Event::WindowLost { .. }
            | Event::TmuxLost { .. }
            | Event::Spawned { .. }
            | Event::SpawnFailed { .. }
            | Event::Daemonized { .. }
            | Event::Ended { .. }
            | Event::Attached { .. }
            | Event::Extended { .. }
            | Event::Unstoppable { .. }
            | Event::ToldReady { .. } => Doing::Course,
        }
    }

    /// What is asked for may be done only when something else is: it is kept until then.
    pub(super) fn note_asked(&mut self) {
        if let Doing::Asked { verb, targets } = self.doing.clone()
            && !matches!(verb, Verb::Signal(_))
        {
            for id in targets {
                self.host_mut(id).deeds.asked = Some(asked(verb));
            }
        }
    }

    /// Takes in a change of state.
    pub(super) fn note_deed(&mut self, instance: InstanceId, from: &State, to: &State) {
        match to {
            State::Stopping { .. } => {
                let by = self.stopper(instance);
                self.host_mut(instance).deeds.stopped = Some((by, clock::wall()));
            }
            State::Stopped { .. } if !from.is_live() => {
                let by = self.stopper(instance);
                self.host_mut(instance).deeds.stopped = Some((by, clock::wall()));
            }
            State::Pending(_) if !matches!(from, State::Pending(_)) => {
                let by = self.starter(instance, from);
                self.host_mut(instance).deeds.wanted = Some(by);
            }
            State::Starting { .. } => {
                let wanted = self.host(instance).deeds.wanted.clone();
                let by = match from {
                    State::Pending(_) => wanted.unwrap_or_else(|| self.starter(instance, from)),
                    _ => self.starter(instance, from),
                };
                self.host_mut(instance).deeds.started = Some((by, clock::wall()));
            }
            State::Running { .. } | State::Daemonized { .. } if !from.is_live() => {
                let at = self.host(instance).run.as_ref().and_then(|run| run.started);
                let by = By::new("earlier", "an earlier controller of this session");
                self.host_mut(instance).deeds.started = at.map(|at| (by, at));
            }
            State::Disabled
            | State::Pending(_)
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => {}
        }
    }

    fn stopper(&self, instance: InstanceId) -> By {
        if let Some(by) = self.doer(instance) {
            return by;
        }
        if self.machine.is_ending() {
            return By::new("end", "the session's end");
        }
        let asked = self.host(instance).deeds.asked.clone();
        asked.unwrap_or_else(|| By::new("course", "what it depends on, or its own rules"))
    }

    fn starter(&self, instance: InstanceId, from: &State) -> By {
        if let Some(by) = self.doer(instance) {
            return by;
        }
        let deeds = &self.host(instance).deeds;
        match from {
            State::Backoff { last, .. } => {
                let end = match last {
                    Exit::Code(code) => format!("code {code}"),
                    Exit::Signal(signal) => signal.to_string(),
                };
                By::new("restart_policy", format!("its restart policy, after {end}"))
            }
            // What replaces a run is whoever has ended it.
            State::Stopping { .. } => match &deeds.stopped {
                Some((by, _)) => by.clone(),
                None => By::new("restart_policy", "its restart policy"),
            },
            _ => {
                let known = deeds.asked.clone();
                known.unwrap_or_else(|| By::new("session", "the session's start"))
            }
        }
    }

    /// Whoever the event in hand is of.
    fn doer(&self, instance: InstanceId) -> Option<By> {
        Some(match &self.doing {
            Doing::Course => return None,
            Doing::Begin => By::new("session", "the session's start"),
            Doing::Adopted => By::new("earlier", "an earlier controller of this session"),
            Doing::Asked { verb, targets } if targets.contains(&instance) => asked(*verb),
            Doing::Asked { verb, targets } => {
                let first = targets
                    .first()
                    .map_or_else(String::new, |id| self.host(*id).name());
                let text = format!("a request to {} {first}", verb.as_str());
                By::new("needed", text)
            }
            Doing::Reload => By::new("reload", "a change of the configuration"),
            Doing::Quit => By::new("end", "the session's end"),
            Doing::Enter => By::new("enter", "Enter in its window"),
            Doing::Trigger(Trigger::Schedule) => By::new("schedule", "its schedule"),
            Doing::Trigger(Trigger::Change { .. }) => {
                let file = self.watches.last.get(&instance);
                let text = file.map_or("files that changed".to_owned(), |file| {
                    format!("a change of {file}")
                });
                By::new("change", text)
            }
            Doing::Probe(probe) => By::new("probe", format!("its {} probe", super::health::word(*probe))),
        })
    }
}

fn asked(verb: Verb) -> By {
    By::new("request", format!("a request to {}", verb.as_str()))
}
