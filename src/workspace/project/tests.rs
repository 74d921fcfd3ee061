//! Which project is found from where.

use super::{Dialect, Project, Search, may_take};
use crate::diag::{Diagnostic, Kind};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A canonical directory with these files in it.
fn tree(files: &[&str]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(dir.path()).unwrap();
    for file in files {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "web: true\n").unwrap();
    }
    (dir, root)
}

fn find(cwd: &Path) -> Result<Project, Diagnostic> {
    find_with(cwd, None, None)
}

fn find_with(cwd: &Path, root: Option<&str>, procfile: Option<&str>) -> Result<Project, Diagnostic> {
    Search {
        cwd,
        root: root.map(Path::new),
        procfiles: &procfile.map(PathBuf::from).into_iter().collect::<Vec<_>>(),
        home: None,
    }
    .find()
}

#[test]
fn any_subdirectory_finds_the_project_above() {
    let (_dir, root) = tree(&["my.app v2/Procfile", "my.app v2/sub/deep/file"]);
    let expected = root.join("my.app v2");
    for from in ["my.app v2", "my.app v2/sub", "my.app v2/sub/deep"] {
        let project = find(&root.join(from)).unwrap();
        assert_eq!(project.root, expected);
        assert_eq!(project.name, "my.app v2");
        assert_eq!(project.config.path, expected.join("Procfile"));
    }
}

#[test]
fn the_nearest_configuration_wins() {
    let (_dir, root) = tree(&["Procfile", "inner/Procfile", "inner/a/file"]);
    assert_eq!(find(&root.join("inner/a")).unwrap().root, root.join("inner"));
}

#[test]
fn two_checkouts_of_one_name_are_two_projects() {
    let (_dir, root) = tree(&["a/shop/Procfile", "b/shop/Procfile"]);
    let (a, b) = (
        find(&root.join("a/shop")).unwrap(),
        find(&root.join("b/shop")).unwrap(),
    );
    assert_eq!(a.name, b.name);
    assert_ne!(a.id, b.id);
}

#[test]
fn a_link_to_the_project_is_the_same_project() {
    let (_dir, root) = tree(&["shop/Procfile"]);
    symlink(root.join("shop"), root.join("link")).unwrap();
    assert_eq!(
        find(&root.join("link")).unwrap(),
        find(&root.join("shop")).unwrap()
    );
}

#[test]
fn the_search_stays_inside_the_home() {
    let (_dir, root) = tree(&["Procfile", "home/ann/work/file"]);
    let home = root.join("home/ann");
    let cwd = home.join("work");
    let search = |home: Option<&Path>| {
        Search {
            cwd: &cwd,
            root: None,
            procfiles: &[],
            home,
        }
        .find()
    };
    let error = search(Some(&home)).unwrap_err();
    assert_eq!(error.kind, Kind::NoConfig);
    let text = error.to_string();
    assert!(
        text.contains(&format!("in {} and {}", cwd.display(), home.display())),
        "{text}"
    );
    assert_eq!(search(None).unwrap().root, root);
    // The home itself counts, and the home's place does not matter outside of it.
    fs::write(home.join("Procfile"), "").unwrap();
    assert_eq!(search(Some(&home)).unwrap().root, home);
    assert_eq!(search(Some(&root.join("home/bob"))).unwrap().root, home);
    // A home of `/` (some containers) is no boundary.
    assert_eq!(search(Some(Path::new("/"))).unwrap().root, home);
}

#[test]
fn a_named_procfile_means_the_directory_it_stands_in() {
    let (_dir, root) = tree(&["Procfile", "etc/Procfile.dev", "app/file"]);
    let project = find_with(&root, None, Some("etc/Procfile.dev")).unwrap();
    assert_eq!(project.root, root.join("etc"));
    assert_eq!(project.config.path, root.join("etc/Procfile.dev"));
    let project = find_with(&root, Some("app"), Some("etc/Procfile.dev")).unwrap();
    assert_eq!(project.root, root.join("app"));
    let absolute = root.join("Procfile");
    let project = find_with(&root.join("app"), None, absolute.to_str()).unwrap();
    assert_eq!(project.root, root);
}

