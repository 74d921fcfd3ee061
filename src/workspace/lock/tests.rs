//! The lock under kills, races, deleted files and garbage.

use super::{Holder, LockError, Probe, SessionLock, Standing};
use crate::workspace::{Places, ProjectId, SessionDir};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Names the runtime directory to the process that [`hold_the_lock_until_killed`] runs in.
const CHILD: &str = "OVR_TEST_LOCK_CHILD";
const PATIENCE: Duration = Duration::from_secs(20);

fn session(root: &Path) -> SessionDir {
    let variable = |name: &str| (name == "OVR_RUNTIME_DIR").then(|| root.as_os_str().to_owned());
    let places = Places::resolve(variable, None, rustix::process::geteuid().as_raw()).unwrap();
    places.session(&ProjectId::of(Path::new("/work/shop")))
}

fn holder() -> Holder {
    Holder {
        pid: std::process::id(),
        started_at: "2026-01-31T08:15:30.000Z".into(),
        root: "/work/shop".into(),
    }
}

/// Not a test by itself: the body of the child process that the tests kill.
#[test]
fn hold_the_lock_until_killed() {
    let Some(root) = std::env::var_os(CHILD) else {
        return;
    };
    let lock = SessionLock::acquire(&session(Path::new(&root)), &holder()).unwrap();
    println!("\nheld");
    // Until the parent kills this process, or goes away and closes the pipe.
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    drop(lock);
}

fn spawn_holder(root: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "workspace::lock::tests::hold_the_lock_until_killed",
            "--nocapture",
        ])
        .env(CHILD, root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line == "held"));
    child
}

#[test]
fn a_held_lock_is_alive_and_a_dropped_one_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("run");
    let session = session(&root);
    assert_eq!(SessionLock::probe(&session).unwrap(), Probe::Absent);
    let lock = SessionLock::acquire(&session, &holder()).unwrap();
    assert_eq!(
        SessionLock::probe(&session).unwrap(),
        Probe::Alive(Some(holder()))
    );
    let again = SessionLock::acquire(&session, &holder());
    assert!(matches!(again, Err(LockError::Held(Some(found))) if found == holder()));
    for file in [
        "api.sock",
        "shim.sock",
        "tmux.sock",
        "session.json",
        "session.json.new",
    ] {
        fs::write(session.path().join(file), "").unwrap();
    }
    drop(lock);
    assert_eq!(SessionLock::probe(&session).unwrap(), Probe::Absent);
    assert!(!session.path().exists());
    assert!(root.exists(), "the user named it");
}

#[test]
fn files_of_somebody_else_in_the_directory_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    let lock = SessionLock::acquire(&session, &holder()).unwrap();
    fs::write(session.path().join("notes.txt"), "mine").unwrap();
    drop(lock);
    assert!(session.path().join("notes.txt").exists());
    assert_eq!(SessionLock::probe(&session).unwrap(), Probe::Stale);
    drop(SessionLock::acquire(&session, &holder()).unwrap());
}

#[test]
fn after_kill_9_of_the_holder_the_next_start_needs_no_hand() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    let mut child = spawn_holder(dir.path());
    let Probe::Alive(Some(found)) = SessionLock::probe(&session).unwrap() else {
        panic!("the child holds the lock");
    };
    assert_eq!(found.pid, child.id());
    fs::write(session.session_file(), "garbage \0 {").unwrap();
    fs::write(session.api_socket(), "not a socket").unwrap();

    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(SessionLock::probe(&session).unwrap(), Probe::Stale);
    let lock = SessionLock::acquire(&session, &holder()).unwrap();
    drop(lock);
    assert_eq!(SessionLock::probe(&session).unwrap(), Probe::Absent);
}

#[test]
fn a_reused_pid_in_the_file_keeps_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    // Pid 1 is alive on every machine, and this process is too.
    for pid in [1, std::process::id()] {
        SessionLock::acquire(&session, &Holder { pid, ..holder() })
            .unwrap()
            .leave();
        assert!(SessionLock::wait_until_free(&session, PATIENCE).unwrap());
        assert_eq!(SessionLock::probe(&session).unwrap(), Probe::Stale);
    }
    SessionLock::acquire(&session, &holder()).unwrap();
}

#[test]
fn of_fifty_starters_at_once_exactly_one_wins_whoever_looks_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(&dir.path().join("run"));
    for _ in 0..10 {
        let gun = Barrier::new(60);
        let won: Vec<SessionLock> = thread::scope(|scope| {
            let lookers = (0..10).map(|_| {
                scope.spawn(|| {
                    gun.wait();
                    for _ in 0..100 {
                        SessionLock::probe(&session).unwrap();
                    }
                    None
                })
            });
            let starters = (0..50).map(|_| {
                scope.spawn(|| {
                    gun.wait();
                    match SessionLock::acquire(&session, &holder()) {
                        Ok(lock) => Some(lock),
                        Err(LockError::Held(_)) => None,
                        Err(LockError::System(diagnostic)) => panic!("{diagnostic}"),
                    }
                })
            });
            let all: Vec<_> = lookers.chain(starters).collect();
            all.into_iter().filter_map(|task| task.join().unwrap()).collect()
        });
        assert_eq!(won.len(), 1);
    }
    assert_eq!(SessionLock::probe(&session).unwrap(), Probe::Absent);
}

