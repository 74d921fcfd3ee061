//! Which files below a watched path count: what is included and excluded, what nobody wants to be restarted for,
//! and what git ignores. Decides by paths alone; reads nothing but `.gitignore` files, when it is told to.

use crate::model::WatchPath;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Directories that tools write to.
const LEFT_OUT_DIRECTORIES: &str = ".git .hg .svn .idea .vscode node_modules vendor target dist build bin .venv \
    venv __pycache__ .mypy_cache .pytest_cache .next .nuxt .terraform .gradle .direnv result";

/// Logs, and what editors leave while a file is being edited.
const LEFT_OUT_FILES: &str = "*.log *.log.gz *.swp *.swx *~ .#* #*# 4913 .DS_Store *.tmp";

/// One watched path and its patterns.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) root: PathBuf,
    include: Patterns,
    exclude: Patterns,
    /// By default, more is left out than the user says.
    everything: bool,
    left_out: GlobSet,
}

/// Patterns with a slash are about the path below the root, those without about a name anywhere.
#[derive(Debug)]
struct Patterns {
    names: GlobSet,
    paths: GlobSet,
}

impl Patterns {
    fn new<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<Self, globset::Error> {
        let (mut names, mut paths) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for pattern in patterns {
            let pattern = pattern.trim_start_matches("./");
            let of_directory = pattern.trim_end_matches('/');
            let set = if of_directory.contains('/') {
                &mut paths
            } else {
                &mut names
            };
            let glob = |text: &str| GlobBuilder::new(text).literal_separator(true).build();
            set.add(glob(of_directory.trim_start_matches('/'))?);
            // All that is in a directory, and so the directory.
            if let Some(whole) = of_directory.strip_suffix("/**") {
                paths.add(glob(whole.trim_start_matches('/'))?);
            }
        }
        Ok(Self {
            names: names.build()?,
            paths: paths.build()?,
        })
    }

    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.paths.is_empty()
    }

    fn matches(&self, below_root: &Path, name: &OsStr) -> bool {
        self.names.is_match(name) || self.paths.is_match(below_root)
    }
}

impl Rules {
    pub(super) fn new(path: &WatchPath, everything: bool) -> Result<Self, globset::Error> {
        Ok(Self {
            root: without_detours(&path.path),
            include: Patterns::new(path.include.iter().map(String::as_str))?,
            exclude: Patterns::new(path.exclude.iter().map(String::as_str))?,
            everything,
            left_out: Patterns::new(LEFT_OUT_FILES.split_whitespace())?.names,
        })
    }

    /// Whether files in this directory may count.
    pub(super) fn enters(&self, dir: &Path, ignores: &Ignores) -> bool {
        let Ok(below_root) = dir.strip_prefix(&self.root) else {
            return false;
        };
        let mut walked = self.root.clone();
        for name in below_root {
            walked.push(name);
            if !self.is_entered(&walked, name, ignores) {
                return false;
            }
        }
        true
    }

    fn is_entered(&self, dir: &Path, name: &OsStr, ignores: &Ignores) -> bool {
        let below_root = dir.strip_prefix(&self.root).unwrap_or(dir);
        let is_left_out = !self.everything
            && (LEFT_OUT_DIRECTORIES
                .split_whitespace()
                .any(|left_out| name == left_out)
                || ignores.is_ignored(dir, true));
        !is_left_out && !self.exclude.matches(below_root, name)
    }

    /// Whether a change of this file counts.
    pub(super) fn takes(&self, file: &Path, ignores: &Ignores) -> bool {
        // Who names a file means it.
        if file == self.root {
            return true;
        }
        let (Some(dir), Some(name)) = (file.parent(), file.file_name()) else {
            return false;
        };
        let Ok(below_root) = file.strip_prefix(&self.root) else {
            return false;
        };
        let is_left_out =
            !self.everything && (self.left_out.is_match(name) || ignores.is_ignored(file, false));
        let is_included = self.include.is_empty() || self.include.matches(below_root, name);
        is_included && !is_left_out && !self.exclude.matches(below_root, name) && self.enters(dir, ignores)
    }
}

