//! Which session is meant from where, and that no other one ever is.

use super::{Located, locate, session_for_start};
use crate::diag::Kind;
use crate::model::time_text::{from_epoch_millis, parse_rfc3339, rfc3339};
use crate::workspace::errors::{already_running, not_running, unattended};
use crate::workspace::last::{LastEnd, record};
use crate::workspace::lock::{Holder, SessionLock};
use crate::workspace::session::{Life, SessionEntry};
use crate::workspace::{Places, ProjectId, Search, SessionInfo};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

struct World {
    _dir: TempDir,
    root: PathBuf,
    places: Places,
}

impl World {
    /// Projects at these paths (a trailing `/` makes a plain directory).
    fn new(files: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(if file.ends_with('/') {
                &path
            } else {
                path.parent().unwrap()
            })
            .unwrap();
            if !file.ends_with('/') {
                fs::write(path, "web: true\n").unwrap();
            }
        }
        let run = root.join("run");
        let variable = |name: &str| (name == "OVR_RUNTIME_DIR").then(|| run.as_os_str().to_owned());
        let uid = rustix::process::geteuid().as_raw();
        let places = Places::resolve(variable, Some(root.join("home")), uid).unwrap();
        Self {
            _dir: dir,
            root,
            places,
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A running session with this root, config and name.
    fn run(&self, root: &str, config: &str, name: Option<&str>) -> SessionLock {
        let root = self.path(root);
        let id = ProjectId::of(&name.map_or_else(|| root.clone(), |name| self.path(name)));
        let root = root.to_str().unwrap().to_owned();
        let holder = Holder {
            pid: std::process::id(),
            started_at: "2026-01-31T08:15:30.000Z".into(),
            root: root.clone(),
        };
        let lock = SessionLock::acquire(&self.places.session(&id), &holder).unwrap();
        let info = SessionInfo {
            config: self.path(config).to_str().unwrap().into(),
            started_at: holder.started_at,
            ..SessionInfo::of_shop(&root)
        };
        info.write(&lock).unwrap();
        lock
    }

    /// The root of the session that is found from there, or `idle ROOT`, or the error's code.
    fn from(&self, cwd: &str, socket: Option<&Path>) -> String {
        let shown = |path: &str| {
            let path = Path::new(path).strip_prefix(&self.root).unwrap();
            path.display().to_string()
        };
        match locate(&self.places, &self.path(cwd), socket) {
            Ok(Located::Session(entry)) => shown(entry.root().unwrap()),
            Ok(Located::Idle { project, .. }) => format!("idle {}", shown(project.root.to_str().unwrap())),
            Err(diagnostic) => diagnostic.kind.code().to_owned(),
        }
    }
}

#[test]
fn any_directory_inside_a_project_finds_its_session() {
    let world = World::new(&["shop/Procfile", "shop/sub/deep/"]);
    assert_eq!(world.from("shop/sub/deep", None), "idle shop");
    let session = world.run("shop", "shop/Procfile", None);
    for cwd in ["shop", "shop/sub", "shop/sub/deep"] {
        assert_eq!(world.from(cwd, None), "shop");
    }
    drop(session);
    assert_eq!(world.from("shop/sub/deep", None), "idle shop");
}

#[test]
fn a_command_in_one_project_never_reaches_another() {
    let world = World::new(&[
        "a/shop/Procfile",
        "b/shop/Procfile",
        "a/shop/inner/Procfile",
        "out/",
    ]);
    let _a = world.run("a/shop", "a/shop/Procfile", None);
    assert_eq!(world.from("b/shop", None), "idle b/shop");
    assert_eq!(world.from("a/shop/inner", None), "idle a/shop/inner");
    assert_eq!(world.from("out", None), "no_config");
}

#[test]
fn an_idle_project_inside_a_running_one_names_it_and_does_not_take_it() {
    let world = World::new(&["a/Procfile", "a/inner/Procfile"]);
    let _a = world.run("a", "a/Procfile", None);
    let inner = world.path("a/inner");
    let Located::Idle { project, above } = locate(&world.places, &inner, None).unwrap() else {
        panic!("the inner project has no session");
    };
    let text = not_running(&world.places, &project, above.as_ref(), from_epoch_millis(0)).to_string();
    assert!(text.contains("inner is not running"), "{text}");
    assert!(
        text.contains(&format!("ovr -s {}", world.path("a").display())),
        "{text}"
    );
}

#[test]
fn a_session_with_a_configuration_from_elsewhere_is_found_by_its_root_and_by_its_configuration() {
    let world = World::new(&["etc/Procfile", "app/sub/", "etc/sub/"]);
    let _session = world.run("app", "etc/Procfile", None);
    assert_eq!(world.from("app/sub", None), "app");
    assert_eq!(world.from("etc/sub", None), "app");
    let _second = world.run("app/sub", "etc/Procfile", None);
    assert_eq!(world.from("etc", None), "usage");
    assert_eq!(world.from("app/sub", None), "app/sub");
}

#[test]
fn a_session_is_named_by_socket_directory_project_or_name() {
    let world = World::new(&["shop/Procfile", "out/"]);
    let session = world.run("shop", "shop/Procfile", None);
    let named = world.run("shop", "shop/Procfile", Some("out/.ovr.sock"));
    for socket in [
        session.dir().api_socket(),
        session.dir().path().to_owned(),
        PathBuf::from("../shop"),
        named.dir().api_socket(),
        PathBuf::from(".ovr.sock"),
        world.path("out/.ovr.sock"),
    ] {
        assert_eq!(world.from("out", Some(&socket)), "shop", "{}", socket.display());
    }
    for socket in [
        "other.sock",
        "../run/0123456789abcdef",
        "../run/0123456789abcdef/api.sock",
    ] {
        let found = world.from("out", Some(Path::new(socket)));
        assert!(found == "not_running" || found == "usage", "{socket}: {found}");
    }
    // The same path means the same session to start and to every other command.
    let cwd = world.path("out");
    let search = Search {
        cwd: &world.path("shop"),
        root: None,
        procfiles: &[],
        home: None,
    };
    let project = search.find().unwrap();
    let dir = session_for_start(&world.places, &project, &cwd, Some(Path::new(".ovr.sock"))).unwrap();
    assert_eq!(&dir, named.dir());
    let dir = session_for_start(&world.places, &project, &cwd, None).unwrap();
    assert_eq!(&dir, session.dir());
    let error = session_for_start(&world.places, &project, &cwd, Some(Path::new("../shop"))).unwrap_err();
    assert_eq!(error.kind, Kind::Usage);
    assert_eq!(fs::read_dir(cwd).unwrap().count(), 0, "a name is written nowhere");
}

#[test]
fn outside_of_any_project_the_running_ones_are_named() {
    let world = World::new(&["shop/Procfile", "out/"]);
    let _session = world.run("shop", "shop/Procfile", None);
    let error = locate(&world.places, &world.path("out"), None).unwrap_err();
    assert_eq!(error.kind, Kind::NoConfig);
    let expected = format!("running (ovr ls): {}", world.path("shop").display());
    assert!(error.hints.contains(&expected), "{error}");
}

#[test]
fn a_session_of_this_directory_under_another_root_or_name_is_named_with_its_file() {
    let world = World::new(&["shop/Procfile.dev", "shop/sub/", "app/"]);
    let _elsewhere = world.run("app", "shop/Procfile.dev", None);
    let named = world.run("shop", "shop/Procfile.dev", Some("shop/a.sock"));
    let error = locate(&world.places, &world.path("shop/sub"), None).unwrap_err();
    let (shop, app) = (world.path("shop"), world.path("app"));
    let told = |root: &Path, name: &Path| {
        let (root, shop, name) = (root.display(), shop.display(), name.display());
        format!("a session of {root} runs {shop}/Procfile.dev; to mean it: -s {name}")
    };
    assert!(error.hints.contains(&told(&app, &app)), "{error}");
    assert!(error.hints.contains(&told(&shop, named.dir().path())), "{error}");
    assert!(!error.to_string().contains("ovr ls"), "{error}");
}

#[test]
fn a_stopped_project_says_how_its_last_session_ended() {
    let world = World::new(&["shop/Procfile"]);
    let Located::Idle { project, above } = locate(&world.places, &world.path("shop"), None).unwrap() else {
        panic!("nothing runs");
    };
    let ended = from_epoch_millis(1_000_000);
    let end = LastEnd {
        schema: 1,
        project: "shop".into(),
        root: project.root.display().to_string(),
        started_at: rfc3339(ended),
        ended_at: rfc3339(ended),
        cause: "terminal closed".into(),
        exit_code: 129,
    };
    record(&world.places, &project.id, &end).unwrap();
    let diagnostic = not_running(
        &world.places,
        &project,
        above.as_ref(),
        from_epoch_millis(1_130_000),
    );
    assert_eq!(diagnostic.kind, Kind::NotRunning);
    assert_eq!(diagnostic.causes, ["ended 2 min ago: terminal closed"]);
    assert_eq!(diagnostic.hints, ["start it: ovr start"]);
}

#[test]
fn files_of_a_dead_session_are_in_nobodys_way() {
    let world = World::new(&["shop/Procfile"]);
    let session = world.run("shop", "shop/Procfile", None);
    let dir = session.dir().clone();
    session.leave();
    let patience = std::time::Duration::from_secs(20);
    assert!(SessionLock::wait_until_free(&dir, patience).unwrap());
    assert_eq!(world.from("shop", None), "idle shop");
}

#[test]
fn a_second_start_is_told_which_project_which_process_since_when_and_what_to_do() {
    let world = World::new(&["shop/Procfile"]);
    let _session = world.run("shop", "shop/Procfile", None);
    let Located::Session(entry) = locate(&world.places, &world.path("shop"), None).unwrap() else {
        panic!("it runs");
    };
    let now = parse_rfc3339("2026-01-31T08:18:31.000Z").unwrap();
    let error = already_running(&entry, Some((3, 4)), now);
    assert_eq!(error.kind, Kind::AlreadyRunning);
    assert_eq!(
        error.message,
        format!(
            "shop is already running in {} (pid {}, started 3 min ago, 3 of 4 services up)",
            world.path("shop").display(),
            std::process::id()
        )
    );
    assert_eq!(error.hints.len(), 3);
    let bare = SessionEntry { info: None, ..entry };
    let text = already_running(&bare, None, now).to_string();
    assert!(
        text.contains("shop is already running") && text.contains("3 min ago)"),
        "{text}"
    );
}

#[test]
fn services_without_a_controller_are_said_to_be_adopted_by_a_start() {
    let world = World::new(&["shop/Procfile"]);
    let session = world.run("shop", "shop/Procfile", None);
    let _tmux = std::os::unix::net::UnixListener::bind(session.dir().tmux_socket()).unwrap();
    let dir = session.dir().clone();
    session.leave();
    let patience = std::time::Duration::from_secs(20);
    assert!(SessionLock::wait_until_free(&dir, patience).unwrap());
    let Located::Session(entry) = locate(&world.places, &world.path("shop"), None).unwrap() else {
        panic!("its services run");
    };
    assert_eq!(entry.life, Life::Unattended);
    let error = unattended(&entry);
    assert_eq!(error.kind, Kind::NotRunning);
    assert!(error.to_string().contains("ovr start adopts them"), "{error}");
}
