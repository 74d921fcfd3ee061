//! Real directories, a real watch, and what is told of changes in them. Each test waits for what it expects, and
//! then changes one more file, so that what was not to be told would have come before it.

use super::super::rules::Rules;
use super::super::source::{Closer, Source};
use super::{News, Own, Subject, Tree};
use crate::model::{InstanceId, WatchPath};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const WEB: InstanceId = InstanceId(0);

struct Watched {
    dir: tempfile::TempDir,
    news: UnboundedReceiver<News>,
    thread: Option<std::thread::JoinHandle<()>>,
    closer: Option<Closer>,
    runtime: tokio::runtime::Runtime,
    troubles: Vec<String>,
}

impl Watched {
    /// Watches `root` below a directory that `prepare` has filled.
    fn new(root: &str, exclude: &[&str], prepare: impl Fn(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        prepare(&top);
        let path = WatchPath {
            path: top.join(root).components().collect(),
            include: Vec::new(),
            exclude: exclude.iter().map(ToString::to_string).collect(),
        };
        let rules = vec![Rules::new(&path, false).unwrap()];
        let subject = Subject { instance: WEB, rules };
        let (sender, news) = unbounded_channel();
        let (source, closer) = Source::new().unwrap();
        let tree = Tree::new(
            source,
            vec![subject],
            top.clone(),
            Own {
                dirs: vec![top.join(".ours")],
                logs: vec![top.join("src/app.out")],
            },
            sender,
        );
        let mut watched = Self {
            dir,
            news,
            thread: Some(std::thread::spawn(move || tree.run())),
            closer: Some(closer),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            troubles: Vec::new(),
        };
        loop {
            match watched.next() {
                News::Watching { .. } => return watched,
                News::Trouble(text) => watched.troubles.push(text),
                News::Changed(changed) => panic!("{changed:?} before anything was changed"),
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str) {
        fs::write(self.path(name), name).unwrap();
    }

    fn mkdir(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
    }

    fn next(&mut self) -> News {
        let news = &mut self.news;
        let wait = async { tokio::time::timeout(Duration::from_secs(20), news.recv()).await };
        self.runtime
            .block_on(wait)
            .expect("news in time")
            .expect("the thread lives")
    }

    /// Every path told until `last` is.
    fn told_until(&mut self, last: &str) -> BTreeSet<String> {
        let (top, last) = (self.path(""), self.path(last));
        let mut told = BTreeSet::new();
        loop {
            if let News::Changed(changed) = self.next() {
                assert_eq!(changed.instance, WEB);
                let found = changed.paths.contains(&last);
                let below = changed.paths.into_iter().filter(|path| *path != last);
                told.extend(below.map(|path| path.strip_prefix(&top).unwrap().display().to_string()));
                if found {
                    return told;
                }
            }
        }
    }
}

impl Drop for Watched {
    /// A thread that does not end would hang here.
    fn drop(&mut self) {
        drop(self.closer.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}

fn told(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(ToString::to_string).collect()
}

#[test]
fn a_written_a_created_and_a_removed_file_are_told_and_a_changed_right_is_not() {
    let mut watched = Watched::new("", &[], |top| {
        fs::create_dir(top.join("src")).unwrap();
        fs::write(top.join("src/a.rs"), "").unwrap();
        fs::write(top.join("src/b.rs"), "").unwrap();
        fs::write(top.join("src/c.rs"), "").unwrap();
    });
    let read_only = fs::metadata(watched.path("src/c.rs")).unwrap().permissions();
    fs::set_permissions(watched.path("src/c.rs"), {
        let mut changed = read_only;
        changed.set_readonly(true);
        changed
    })
    .unwrap();
    drop(fs::read(watched.path("src/c.rs")));
    watched.write("src/a.rs");
    watched.write("src/new.rs");
    fs::remove_file(watched.path("src/b.rs")).unwrap();
    watched.write("last");
    assert_eq!(
        watched.told_until("last"),
        told(&["src/a.rs", "src/new.rs", "src/b.rs"])
    );
}

#[test]
fn a_file_that_an_editor_replaces_is_told_by_its_own_name_alone() {
    let mut watched = Watched::new("main.rs", &[], |top| fs::write(top.join("main.rs"), "").unwrap());
    for _ in 0..3 {
        watched.write("4913");
        watched.write("main.rs.new");
        fs::rename(watched.path("main.rs"), watched.path("main.rs~")).unwrap();
        fs::rename(watched.path("main.rs.new"), watched.path("main.rs")).unwrap();
        assert_eq!(watched.told_until("main.rs"), told(&[]));
    }
}

#[test]
fn directories_that_come_and_go_are_followed_with_all_that_is_in_them() {
    let mut watched = Watched::new("", &[], |_| {});
    watched.mkdir("a/b/c");
    watched.write("a/b/c/deep.rs");
    assert!(watched.told_until("a/b/c/deep.rs").is_empty());
    // Moved here from outside of what is watched, full already.
    let outside = tempfile::tempdir_in(watched.dir.path().parent().unwrap()).unwrap();
    fs::create_dir(outside.path().join("full")).unwrap();
    fs::write(outside.path().join("full/x.rs"), "").unwrap();
    fs::rename(outside.path().join("full"), watched.path("full")).unwrap();
    watched.told_until("full/x.rs");
    fs::rename(watched.path("full"), watched.path("renamed")).unwrap();
    assert!(watched.told_until("renamed/x.rs").is_subset(&told(&["full"])));
    watched.write("renamed/y.rs");
    watched.told_until("renamed/y.rs");
    fs::rename(watched.path("renamed"), outside.path().join("away")).unwrap();
    watched.told_until("renamed");
    // What happens to it there is nobody's business.
    fs::write(outside.path().join("away/x.rs"), "more").unwrap();
    watched.write("last");
    assert_eq!(watched.told_until("last"), told(&[]));
}

#[test]
fn what_is_left_out_is_not_told_and_its_directories_are_not_watched() {
    let mut watched = Watched::new("", &["tmp"], |top| {
        for dir in ["node_modules/x", "tmp", "out", "src", ".ours"] {
            fs::create_dir_all(top.join(dir)).unwrap();
        }
        fs::write(top.join(".gitignore"), "out/\n*.gen\n").unwrap();
        fs::create_dir_all(top.join(".git/info")).unwrap();
        fs::write(top.join(".git/info/exclude"), "private").unwrap();
    });
    for name in [
        "node_modules/x/a.js",
        "tmp/a",
        "out/a",
        "src/a.gen",
        "src/a.log",
        "src/private",
        ".git/index",
        ".ours/log",
    ] {
        watched.write(name);
    }
    watched.mkdir("src/target");
    watched.write("src/target/a");
    watched.write("last");
    assert_eq!(watched.told_until("last"), told(&[]));
    // Git ignores less from now on.
    watched.write("out/b");
    fs::write(watched.path(".gitignore"), "").unwrap();
    watched.told_until(".gitignore");
    watched.write("out/c");
    assert_eq!(watched.told_until("out/c"), told(&[]));
}

#[test]
fn a_path_that_is_not_there_yet_is_watched_when_it_appears() {
    let mut watched = Watched::new("later", &[], |_| {});
    assert_eq!(
        watched.troubles,
        ["later is not there; it is watched when it appears"]
    );
    watched.write("other");
    watched.mkdir("later");
    watched.write("later/a.rs");
    assert_eq!(watched.told_until("later/a.rs"), told(&[]));
}

#[cfg(unix)]
#[test]
fn a_link_to_a_directory_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_owned();
    let mut watched = Watched::new("", &[], move |top| {
        std::os::unix::fs::symlink(&target, top.join("link")).unwrap();
    });
    fs::write(outside.path().join("a.rs"), "").unwrap();
    watched.write("last");
    assert_eq!(watched.told_until("last"), told(&[]));
}
