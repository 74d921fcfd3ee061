//! Taking over what the configuration says now, and other numbers of instances: the plan is made anew on a thread
//! of its own, held against what is there, and given to the machine. What counts as a difference stands in
//! `differences.rs`.

use super::core::{Controller, Reply, Rewatched};
use super::differences::{Difference, difference, place};
use super::follow::Named;
use super::host::Host;
use super::planned::{Planned, label, names_of};
use super::schedule::Schedules;
use super::staleness::Stamp;
use super::watch::{self, Watches};
use crate::api::call::Reply as ReplyWith;
use crate::api::messages::{Change, ChangeKind, Reloaded, SCHEMA};
use crate::diag::{Diagnostic, Kind, Severity};
use crate::logs::Label;
use crate::model::{
    InstanceId, InstanceName, InstanceSpec, MAX_INSTANCES, ServiceName, StateWord, too_many_instances,
};
use crate::supervisor::{Declared, Event, Machine, Verb};
use std::collections::{BTreeMap, VecDeque};

/// What is to become of the session's plan.
#[derive(Debug)]
pub(super) struct Wish {
    /// Services that are to have another number of instances.
    pub(super) counts: BTreeMap<ServiceName, u32>,
    pub(super) reply: ReplyWith<Reloaded>,
}

/// What comes of making one, and for whom it was made.
#[derive(Debug)]
pub(super) struct Replanned {
    plan: Result<Planned, Vec<Diagnostic>>,
    wish: Wish,
    /// The files as they were before they were read.
    stamp: Stamp,
}

/// The reloads under way.
#[derive(Debug, Default)]
pub(super) struct Reloads {
    /// A plan is being made.
    planning: bool,
    waiting: VecDeque<Wish>,
    /// Carried out, and not answered yet.
    open: BTreeMap<u64, Open>,
    next: u64,
}

/// One reload whose starts and stops are awaited.
#[derive(Debug)]
struct Open {
    parts: usize,
    reloaded: Reloaded,
    reply: ReplyWith<Reloaded>,
}

/// What a reload does, before it is done.
#[derive(Debug, Default)]
struct Course {
    declared: Vec<Declared>,
    changes: BTreeMap<InstanceId, (ChangeKind, Option<String>)>,
}

impl Controller {
    /// Takes a wish in; one after another.
    pub(super) fn wish(&mut self, wish: Wish) {
        if self.machine.is_ending() {
            drop(wish.reply.send(Err(ending())));
        } else if self.reloads.planning {
            self.reloads.waiting.push_back(wish);
        } else {
            self.plan(wish);
        }
    }

    pub(super) fn scale(&mut self, counts: BTreeMap<String, u32>, reply: ReplyWith<Reloaded>) {
        let mut known = BTreeMap::new();
        for (name, count) in counts {
            if count > MAX_INSTANCES {
                return drop(reply.send(Err(too_many_instances(&name))));
            }
            // Whether there is such a service, its files say, also if it has no instance now.
            let Ok(service) = name.parse::<ServiceName>() else {
                return drop(reply.send(Err(Diagnostic::error(
                    Kind::NoSuchService,
                    format!("no service {name:?}"),
                ))));
            };
            known.insert(service, count);
        }
        self.wish(Wish { counts: known, reply });
    }

    fn plan(&mut self, wish: Wish) {
        self.reloads.planning = true;
        let (replan, scaled, stamp) = (self.facts.replan.clone(), self.scaled.clone(), self.stamp.clone());
        let replanned = self.inlets.replanned.clone();
        tokio::task::spawn_blocking(move || {
            let stamp = stamp.again();
            let plan = Planned::make(&replan, scaled, &wish.counts);
            let stamp = plan.as_ref().map_or(stamp.clone(), |plan| stamp.of(&plan.files));
            // Nobody listens any more when the session is over.
            drop(replanned.send(Replanned { plan, wish, stamp }));
        });
    }

    pub(super) fn on_replanned(&mut self, Replanned { plan, wish, stamp }: Replanned) {
        self.reloads.planning = false;
        if self.machine.is_ending() {
            drop(wish.reply.send(Err(ending())));
        } else {
            match plan
                .map_err(|errors| merged(&errors).hint("nothing was changed: the session goes on as it was"))
                .and_then(|plan| self.take_over(plan))
            {
                Ok(course) => {
                    self.stamp = stamp;
                    let scaled = !wish.counts.is_empty();
                    self.carry_through(course, scaled, wish.reply);
                }
                Err(error) => drop(wish.reply.send(Err(error))),
            }
        }
        if let Some(next) = self.reloads.waiting.pop_front() {
            self.wish(next);
        }
    }

