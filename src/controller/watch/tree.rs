//! Which directories are watched for whom, and whose files have changed: walks what is to be watched, follows
//! directories that come and go, and tells the loop. On a thread of its own, because it reads the disk.

use super::rules::{Ignores, Rules};
use super::source::{Refused, Seen, Source};
use super::{Changed, MOST_PATHS, News};
use crate::logs::store::is_of;
use crate::model::InstanceId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc::UnboundedSender;

/// More directories than this are not watched for one service.
const MOST_DIRECTORIES: usize = 8192;

/// What one instance watches.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) instance: InstanceId,
    pub(super) rules: Vec<Rules>,
}

/// What `ovr` itself writes: nobody is restarted for that.
#[derive(Debug, Default)]
pub(in crate::controller) struct Own {
    pub(in crate::controller) dirs: Vec<PathBuf>,
    /// The log files that the configuration names, whosever they are.
    pub(in crate::controller) logs: Vec<PathBuf>,
}

/// Everything that is watched.
pub(super) struct Tree {
    source: Source,
    subjects: Vec<Subject>,
    /// Each watched directory, and which subjects it is watched for.
    dirs: BTreeMap<PathBuf, BTreeSet<usize>>,
    /// How many directories each subject has.
    counts: Vec<usize>,
    ignores: Ignores,
    project: PathBuf,
    own: Own,
    /// What has been complained of, once each.
    complaints: BTreeSet<String>,
    news: UnboundedSender<News>,
}

impl Tree {
    pub(super) fn new(
        source: Source,
        subjects: Vec<Subject>,
        project: PathBuf,
        own: Own,
        news: UnboundedSender<News>,
    ) -> Self {
        Self {
            source,
            counts: vec![0; subjects.len()],
            subjects,
            dirs: BTreeMap::new(),
            ignores: Ignores::default(),
            project,
            own,
            complaints: BTreeSet::new(),
            news,
        }
    }

    /// Watches until nobody wants to hear any more.
    pub(super) fn run(mut self) {
        self.walk_all();
        self.tell(News::Watching {
            directories: self.dirs.len(),
        });
        while let Some(seen) = self.source.next() {
            let mut changed = Changes::default();
            for one in seen {
                self.take(one, &mut changed);
            }
            for (subject, paths) in changed.by_subject {
                let instance = self.subjects[subject].instance;
                self.tell(News::Changed(Changed { instance, paths }));
            }
        }
    }

    fn tell(&self, news: News) {
        // Nobody listens any more when the session is over.
        drop(self.news.send(news));
    }

    fn complain(&mut self, text: String) {
        if self.complaints.insert(text.clone()) {
            self.tell(News::Trouble(text));
        }
    }

    fn walk_all(&mut self) {
        for subject in 0..self.subjects.len() {
            for rule in 0..self.subjects[subject].rules.len() {
                self.walk_root(subject, rule);
            }
        }
    }

    /// A root is watched through its parent as well: then it may be a file that editors replace, and may come
    /// and go.
    fn walk_root(&mut self, subject: usize, rule: usize) {
        let root = self.subjects[subject].rules[rule].root.clone();
        let parent = root.parent().unwrap_or(&root).to_owned();
        let (is_there, is_dir) = (root.exists(), root.is_dir());
        // The project itself stays where it is, and what happens around it would wake us for nothing.
        let by_parent = !is_dir || parent.starts_with(&self.project);
        if by_parent && !self.watch(&parent, subject) && !is_there {
            let text = format!(
                "{} is to be watched, but there is no such directory",
                self.shown(&root)
            );
            return self.complain(text);
        }
        if !is_there {
            let text = format!(
                "{} is not there; it is watched when it appears",
                self.shown(&root)
            );
            self.complain(text);
        } else if is_dir {
            self.ignores.read_above(&root, &self.project);
            self.walk(&root, subject, None);
        }
    }