#[test]
fn a_named_root_takes_its_own_procfile_or_the_one_where_you_are() {
    let (_dir, root) = tree(&["Procfile", "app/Procfile", "bare/file"]);
    let project = find_with(&root, Some("app"), None).unwrap();
    assert_eq!(project.config.path, root.join("app/Procfile"));
    let project = find_with(&root, Some("bare"), None).unwrap();
    assert_eq!(project.root, root.join("bare"));
    assert_eq!(project.config.path, root.join("Procfile"));
}

#[test]
fn what_was_named_and_is_not_there_is_an_error_of_configuration() {
    let (_dir, root) = tree(&["file", "app/file"]);
    for (dir, procfile) in [
        (None, Some("Procfile.dve")),
        (None, Some("app")),
        (Some("nowhere"), None),
        (Some("file"), None),
        (Some("nowhere"), Some("file")),
    ] {
        let error = find_with(&root, dir, procfile).unwrap_err();
        assert_eq!(error.kind, Kind::NoConfig, "{error}");
    }
    let hint = find_with(&root, None, Some("app")).unwrap_err().to_string();
    assert!(hint.contains("ovr start -d app"), "{hint}");
}

#[test]
fn a_file_of_docker_compose_is_not_mistaken_for_one_of_ours() {
    let (_dir, root) = tree(&["docker-compose.yml"]);
    let error = find_with(&root, None, Some("docker-compose.yml")).unwrap_err();
    assert!(error.message.contains("is a file of Docker Compose"), "{error:?}");
    assert!(error.hints[0].contains("docker compose up"), "{error:?}");
    // The name alone says nothing: what is found by itself can be named, too.
    fs::write(root.join("compose.yaml"), "processes:\n  web: {}\n").unwrap();
    let named = find_with(&root, None, Some("compose.yaml")).unwrap();
    assert_eq!(named.config, find(&root).unwrap().config);
    fs::write(root.join("compose.yaml"), "services:\n  web: {}\n").unwrap();
    assert!(find_with(&root, None, Some("compose.yaml")).is_err());
}

#[test]
fn a_dialect_that_cannot_be_run_yet_is_never_taken() {
    let (_dir, root) = tree(&["Procfile", "sub/mprocs.yaml"]);
    assert_eq!(find(&root.join("sub")).unwrap().root, root);
    let error = find_with(&root, None, Some("sub/mprocs.yaml")).unwrap_err();
    assert_eq!(error.kind, Kind::Config);
}

/// The files of the project in a directory with these, and those that are not used.
fn files(names: &[&str]) -> (Vec<String>, Vec<String>) {
    let (_dir, root) = tree(names);
    let project = find(&root).unwrap();
    let shown = |files: &[super::ConfigFile]| -> Vec<String> {
        let names = files
            .iter()
            .map(|file| file.path.file_name().unwrap().to_str().unwrap());
        names.map(str::to_owned).collect()
    };
    (shown(&project.files), shown(&project.unused))
}

#[test]
fn of_several_configurations_in_a_directory_the_richest_is_taken() {
    for (there, taken, unused) in [
        (&["Procfile"][..], &["Procfile"][..], &[][..]),
        (&["ovr.yaml", "ovr.yml"], &["ovr.yaml"], &["ovr.yml"]),
        (
            &["process-compose.yaml", "Procfile"],
            &["process-compose.yaml"],
            &["Procfile"],
        ),
        (
            &["process-compose.yaml", "process-compose.yml"],
            &["process-compose.yml"],
            &["process-compose.yaml"],
        ),
        (&["Procfile", "ovr.yaml"], &["Procfile", "ovr.yaml"], &[]),
        (
            &[
                "Procfile",
                "ovr.yaml",
                "ovr.override.yml",
                "process-compose.override.yml",
            ],
            &["Procfile", "ovr.yaml", "ovr.override.yml"],
            &[],
        ),
        (
            &[
                "process-compose.yaml",
                "compose.override.yaml",
                "process-compose.override.yml",
            ],
            &["process-compose.yaml", "compose.override.yaml"],
            &[],
        ),
    ] {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(files(there), (owned(taken), owned(unused)), "{there:?}");
    }
}