/// Without `.` and `..`, as what is told of files is compared with it.
fn without_detours(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(component),
        }
    }
    plain
}

/// What git ignores, as far as `.gitignore` files have been read.
#[derive(Debug, Default)]
pub(super) struct Ignores {
    by_dir: BTreeMap<PathBuf, Gitignore>,
    /// What each repository and the user say beside these: by its top, and asked last.
    beside: BTreeMap<PathBuf, Gitignore>,
}

impl Ignores {
    /// Reads what applies from outside of `root`: the files above it, up to the repository's top (without a
    /// repository, the project's), and the repository's and the user's own.
    pub(super) fn read_above(&mut self, root: &Path, project: &Path) {
        let is_top = |dir: &&Path| dir.join(".git").exists();
        let top = root
            .ancestors()
            .find(is_top)
            .or_else(|| root.ancestors().find(|dir| *dir == project))
            .unwrap_or(root);
        let mut builder = GitignoreBuilder::new(top);
        if let Some(of_user) = ignore::gitignore::gitconfig_excludes_path().filter(|path| path.is_file()) {
            builder.add(of_user);
        }
        add(&mut builder, &top.join(".git/info/exclude"));
        keep(&mut self.beside, top, &builder);
        for dir in root.ancestors() {
            self.read(dir);
            if dir == top {
                break;
            }
        }
    }

    /// Reads a directory's own file, or forgets it if it is gone.
    pub(super) fn read(&mut self, dir: &Path) {
        let file = dir.join(".gitignore");
        if file.is_file() {
            let mut builder = GitignoreBuilder::new(dir);
            add(&mut builder, &file);
            keep(&mut self.by_dir, dir, &builder);
        } else {
            self.by_dir.remove(dir);
        }
    }

    /// By the nearest file that says anything about it.
    fn is_ignored(&self, path: &Path, is_dir: bool) -> bool {
        let above = path.ancestors().skip(1);
        let in_dirs = above.clone().filter_map(|dir| self.by_dir.get(dir));
        let mut asked = in_dirs.chain(above.filter_map(|dir| self.beside.get(dir)));
        let verdict = asked.find_map(|found| {
            let verdict = found.matched(path, is_dir);
            (!verdict.is_none()).then(|| verdict.is_ignore())
        });
        verdict.unwrap_or(false)
    }
}

fn keep(files: &mut BTreeMap<PathBuf, Gitignore>, dir: &Path, builder: &GitignoreBuilder) {
    // A line that is no pattern counts for nothing, as for git.
    if let Ok(found) = builder.build() {
        files.insert(dir.to_owned(), found);
    }
}

fn add(builder: &mut GitignoreBuilder, file: &Path) {
    if file.is_file() {
        // What it says of single lines is of no interest: they count for nothing, as for git.
        drop(builder.add(file));
    }
}

#[cfg(test)]
mod tests {
    use super::{Ignores, Rules, keep};
    use crate::model::WatchPath;
    use ignore::gitignore::GitignoreBuilder;
    use std::path::Path;

    fn rules(include: &[&str], exclude: &[&str], everything: bool) -> Rules {
        let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        let path = WatchPath {
            path: "/p".into(),
            include: texts(include),
            exclude: texts(exclude),
        };
        Rules::new(&path, everything).unwrap()
    }

    fn ignores(files: &[(&str, &str)]) -> Ignores {
        let mut ignores = Ignores::default();
        for (dir, lines) in files {
            let mut builder = GitignoreBuilder::new(dir);
            for line in lines.lines() {
                builder.add_line(None, line).unwrap();
            }
            keep(&mut ignores.by_dir, Path::new(dir), &builder);
        }
        ignores
    }

    fn taken(rules: &Rules, ignores: &Ignores, files: &[&str]) -> Vec<String> {
        let taken = |file: &&&str| rules.takes(&Path::new("/p").join(file), ignores);
        files.iter().filter(taken).map(ToString::to_string).collect()
    }