    /// Watches a directory and all below it that counts. With `new`, the files found in it are: they were there
    /// before anybody could be told of them.
    fn walk(&mut self, dir: &Path, subject: usize, mut new: Option<&mut Changes>) {
        // In breadth, so that a limit cuts off what lies deepest.
        let mut open = VecDeque::from([dir.to_owned()]);
        while let Some(dir) = open.pop_front() {
            if !self.watch(&dir, subject) {
                continue;
            }
            self.ignores.read(&dir);
            let Ok(entries) = fs::read_dir(&dir) else { continue };
            let mut entries: Vec<_> = entries.flatten().collect();
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let path = entry.path();
                // A link to a directory is not followed.
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => {
                        if self.is_entered(subject, &path) {
                            open.push_back(path);
                        }
                    }
                    Ok(_) => {
                        if let Some(changes) = new.as_deref_mut()
                            && self.is_taken(subject, &path)
                        {
                            changes.note(subject, path);
                        }
                    }
                    Err(_) => {}
                }
            }
        }
    }

    fn is_entered(&self, subject: usize, dir: &Path) -> bool {
        let rules = &self.subjects[subject].rules;
        !self.is_ours(dir) && rules.iter().any(|rules| rules.enters(dir, &self.ignores))
    }

    fn is_taken(&self, subject: usize, file: &Path) -> bool {
        let rules = &self.subjects[subject].rules;
        !self.is_ours(file) && rules.iter().any(|rules| rules.takes(file, &self.ignores))
    }

    fn is_ours(&self, path: &Path) -> bool {
        let in_dirs = self.own.dirs.iter().any(|dir| path.starts_with(dir));
        in_dirs || self.own.logs.iter().any(|log| is_of(log, path))
    }

    /// Watches one directory for a subject; false if that cannot be.
    fn watch(&mut self, dir: &Path, subject: usize) -> bool {
        if self.dirs.get(dir).is_some_and(|of| of.contains(&subject)) {
            return true;
        }
        if self.counts[subject] >= MOST_DIRECTORIES {
            self.complain(format!(
                "more than {MOST_DIRECTORIES} directories below {}: the deepest are not watched; exclude what \
                 needs no watching",
                self.shown(&self.subjects[subject].rules[0].root)
            ));
            return false;
        }
        match self.source.add(dir) {
            Ok(()) => {
                self.dirs.entry(dir.to_owned()).or_default().insert(subject);
                self.counts[subject] += 1;
                true
            }
            Err(Refused::Limit) => {
                self.complain(
                    "the system watches no more directories for you, so some changes will not be noticed: raise \
                     fs.inotify.max_user_watches (sysctl), or exclude what needs no watching"
                        .to_owned(),
                );
                false
            }
            Err(Refused::Unreadable) => false,
        }
    }

    fn take(&mut self, seen: Seen, changes: &mut Changes) {
        match seen {
            Seen::File(path) => self.on_file(&path, changes),
            Seen::Directory(path) => self.on_directory(&path, changes),
            Seen::DirectoryGone { path, moved } => self.on_directory_gone(&path, moved, changes),
            Seen::Lost => self.on_lost(changes),
        }
    }

    fn on_file(&mut self, path: &Path, changes: &mut Changes) {
        if path.file_name().is_some_and(|name| name == ".gitignore")
            && let Some(dir) = path.parent()
        {
            self.ignores.read(dir);
            // What was ignored until now may be to be watched.
            self.walk_all();
        }
        for subject in 0..self.subjects.len() {
            if self.is_taken(subject, path) {
                changes.note(subject, path.to_owned());
            }
        }
    }

    fn on_directory(&mut self, path: &Path, changes: &mut Changes) {
        for subject in 0..self.subjects.len() {
            if self.is_entered(subject, path) {
                self.walk(path, subject, Some(changes));
            }
        }
    }

    /// What was in a directory that was moved away is gone without a word about it.
    fn on_directory_gone(&mut self, path: &Path, moved: bool, changes: &mut Changes) {
        let below: Vec<PathBuf> = self
            .dirs
            .range(path.to_owned()..)
            .map(|(dir, _)| dir)
            .take_while(|dir| dir.starts_with(path))
            .cloned()
            .collect();
        for dir in below {
            self.source.remove(&dir);
            let subjects = self.dirs.remove(&dir).unwrap_or_default();
            for subject in subjects {
                self.counts[subject] -= 1;
                if moved && dir == path {
                    changes.note(subject, dir.clone());
                }
            }
        }
    }

    fn on_lost(&mut self, changes: &mut Changes) {
        self.walk_all();
        for (index, subject) in self.subjects.iter().enumerate() {
            if let Some(rules) = subject.rules.first() {
                changes.note(index, rules.root.clone());
            }
        }
    }

    fn shown(&self, path: &Path) -> String {
        super::shown(path, &self.project)
    }
}

/// Whose files have changed, by subject.
#[derive(Default)]
struct Changes {
    by_subject: BTreeMap<usize, BTreeSet<PathBuf>>,
}

impl Changes {
    fn note(&mut self, subject: usize, path: PathBuf) {
        let paths = self.by_subject.entry(subject).or_default();
        if paths.len() < MOST_PATHS {
            paths.insert(path);
        }
    }
}

#[cfg(test)]
mod tests;