#[test]
fn dockers_compose_file_is_not_ours() {
    let (_dir, root) = tree(&["Procfile", "sub/compose.yaml"]);
    let sub = root.join("sub");
    fs::write(sub.join("compose.yaml"), "services:\n  processes: {}\n").unwrap();
    assert_eq!(find(&sub).unwrap().root, root);
    fs::write(
        sub.join("compose.yaml"),
        "version: '0.5'\nprocesses:\n  web: {}\n",
    )
    .unwrap();
    let project = find(&sub).unwrap();
    assert_eq!(
        (project.root, project.config.dialect),
        (sub, Dialect::ProcessCompose)
    );
}

#[test]
fn named_files_are_laid_over_one_another_in_their_order() {
    let (_dir, root) = tree(&["Procfile", "ovr.yaml", "a.yaml", "b.yml", "Procfile.dev"]);
    let named = |names: &[&str]| {
        let procfiles: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        let search = Search {
            cwd: &root,
            root: None,
            procfiles: &procfiles,
            home: None,
        };
        search.find().map(|project| {
            let dialects: Vec<Dialect> = project.files.iter().map(|file| file.dialect).collect();
            (
                project.config.path.strip_prefix(&root).unwrap().to_owned(),
                dialects,
            )
        })
    };
    let (procfile, ours, compose) = (Dialect::Procfile, Dialect::Ovr, Dialect::ProcessCompose);
    assert_eq!(
        named(&["a.yaml", "b.yml"]).unwrap(),
        ("a.yaml".into(), vec![compose, compose])
    );
    assert_eq!(
        named(&["Procfile.dev", "ovr.yaml"]).unwrap(),
        ("ovr.yaml".into(), vec![procfile, ours])
    );
    assert_eq!(named(&["a.yaml", "Procfile"]).unwrap_err().kind, Kind::Usage);
}

#[test]
fn a_directory_called_procfile_is_no_configuration() {
    let (_dir, root) = tree(&["Procfile", "sub/Procfile/file"]);
    assert_eq!(find(&root.join("sub")).unwrap().root, root);
}

#[test]
fn a_name_that_is_no_text_is_an_error_that_says_so() {
    let (_dir, root) = tree(&[]);
    let odd = root.join(OsStr::from_bytes(b"sh\xffop"));
    // Some file systems refuse such names themselves.
    if fs::create_dir(&odd).is_ok() {
        fs::write(odd.join("Procfile"), "").unwrap();
        let error = find(&odd).unwrap_err();
        assert_eq!(error.kind, Kind::Config);
        assert!(error.to_string().contains("UTF-8"), "{error}");
    }
}

#[test]
fn a_deep_project_is_found() {
    let (_dir, root) = tree(&["Procfile"]);
    let mut deep = root.clone();
    for _ in 0..30 {
        deep.push("a directory with spaces");
    }
    fs::create_dir_all(&deep).unwrap();
    assert_eq!(find(&deep).unwrap().root, root);
}

#[test]
fn a_procfile_that_another_user_put_above_is_not_run() {
    // Only root can make a file that belongs to somebody else.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (_dir, root) = tree(&["Procfile", "work/file"]);
    let (procfile, work) = (root.join("Procfile"), root.join("work"));
    std::os::unix::fs::chown(&procfile, Some(4242), None).unwrap();
    let error = find(&work).unwrap_err().to_string();
    assert!(error.contains("belongs to another user"), "{error}");
    assert!(
        error.contains(&format!("ovr start -f {}", procfile.display())),
        "{error}"
    );
    // Where everybody can write, also standing next to it.
    fs::set_permissions(&root, fs::Permissions::from_mode(0o1777)).unwrap();
    let error = find(&root).unwrap_err().to_string();
    assert!(error.contains("belongs to another user"), "{error}");
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
    // Standing next to it, or in a directory of that user, it is what one means.
    assert_eq!(find(&root).unwrap().root, root);
    std::os::unix::fs::chown(&work, Some(4242), None).unwrap();
    assert_eq!(find(&work).unwrap().root, root);
    assert!(!may_take(
        &super::ConfigFile {
            path: root.join("gone"),
            dialect: Dialect::Procfile
        },
        &work
    ));
}