    /// Makes the plan the session's, up to the machine, which is told last. An error changes nothing.
    fn take_over(&mut self, plan: Planned) -> Result<Course, Diagnostic> {
        let policies: Vec<(InstanceName, _)> = (plan.instances.iter())
            .map(|spec| (spec.name.clone(), spec.policy.clone()))
            .collect();
        Machine::check(&policies).map_err(|error| Diagnostic::error(Kind::Config, error.to_string()))?;
        let ids = self.places(&plan.instances);
        self.retrigger(&plan.instances, &ids)?;
        let course = self.adopt_specs(plan.instances, &ids);
        self.rename();
        self.scaled = plan.scaled;
        self.note_scaled();
        Ok(course)
    }

    /// Where each of these is or will be.
    fn places(&self, specs: &[InstanceSpec]) -> Vec<InstanceId> {
        let known: BTreeMap<_, _> = self.ids().map(|id| (place(&self.host(id).spec), id)).collect();
        let mut new = (self.hosts.len()..).map(Self::id_at);
        let mut next = || new.next().expect("numbers do not end");
        specs
            .iter()
            .map(|spec| known.get(&place(spec)).copied().unwrap_or_else(&mut next))
            .collect()
    }

    /// The schedules, and the files that are watched. Those that are as they were keep their beat.
    fn retrigger(&mut self, specs: &[InstanceSpec], ids: &[InstanceId]) -> Result<(), Diagnostic> {
        let numbered: Vec<_> = ids.iter().copied().zip(specs).collect();
        let old = |id: &InstanceId| self.hosts.get(id.0 as usize).filter(|_| self.order.contains(id));
        let schedules = Schedules::new(&numbered)?;
        let kept: Vec<_> = numbered
            .iter()
            .filter(|(id, spec)| old(id).is_some_and(|host| host.spec.schedule == spec.schedule))
            .map(|(id, _)| *id)
            .collect();
        let log = |spec: &'_ InstanceSpec| spec.log_file.as_ref().map(|log| log.path.clone());
        let of_old = self.order.iter().map(|id| (*id, &self.host(*id).spec));
        let was: BTreeMap<_, _> = of_old.map(|(id, spec)| (id, (&spec.watch, log(spec)))).collect();
        let of_new = numbered.iter().copied();
        let is: BTreeMap<_, _> = of_new.map(|(id, spec)| (id, (&spec.watch, log(spec)))).collect();
        let watched =
            |all: &BTreeMap<InstanceId, (&Option<_>, _)>| all.values().any(|(watch, _)| watch.is_some());
        if self.facts.watch && was != is && (watched(&was) || watched(&is)) {
            let kept = self.facts.logs.as_deref();
            let specs = numbered.iter().map(|(_, spec)| *spec);
            let own = watch::own(self.lock.dir().path(), kept, specs);
            let (watches, news) = Watches::start(&numbered, &self.facts.root, own)?;
            self.watches = watches;
            self.rewatched = Some(Rewatched(news));
        }
        self.schedules.renew(schedules, |id| kept.contains(&id));
        Ok(())
    }

    fn adopt_specs(&mut self, specs: Vec<InstanceSpec>, ids: &[InstanceId]) -> Course {
        let mut course = Course::default();
        let order = ids.to_vec();
        for (spec, id) in specs.into_iter().zip(&order) {
            let declared = if (id.0 as usize) < self.hosts.len() {
                self.renew(*id, spec, &mut course)
            } else {
                self.add(spec, &mut course)
            };
            course.declared.push(declared);
        }
        for id in &self.order {
            if !order.contains(id) {
                course.changes.insert(*id, (ChangeKind::Removed, None));
            }
        }
        self.order = order;
        course
    }

    fn add(&mut self, spec: InstanceSpec, course: &mut Course) -> Declared {
        let instance = Self::id_at(self.hosts.len());
        let declared = declared(instance, &spec, false);
        self.hosts.push(Host::new(spec));
        course.changes.insert(instance, (ChangeKind::Added, None));
        declared
    }

    fn renew(&mut self, id: InstanceId, spec: InstanceSpec, course: &mut Course) -> Declared {
        let host = &self.hosts[id.0 as usize];
        let difference = match difference(&host.spec, &spec) {
            // The one that runs was started by an earlier configuration.
            Difference::None | Difference::Rules(_) if host.is_outdated => {
                Difference::Start("its start changed".to_owned())
            }
            difference => difference,
        };
        let replace = matches!(difference, Difference::Start(_));
        let change = match difference {
            _ if self.machine.is_gone(id) => Some((ChangeKind::Added, None)),
            Difference::None => None,
            Difference::Rules(why) => Some((ChangeKind::Changed, Some(why))),
            Difference::Start(why) => Some((ChangeKind::Restarted, Some(why))),
        };
        course.changes.extend(change.map(|change| (id, change)));
        let declared = declared(id, &spec, replace);
        self.hosts[id.0 as usize].spec = spec;
        declared
    }

    /// Everything that goes by names: the console's labels, the followers, the shims that report.
    fn rename(&mut self) {
        let labels: Vec<Label> = self.hosts.iter().map(|host| label(&host.spec)).collect();
        self.hub.set_labels(&labels);
        if let Some(store) = self.hub.store() {
            for (index, host) in self.hosts.iter().enumerate() {
                store.copy(Self::id_at(index), host.spec.log_file.as_ref());
            }
        }
        self.names
            .send_replace(self.hosts.iter().map(Named::of).collect());
        let hosts = self.order.iter().map(|id| (*id, &self.hosts[id.0 as usize].spec));
        self.by_name.extend(names_of(hosts));
    }

