//! Tests of loading, on real files: which files are read, in which order, and what is said about them. The
//! pairs of layers follow the table of `docs/environment.md`.

use super::{
    Surroundings, caller_environment, check_commands, load_env_file, load_environment, load_procfile,
    missing_program,
};
use crate::config::environment::Environment;
use crate::config::template::Variables;
use crate::config::{Checked, source::decode};
use crate::config::{Configuration, Options, expand};
use crate::diag::{Diagnostic, Kind, Severity};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// A home directory with a project in it.
struct World {
    directory: TempDir,
    caller: Vec<(String, String)>,
}

impl World {
    /// `~/x` is in the home directory, every other path in the project's root.
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("home/project/conf")).unwrap();
        let world = Self {
            directory,
            caller: Vec::new(),
        };
        for (path, text) in files {
            let path = match path.strip_prefix("~/") {
                Some(rest) => world.home().join(rest),
                None => world.root().join(path),
            };
            fs::write(path, text).unwrap();
        }
        world
    }

    fn called_with(mut self, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter();
        self.caller = variables
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self
    }

    fn home(&self) -> std::path::PathBuf {
        self.directory.path().join("home")
    }

    fn root(&self) -> std::path::PathBuf {
        self.home().join("project")
    }

    fn load(&self) -> Checked<Environment> {
        load_environment(&Surroundings {
            caller: &self.caller,
            home: Some(&self.home()),
            root: &self.root(),
            named: &[],
            spoken: None,
        })
    }

    fn environment(&self) -> Environment {
        let checked = self.load();
        assert_eq!(checked.diagnostics, []);
        checked.value
    }
}

/// The value of A and its source.
fn a(environment: &Environment) -> (String, String) {
    let value = environment.get("A").unwrap();
    (value.value.clone(), value.origin.to_string())
}

#[test]
fn each_file_overrides_the_one_below_it_pair_by_pair() {
    // Lowest first; the caller is below all of them.
    let files = ["~/.ovr.env", ".ovr.env", ".env", "conf/one.env", "conf/two.env"];
    for (index, low) in files.iter().enumerate() {
        for high in &files[index + 1..] {
            let world = World::new(&[(low, "\nA=low"), (high, "A=high")]);
            let named: Vec<_> = [*low, *high]
                .into_iter()
                .filter(|f| f.starts_with("conf/"))
                .collect();
            let world = world.called_with(&[("A", "caller"), ("OVR_ENV", &named.join(","))]);
            let environment = world.environment();
            assert_eq!(
                a(&environment),
                ("high".to_owned(), format!("{high}:1")),
                "{low}, {high}"
            );
            let explained = environment.explain();
            let sources: Vec<_> = explained[0].overrides.iter().map(|o| o.source.clone()).collect();
            assert_eq!(sources, [format!("{low}:2"), "caller".to_owned()]);
        }
    }
}

#[test]
fn a_file_overrides_the_caller() {
    for file in ["~/.ovr.env", ".ovr.env", ".env"] {
        let world = World::new(&[(file, "A=file")]).called_with(&[("A", "caller")]);
        assert_eq!(a(&world.environment()).0, "file", "{file}");
    }
    let world = World::new(&[]).called_with(&[("A", "caller")]);
    assert_eq!(
        a(&world.environment()),
        ("caller".to_owned(), "caller".to_owned())
    );
}

#[test]
fn the_overmind_file_is_read_where_there_is_no_ovr_file_in_its_directory() {
    let world = World::new(&[("~/.overmind.env", "A=1"), (".overmind.env", "B=1")]);
    let environment = world.environment();
    assert_eq!(a(&environment), ("1".to_owned(), "~/.overmind.env:1".to_owned()));
    assert_eq!(environment.value("B"), Some("1"));
    let world = World::new(&[
        ("~/.overmind.env", "A=1"),
        (".overmind.env", "B=1"),
        (".ovr.env", "C=1"),
    ]);
    let environment = world.environment();
    assert_eq!(environment.value("A"), Some("1"));
    assert_eq!(environment.value("B"), None);
    assert_eq!(environment.value("C"), Some("1"));
}