#[test]
fn looking_never_makes_a_start_fail() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    let done = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while done.load(Ordering::Relaxed) == 0 {
                    SessionLock::probe(&session).unwrap();
                }
            });
        }
        for round in 0..100 {
            let lock = SessionLock::acquire(&session, &holder());
            assert!(lock.is_ok(), "round {round}: {lock:?}");
        }
        done.store(1, Ordering::Relaxed);
    });
}

#[test]
fn starts_and_ends_in_any_order_never_leave_two_sessions_or_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(&dir.path().join("run"));
    let alive = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    match SessionLock::acquire(&session, &holder()) {
                        Ok(lock) => {
                            assert_eq!(alive.fetch_add(1, Ordering::SeqCst), 0);
                            assert_eq!(alive.fetch_sub(1, Ordering::SeqCst), 1);
                            drop(lock);
                        }
                        Err(LockError::Held(_)) => thread::yield_now(),
                        Err(LockError::System(diagnostic)) => panic!("{diagnostic}"),
                    }
                }
            });
        }
    });
    assert_eq!(SessionLock::probe(&session).unwrap(), Probe::Absent);
}

#[test]
fn a_deleted_lock_is_made_and_taken_anew() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    let mut lock = SessionLock::acquire(&session, &holder()).unwrap();
    assert_eq!(lock.reaffirm(&holder()).unwrap(), Standing::Intact);
    fs::remove_dir_all(session.path()).unwrap();
    assert_eq!(SessionLock::probe(&session).unwrap(), Probe::Absent);
    assert_eq!(lock.reaffirm(&holder()).unwrap(), Standing::Renewed);
    assert_eq!(
        SessionLock::probe(&session).unwrap(),
        Probe::Alive(Some(holder()))
    );
    drop(lock);
    assert!(!session.path().exists());
}

#[test]
fn a_session_that_lost_its_files_never_removes_those_of_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    let mut first = SessionLock::acquire(&session, &holder()).unwrap();
    fs::remove_dir_all(session.path()).unwrap();
    let second = SessionLock::acquire(&session, &holder()).unwrap();
    fs::write(session.session_file(), "of the second").unwrap();
    assert_eq!(first.reaffirm(&holder()).unwrap(), Standing::Lost);
    drop(first);
    assert!(session.session_file().exists());
    assert_eq!(
        SessionLock::probe(&session).unwrap(),
        Probe::Alive(Some(holder()))
    );
    drop(second);
}

#[test]
fn a_lock_passes_to_its_heir_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    let first = SessionLock::acquire(&session, &holder()).unwrap();
    // As a child process gets it: the same open file under another number.
    let passed_on = first.as_fd().try_clone_to_owned().unwrap();
    let heir = Holder { pid: 7, ..holder() };
    let second = SessionLock::inherit(&session, passed_on, &heir).unwrap();
    first.leave();
    assert_eq!(SessionLock::probe(&session).unwrap(), Probe::Alive(Some(heir)));
    drop(second);
    assert_eq!(SessionLock::probe(&session).unwrap(), Probe::Absent);

    let stranger = fs::File::open("/dev/null").unwrap();
    assert!(SessionLock::inherit(&session, stranger.into(), &holder()).is_err());
}

#[test]
fn the_lock_does_not_pass_to_programs_that_the_holder_starts() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    let lock = SessionLock::acquire(&session, &holder()).unwrap();
    let mut child = Command::new("sh")
        .args(["-c", "read line"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    lock.leave();
    // Another test may be between fork and exec just now, with a copy of every descriptor.
    assert!(SessionLock::wait_until_free(&session, PATIENCE).unwrap());
    assert!(child.try_wait().unwrap().is_none());
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[test]
fn waiting_ends_with_the_holder_or_with_the_patience() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    assert!(SessionLock::wait_until_free(&session, Duration::ZERO).unwrap());
    let mut child = spawn_holder(dir.path());
    assert!(!SessionLock::wait_until_free(&session, Duration::from_millis(1)).unwrap());
    drop(child.stdin.take());
    assert!(SessionLock::wait_until_free(&session, PATIENCE).unwrap());
    child.wait().unwrap();
    assert_eq!(SessionLock::probe(&session).unwrap(), Probe::Absent);
}

#[test]
fn a_link_in_place_of_the_lock_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let session = session(dir.path());
    drop(SessionLock::acquire(&session, &holder()).unwrap());
    let target = dir.path().join("precious");
    fs::write(&target, "keep").unwrap();
    fs::create_dir(session.path()).unwrap();
    fs::set_permissions(
        session.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    std::os::unix::fs::symlink(&target, session.path().join("lock")).unwrap();
    assert!(matches!(
        SessionLock::acquire(&session, &holder()),
        Err(LockError::System(_))
    ));
    assert_eq!(fs::read_to_string(&target).unwrap(), "keep");
}

#[test]
fn what_tmux_leaves_of_a_start_that_was_cut_short_goes_with_the_session() {
    let root = tempfile::tempdir().unwrap();
    let dir = session(root.path());
    let lock = SessionLock::acquire(&dir, &holder()).unwrap();
    // As it names it: by its socket.
    let socket = dir.tmux_socket();
    fs::write(socket.with_file_name("tmux.sock.lock"), "").unwrap();
    lock.end();
    assert!(!dir.path().exists());
}