    /// Tells the machine, and waits for all that has to start and stop because of it.
    fn carry_through(&mut self, course: Course, scaled: bool, reply: ReplyWith<Reloaded>) {
        let Course { declared, changes } = course;
        let kept = declared.len()
            - declared
                .iter()
                .filter(|one| changes.contains_key(&one.instance))
                .count();
        for id in changes.keys() {
            self.watch_lines_of(*id);
        }
        if !changes.is_empty() {
            self.tell_reload(&changes, scaled);
        }
        self.feed(Event::Reconfigure { instances: declared });
        let mut parts: BTreeMap<u8, (Verb, Vec<InstanceId>)> = BTreeMap::new();
        let mut told = Vec::new();
        for (id, (kind, why)) in changes {
            let (kind, verb) = self.consequence(id, kind);
            if let Some((rank, verb)) = verb {
                parts.entry(rank).or_insert((verb, Vec::new())).1.push(id);
            }
            let name = self.host(id).name();
            told.push(Change {
                name,
                kind,
                why,
                result: None,
            });
        }
        let reloaded = Reloaded {
            schema: SCHEMA,
            changes: told,
            kept,
        };
        if parts.is_empty() {
            drop(reply.send(Ok(reloaded)));
            return;
        }
        self.reloads.next += 1;
        let number = self.reloads.next;
        self.reloads.open.insert(
            number,
            Open {
                parts: parts.len(),
                reloaded,
                reply,
            },
        );
        for (verb, targets) in parts.into_values() {
            let ask = self.asks.open(self.clock.now(), Reply::Reload(number));
            self.feed(Event::Ask {
                ask,
                verb,
                targets,
                no_deps: false,
            });
        }
    }

    /// What a change comes to for an instance as it stands, and what is awaited.
    pub(super) fn consequence(&self, id: InstanceId, kind: ChangeKind) -> (ChangeKind, Option<(u8, Verb)>) {
        let comes_up = match self.machine.word(id) {
            StateWord::Pending
            | StateWord::Starting
            | StateWord::Running
            | StateWord::Daemonized
            | StateWord::Restarting
            | StateWord::Backoff
            | StateWord::Skipped => true,
            StateWord::Disabled
            | StateWord::Scheduled
            | StateWord::Stopping
            | StateWord::Stopped
            | StateWord::Exited
            | StateWord::Failed => false,
        };
        match kind {
            ChangeKind::Removed if self.machine.state(id).is_live() => (kind, Some((0, Verb::Stop))),
            ChangeKind::Restarted if comes_up => (kind, Some((1, Verb::Restart))),
            ChangeKind::Restarted => (ChangeKind::Changed, None),
            ChangeKind::Added if comes_up => (kind, Some((2, Verb::Start))),
            ChangeKind::Added | ChangeKind::Removed | ChangeKind::Changed => (kind, None),
        }
    }

    /// One part of a reload is done.
    pub(super) fn on_reload_part(&mut self, number: u64, results: crate::api::messages::Results) {
        let Some(open) = self.reloads.open.get_mut(&number) else {
            return;
        };
        for result in results.results {
            let of_it = |change: &&mut Change| change.name == result.name;
            if let Some(change) = open.reloaded.changes.iter_mut().find(of_it) {
                change.result = Some(result);
            }
        }
        open.parts -= 1;
        if open.parts == 0
            && let Some(open) = self.reloads.open.remove(&number)
        {
            drop(open.reply.send(Ok(open.reloaded)));
        }
    }

    /// Closes the windows of what is no longer configured, once the last of their output is here.
    pub(super) fn advance_closing(&mut self) {
        for id in std::mem::take(&mut self.closing) {
            if self.owes_output(id) {
                self.closing.insert(id);
            } else {
                self.order(id, &crate::shim::protocol::Order::Close);
            }
        }
    }
}

fn declared(instance: InstanceId, spec: &InstanceSpec, replace: bool) -> Declared {
    Declared {
        instance,
        name: spec.name.clone(),
        policy: spec.policy.clone(),
        replace,
    }
}

fn ending() -> Diagnostic {
    Diagnostic::error(Kind::NotRunning, "this session is ending")
}

/// All that is wrong with a configuration as one error: the first, with the places of the others.
pub(super) fn merged(problems: &[Diagnostic]) -> Diagnostic {
    let mut errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error);
    let Some(first) = errors.next() else {
        return Diagnostic::error(Kind::Config, "the configuration has errors");
    };
    let mut first = first.clone();
    for other in errors {
        let place = other
            .span
            .as_ref()
            .map(|span| format!("{span}: "))
            .unwrap_or_default();
        first.causes.push(format!("also {place}{}", other.message));
    }
    first
}