#[test]
fn skip_env_keeps_dotenv_out_from_wherever_it_is_set() {
    for variable in ["OVR_SKIP_ENV", "OVERMIND_SKIP_ENV"] {
        let world = World::new(&[(".env", "A=1")]).called_with(&[(variable, "1")]);
        assert_eq!(world.environment().value("A"), None, "{variable}");
        let world = World::new(&[(".env", "A=1"), (".ovr.env", &format!("{variable}=true"))]);
        assert_eq!(world.environment().value("A"), None, "{variable}");
        let world = World::new(&[(".env", "A=1")]).called_with(&[(variable, "")]);
        assert_eq!(world.environment().value("A"), Some("1"), "{variable}");
    }
}

#[test]
fn ovr_env_wins_over_overmind_env_and_reads_its_files_in_order() {
    let files = [("a.env", "A=a\nB=a"), ("conf/b.env", "B=b"), ("~/c.env", "C=c$B")];
    let world = World::new(&files).called_with(&[
        ("OVERMIND_ENV", "nothing"),
        ("OVR_ENV", "a.env, conf/b.env,,~/c.env"),
    ]);
    let environment = world.environment();
    assert_eq!(environment.value("A"), Some("a"));
    assert_eq!(environment.value("B"), Some("b"));
    assert_eq!(environment.value("C"), Some("cb"));
    let world = World::new(&files).called_with(&[("OVERMIND_ENV", "a.env")]);
    assert_eq!(world.environment().value("B"), Some("a"));
}

#[test]
fn a_missing_named_file_is_an_error_that_says_who_named_it() {
    let world = World::new(&[("a.env", "A=1")]).called_with(&[("OVR_ENV", "a.env,b.env,c.env")]);
    let checked = world.load();
    let messages: Vec<_> = checked.diagnostics.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "cannot read b.env, which OVR_ENV names",
            "cannot read c.env, which OVR_ENV names"
        ]
    );
    assert!(checked.has_errors());
    let world = World::new(&[(".ovr.env", "X=1\nOVERMIND_ENV=b.env\n")]);
    let checked = world.load();
    assert_eq!(
        checked.diagnostics[0].span.as_ref().unwrap().to_string(),
        ".ovr.env:2:1"
    );
}

#[test]
fn settings_in_files_count_as_if_exported() {
    let world = World::new(&[
        ("~/.ovr.env", "OVR_PORT=4000"),
        (".env", "OVERMIND_TIMEOUT=9\nPORT=3000"),
    ]);
    let environment = world.environment();
    let port = environment.setting("PORT").unwrap();
    assert_eq!((port.value, port.source().as_str()), ("4000", "~/.ovr.env:1"));
    assert_eq!(environment.setting("TIMEOUT").unwrap().source(), ".env:1");
    assert_eq!(environment.non_empty("PORT").unwrap().source(), ".env:2");
}

#[test]
fn a_file_may_refer_to_lower_layers() {
    let world = World::new(&[("~/.ovr.env", "B=$HOME/b"), (".env", "A=${B}:$A")]);
    let world = world.called_with(&[("HOME", "/h"), ("A", "a")]);
    assert_eq!(a(&world.environment()).0, "/h/b:a");
}

#[test]
fn a_project_in_the_home_directory_reads_its_file_once() {
    let world = World::new(&[("~/.ovr.env", "A=1")]);
    let environment = load_environment(&Surroundings {
        caller: &[],
        home: Some(&world.home()),
        root: &world.home(),
        named: &[],
        spoken: None,
    });
    assert_eq!(a(&environment.value), ("1".to_owned(), ".ovr.env:1".to_owned()));
    assert!(environment.value.explain()[0].overrides.is_empty());
}