    #[test]
    fn without_patterns_every_file_counts_but_what_tools_and_editors_write() {
        let files = [
            "main.rs",
            "src/deep/lib.rs",
            "target/debug/ovr",
            "web/node_modules/x/index.js",
            ".git/index",
            "server.log",
            ".main.rs.swp",
            "main.rs~",
            "4913",
            "build",
        ];
        let none = Ignores::default();
        assert_eq!(
            taken(&rules(&[], &[], false), &none, &files),
            ["main.rs", "src/deep/lib.rs", "build"],
            "a file may be called like a directory that is left out"
        );
        assert_eq!(taken(&rules(&[], &[], true), &none, &files).len(), files.len());
    }

    #[test]
    fn a_pattern_without_a_slash_is_about_names_and_one_with_it_about_paths() {
        let none = Ignores::default();
        let files = ["a.rs", "src/b.rs", "src/deep/c.rs", "src/d.txt"];
        let with = |include: &[&str], exclude: &[&str]| taken(&rules(include, exclude, false), &none, &files);
        assert_eq!(with(&["*.rs"], &[]), ["a.rs", "src/b.rs", "src/deep/c.rs"]);
        assert_eq!(with(&["src/*.rs"], &[]), ["src/b.rs"]);
        assert_eq!(with(&["src/**/*.rs"], &[]), ["src/b.rs", "src/deep/c.rs"]);
        assert_eq!(with(&["*.rs"], &["b.*"]), ["a.rs", "src/deep/c.rs"]);
        assert_eq!(with(&[], &["src/deep"]), ["a.rs", "src/b.rs", "src/d.txt"]);
        assert_eq!(with(&["./src/*.txt"], &[]), ["src/d.txt"]);
    }

    #[test]
    fn an_excluded_directory_is_not_entered() {
        let none = Ignores::default();
        for pattern in ["tmp", "tmp/", "tmp/**", "/tmp/", "./tmp"] {
            let rules = rules(&[], &[pattern], false);
            assert!(!rules.enters(Path::new("/p/tmp"), &none), "{pattern}");
            assert!(!rules.enters(Path::new("/p/tmp/deep"), &none), "{pattern}");
            assert!(rules.enters(Path::new("/p/src"), &none), "{pattern}");
        }
        assert!(!rules(&[], &[], false).enters(Path::new("/elsewhere"), &none));
    }

    #[test]
    fn what_git_ignores_does_not_count_unless_it_is_asked_for() {
        let ignores = ignores(&[
            ("/p", "*.gen\n/out/\n!keep.gen\nlogs/*.txt"),
            ("/p/src", "!special.gen\nsecret"),
        ]);
        let files = [
            "a.gen",
            "keep.gen",
            "out/a.rs",
            "deep/out/a.rs",
            "logs/a.txt",
            "src/a.gen",
            "src/special.gen",
            "src/secret",
            "secret",
        ];
        assert_eq!(
            taken(&rules(&[], &[], false), &ignores, &files),
            ["keep.gen", "deep/out/a.rs", "src/special.gen", "secret"]
        );
        assert_eq!(taken(&rules(&[], &[], true), &ignores, &files).len(), files.len());
    }

    #[test]
    fn a_path_with_detours_is_the_path_it_leads_to() {
        let path = WatchPath {
            path: "/p/web/.././src/".into(),
            include: Vec::new(),
            exclude: Vec::new(),
        };
        let rules = Rules::new(&path, false).unwrap();
        assert!(rules.takes(Path::new("/p/src/main.rs"), &Ignores::default()));
    }

    #[test]
    fn a_file_that_is_named_counts_whatever_its_name() {
        let path = WatchPath {
            path: "/p/server.log".into(),
            include: Vec::new(),
            exclude: Vec::new(),
        };
        let rules = Rules::new(&path, false).unwrap();
        let ignores = ignores(&[("/p", "*.log")]);
        assert!(rules.takes(Path::new("/p/server.log"), &ignores));
        assert!(!rules.takes(Path::new("/p/other.log"), &ignores));
        assert!(!rules.takes(Path::new("/p/main.rs"), &ignores));
    }
}
