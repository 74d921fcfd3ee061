//! Files whose changes restart an instance: from the watching thread's news, through a quiet moment, to the
//! machine. Here are the thread's start and end, the wait for quiet, and the words; what is watched and what
//! counts stands in the files below.

mod rules;
mod source;
mod tree;

use super::core::Controller;
use crate::diag::{Diagnostic, Kind};
use crate::logs::Tone;
use crate::model::{InstanceId, InstanceSpec, Moment};
use crate::supervisor::{Event, Trigger, Triggered};
use rules::Rules;
use source::{Closer, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
pub(super) use tree::Own;
use tree::{Subject, Tree};

/// As many changed files as are counted one by one.
const MOST_PATHS: usize = 100;

/// What the watching thread has to say.
#[derive(Debug)]
pub(super) enum News {
    /// From now on.
    Watching {
        directories: usize,
    },
    Changed(Changed),
    /// Something is not watched.
    Trouble(String),
}

#[derive(Debug)]
pub(super) struct Changed {
    instance: InstanceId,
    /// Never empty.
    paths: BTreeSet<PathBuf>,
}

/// How an instance is watched.
#[derive(Clone, Copy, Debug)]
struct Manner {
    debounce: Duration,
    cascade: bool,
}

/// Changes that wait for quiet.
#[derive(Debug)]
struct Pending {
    paths: BTreeSet<PathBuf>,
    due: Moment,
}

/// All watches of a session. Without any there is no thread, nor anything else.
#[derive(Debug, Default)]
pub(super) struct Watches {
    manners: BTreeMap<InstanceId, Manner>,
    pending: BTreeMap<InstanceId, Pending>,
    /// What changed last, in words.
    pub(super) last: BTreeMap<InstanceId, String>,
    /// Ends the thread with the session.
    closer: Option<Closer>,
}

impl Watches {
    /// Begins to watch what the instances say.
    ///
    /// # Errors
    /// A pattern cannot be read. That the system refuses to watch is told as news.
    pub(super) fn start(
        instances: &[(InstanceId, &InstanceSpec)],
        project: &Path,
        own: Own,
    ) -> Result<(Self, Option<UnboundedReceiver<News>>), Diagnostic> {
        let mut watches = Self::default();
        let mut subjects = Vec::new();
        for (instance, spec) in instances.iter().copied() {
            let Some(watch) = &spec.watch else { continue };
            let rules = watch.paths.iter().map(|path| Rules::new(path, watch.everything));
            let rules = rules.collect::<Result<_, _>>().map_err(|error| {
                let message = format!("what {} watches cannot be read: {error}", spec.name);
                Diagnostic::error(Kind::Config, message)
            })?;
            subjects.push(Subject { instance, rules });
            let manner = Manner {
                debounce: watch.debounce,
                cascade: watch.cascade,
            };
            watches.manners.insert(instance, manner);
        }
        if subjects.is_empty() {
            return Ok((watches, None));
        }
        let (news, receiver) = unbounded_channel();
        watches.closer = spawn(subjects, project.to_owned(), own, news);
        Ok((watches, Some(receiver)))
    }

    fn note(&mut self, now: Moment, changed: Changed) {
        let Some(manner) = self.manners.get(&changed.instance) else {
            return;
        };
        let due = now + manner.debounce;
        let pending = self.pending.entry(changed.instance).or_insert_with(|| Pending {
            paths: BTreeSet::new(),
            due,
        });
        pending.due = due;
        pending.paths.extend(changed.paths);
    }

    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.pending.values().map(|pending| pending.due).min()
    }

    /// Takes out what has been quiet for long enough.
    fn take_due(&mut self, now: Moment, project: &Path) -> Vec<(InstanceId, Trigger)> {
        let mut due = Vec::new();
        let quiet: Vec<InstanceId> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.due <= now)
            .map(|(instance, _)| *instance)
            .collect();
        for instance in quiet {
            if let (Some(pending), Some(manner)) =
                (self.pending.remove(&instance), self.manners.get(&instance))
            {
                self.last.insert(instance, in_words(&pending.paths, project));
                let cascade = manner.cascade;
                due.push((instance, Trigger::Change { cascade }));
            }
        }
        due
    }
}

fn spawn(subjects: Vec<Subject>, project: PathBuf, own: Own, news: UnboundedSender<News>) -> Option<Closer> {
    let refused = news.clone();
    let started = Source::new().and_then(|(source, closer)| {
        let watching = move || Tree::new(source, subjects, project, own, news).run();
        thread::Builder::new().name("watch".to_owned()).spawn(watching)?;
        Ok(closer)
    });
    started
        .map_err(|error| {
            let text = format!("files cannot be watched: {error}; nothing restarts when they change");
            // The other end is held by the one who asks.
            drop(refused.send(News::Trouble(text)));
        })
        .ok()
}