#[test]
fn the_errors_of_all_files_are_reported_at_once_and_none_is_swallowed() {
    let world = World::new(&[
        ("~/.ovr.env", "junk"),
        (".ovr.env", "A-B=1"),
        (".env", "A=1\n\"\n"),
    ]);
    let checked = world.load();
    let places: Vec<_> = checked
        .diagnostics
        .iter()
        .map(|d| d.span.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(places, ["~/.ovr.env:1:1", ".ovr.env:1:2", ".env:2:1"]);
    assert_eq!(checked.value.value("A"), Some("1"));
}

#[test]
fn an_env_file_that_is_not_utf8_is_an_error_with_its_place() {
    let world = World::new(&[]);
    fs::write(world.root().join(".env"), b"A=1\nB=\xff\n").unwrap();
    let checked = world.load();
    assert_eq!(
        checked.diagnostics[0].span.as_ref().unwrap().to_string(),
        ".env:2:3"
    );
    assert!(checked.has_errors());
}

#[test]
fn a_directory_called_dotenv_is_a_warning() {
    let world = World::new(&[]);
    fs::create_dir(world.root().join(".env")).unwrap();
    let checked = world.load();
    assert_eq!(checked.diagnostics.len(), 1);
    assert_eq!(checked.diagnostics[0].severity, Severity::Warning);
}

#[test]
fn a_services_env_file_must_exist_and_sees_the_layers_below() {
    let world = World::new(&[("web.env", "A=$B\n")]).called_with(&[("B", "b")]);
    let environment = world.environment();
    let path = world.root().join("web.env");
    let checked = load_env_file(&path, "web.env", &environment);
    assert_eq!(checked.value[0].value, "b");
    assert_eq!(checked.value[0].origin.to_string(), "web.env:1");
    assert!(load_env_file(&world.root().join("no"), "no", &environment).has_errors());
}

#[test]
fn a_missing_procfile_and_an_unreadable_one_are_told_apart() {
    let world = World::new(&[("Procfile", "web: x\n")]);
    let entries = load_procfile(&world.root().join("Procfile"), "Procfile");
    assert_eq!(entries.value[0].origin(), "Procfile:1");
    let missing = load_procfile(&world.root().join("nothing"), "nothing");
    assert_eq!(missing.diagnostics[0].kind, Kind::NoConfig);
    let directory = load_procfile(&world.root(), "project");
    assert_eq!(directory.diagnostics[0].kind, Kind::Config);
    fs::write(world.root().join("Procfile"), b"web: \xff\n").unwrap();
    let bad = load_procfile(&world.root().join("Procfile"), "Procfile");
    assert_eq!(
        bad.diagnostics[0].span.as_ref().unwrap().to_string(),
        "Procfile:1:6"
    );
}

#[test]
fn a_variable_that_is_not_utf8_is_told() {
    let bad = OsString::from_vec(vec![0xff]);
    let checked = caller_environment([("A".into(), "1".into()), ("B".into(), bad)]);
    assert_eq!(checked.value, [("A".to_owned(), "1".to_owned())]);
    assert!(checked.diagnostics[0].message.contains("\"B\""));
}

fn executable(path: &Path, mode: u32) {
    fs::write(path, "#!/bin/sh\n").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_program_is_missing_only_if_no_shell_would_find_it() {
    let world = World::new(&[]);
    let root = world.root();
    executable(&root.join("conf/here"), 0o755);
    executable(&root.join("conf/plain"), 0o644);
    let search_path = root.join("conf").display().to_string();
    for (command, expected) in [
        ("conf/here -p $PORT", None),
        ("./conf/here", None),
        ("here", None),
        ("conf/plain", None),
        ("plain", Some("plain")),
        ("conf/askk", Some("conf/askk")),
        ("askk --x | cat", None),
        ("askk --x", Some("askk")),
        ("exec askk", Some("askk")),
        ("conf", Some("conf")),
        ("echo x", None),
        ("A=1 askk", None),
    ] {
        assert_eq!(
            missing_program(command, &search_path, &root).as_deref(),
            expected,
            "{command}"
        );
    }
    assert_eq!(missing_program("here", "conf", &root), None);
}

#[test]
fn a_missing_program_is_told_with_service_and_place() {
    let world = World::new(&[]);
    let source = decode("Procfile", b"web: echo x\n\n# c\nask:  exec bin/askk -x\n").unwrap();
    let entries = crate::config::procfile::parse(&source);
    let configuration = Configuration::of_procfile(&entries.value);
    let options = Options::new(world.root(), "shop");
    let services = expand(&configuration, &options, &Variables::new()).value;
    let environment = Environment::from_caller([("PATH", "/nowhere")]);
    let told: Vec<Diagnostic> = check_commands(&services, &environment);
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].to_string(),
        "warning: Procfile:4:12: ask: bin/askk not found\n    |\n  4 | ask:  exec bin/askk -x\n    |            ^^^^^^^^"
    );
    assert_eq!(check_commands(&services, &Environment::default()), []);
}