/// What `ovr` writes for these instances.
pub(super) fn own<'a>(
    runtime: &Path,
    kept: Option<&Path>,
    specs: impl Iterator<Item = &'a InstanceSpec>,
) -> Own {
    let logs = specs.filter_map(|spec| Some(spec.log_file.as_ref()?.path.clone()));
    Own {
        dirs: [runtime].into_iter().chain(kept).map(Path::to_owned).collect(),
        logs: logs.collect(),
    }
}

/// `src/main.rs`, `src/main.rs and 3 more`.
fn in_words(paths: &BTreeSet<PathBuf>, project: &Path) -> String {
    let first = paths.first().map(|path| shown(path, project)).unwrap_or_default();
    match paths.len() {
        0 | 1 => first,
        count if count >= MOST_PATHS => format!("{first} and many more"),
        count => format!("{first} and {} more", count - 1),
    }
}

/// A path as people write it in the project.
fn shown(path: &Path, project: &Path) -> String {
    match path.strip_prefix(project) {
        Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
        Ok(below) => below.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// Waits for news; for ever where nothing is watched.
pub(super) async fn told(news: &mut Option<UnboundedReceiver<News>>) -> News {
    if let Some(receiver) = news {
        if let Some(told) = receiver.recv().await {
            return told;
        }
        *news = None;
    }
    std::future::pending().await
}

impl Controller {
    pub(super) fn on_watch_news(&mut self, news: News) {
        match news {
            News::Watching { directories } => {
                let names: Vec<String> = self
                    .watches
                    .manners
                    .keys()
                    .map(|id| self.host(*id).name())
                    .collect();
                let noun = if directories == 1 {
                    "directory"
                } else {
                    "directories"
                };
                let text = format!("watching {directories} {noun} for {}", names.join(", "));
                self.say_session(Tone::Quiet, &text);
            }
            News::Changed(changed) => self.watches.note(self.clock.now(), changed),
            News::Trouble(text) => self.say_alarm(&text),
        }
    }

    /// Calls for whose files have changed and are quiet now.
    pub(super) fn look_at_watches(&mut self) {
        let due = self.watches.take_due(self.clock.now(), &self.facts.root);
        for (instance, by) in due {
            self.feed(Event::Due { instance, by });
        }
    }

    /// What came of a change, in words.
    pub(super) fn say_changed(&mut self, instance: InstanceId, outcome: Triggered) {
        let what = self.watches.last.get(&instance).map_or("a file", String::as_str);
        match outcome {
            Triggered::Starts => {
                let text = format!("starts: {what} changed");
                self.say_at(instance, None, Tone::Normal, &text);
            }
            Triggered::Restarts => {
                let text = format!("restarts: {what} changed");
                self.say_at(instance, None, Tone::Normal, &text);
            }
            Triggered::Suspended => {
                let name = self.host(instance).name();
                let text = format!(
                    "{what} changed, after 10 restarts within a minute: changes are not heeded any more · ovr \
                     restart {name} heeds them again"
                );
                self.say_at(instance, None, Tone::Alarm, &text);
            }
            // Nothing is too busy to be restarted.
            Triggered::Busy => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Changed, Manner, Watches};
    use crate::model::{InstanceId, Moment};
    use crate::supervisor::Trigger;
    use std::path::Path;
    use std::time::Duration;

    const WEB: InstanceId = InstanceId(0);
    const API: InstanceId = InstanceId(1);

    fn watches() -> Watches {
        let manner = |cascade| Manner {
            debounce: Duration::from_millis(300),
            cascade,
        };
        Watches {
            manners: [(WEB, manner(false)), (API, manner(true))].into(),
            ..Watches::default()
        }
    }

    fn change(watches: &mut Watches, at: u64, instance: InstanceId, path: &str) {
        let paths = [Path::new("/p").join(path)].into();
        watches.note(Moment::from_millis(at), Changed { instance, paths });
    }

    fn due(watches: &mut Watches, at: u64) -> Vec<(InstanceId, Trigger)> {
        watches.take_due(Moment::from_millis(at), Path::new("/p"))
    }

    #[test]
    fn changes_count_as_one_when_they_have_been_quiet_for_as_long_as_they_are_to_be() {
        let mut watches = watches();
        for n in 0..50 {
            change(&mut watches, n * 10, WEB, &format!("src/{n}.rs"));
        }
        assert_eq!(watches.next_deadline(), Some(Moment::from_millis(790)));
        assert!(due(&mut watches, 789).is_empty());
        assert_eq!(
            due(&mut watches, 790),
            [(WEB, Trigger::Change { cascade: false })]
        );
        assert_eq!(watches.last[&WEB], "src/0.rs and 49 more");
        assert_eq!(watches.next_deadline(), None);
    }

    #[test]
    fn each_instance_waits_for_its_own_quiet() {
        let mut watches = watches();
        change(&mut watches, 0, WEB, "a.rs");
        change(&mut watches, 200, API, "b.rs");
        assert_eq!(
            due(&mut watches, 300),
            [(WEB, Trigger::Change { cascade: false })]
        );
        assert_eq!(watches.last[&WEB], "a.rs");
        assert_eq!(due(&mut watches, 500), [(API, Trigger::Change { cascade: true })]);
    }
}
