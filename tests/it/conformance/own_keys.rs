//! Keys that `ovr.yaml` has over Process Compose, and kinds of processes: `docs/process-compose.md`.

use super::{composed, configured, free_port};
use ovr::model::StateWord;
use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Answers every connection on the socket that it was handed with its pid.
const HANDED: &str = "#!/usr/bin/env python3
import os, socket
server = socket.socket(fileno=3)
assert os.environ['LISTEN_FDS'] == '1' and int(os.environ['LISTEN_PID']) == os.getpid()
open(os.environ['OUT'] + '/up', 'a').write(f'{os.getpid()}\\n')
while True:
    client, _ = server.accept()
    client.sendall(b'ok')
    client.close()
";

#[test]
fn listen_refuses_none_of_1000_requests_during_ten_restarts() {
    let port = free_port();
    let project = configured(&format!(
        "  web: {{ command: exec handed, listen: ['127.0.0.1:{port}'] }}\n"
    ))
    .script("handed", HANDED);
    project.start_detached(&[]);
    project.wait_out("up");
    // At least so many, and on and on until the restarts are over.
    let over = Arc::new(AtomicBool::new(false));
    let is_over = Arc::clone(&over);
    let asked = std::thread::spawn(move || {
        (0..)
            .take_while(|count| *count < 1000 || !is_over.load(Ordering::Relaxed))
            .map(|_| {
                let mut answer = String::new();
                let mut stream = TcpStream::connect(("127.0.0.1", port))?;
                match stream.read_to_string(&mut answer) {
                    Ok(_) | Err(_) => Ok(answer == "ok"),
                }
            })
            .collect::<std::io::Result<Vec<bool>>>()
    });
    for restarts in 1..=10 {
        project.ovr(&["restart", "web"]).success();
        project.wait_until("its server to be up", || {
            project.out("up").lines().count() > restarts
        });
    }
    over.store(true, Ordering::Relaxed);
    let answers = asked.join().unwrap().expect("no connection is refused");
    assert!(answers.len() >= 1000);
    assert_eq!(project.out("up").lines().count(), 11);
}

#[test]
fn nofile_is_the_limit_of_open_files() {
    let project = configured(
        "  web: { command: 'ulimit -n > $OUT/files; ulimit -Hn >> $OUT/files; exec sleep 1000', limits: { nofile: 77 } }\n",
    );
    project.start_detached(&[]);
    project.wait_until("both limits", || project.out("files") == "77\n77\n");
}

#[test]
fn memory_and_processors_are_limited_or_it_is_said_that_they_are_not() {
    let project = configured(
        "  web: { command: '{ cat /proc/self/cgroup; ulimit -d; } > $OUT/part; mv $OUT/part $OUT/limits; exec sleep 1000', \
         limits: { memory: 256M, cpu: 0.5 } }\n",
    );
    let console = project.start_piped(&[]);
    let limits = project.wait_out("limits");
    // Whether this user may make control groups is the machine's business.
    if limits.ends_with("262144") {
        console.wait_for_output("limits: memory holds for each process alone");
        console.wait_for_output("limits: cpu is not limited");
    } else {
        assert!(limits.contains("ovr"), "{limits}");
    }
}

#[test]
fn tiers_start_one_after_the_other_and_the_lower_one_is_ready_first() {
    let project = configured(
        "  web: { command: exec sleep 1000, tier: 2 }\n  \
         db: { command: exec sleep 1000, tier: 1, readiness_probe: { exec: { command: test -e go }, period_seconds: 0.05 } }\n  \
         free: { command: exec sleep 1000 }\n",
    );
    let console = project.start_piped(&[]);
    project.wait_running(["db", "free"]);
    assert_eq!(project.service("web").state, StateWord::Pending);
    project.write("go", "");
    project.wait_running(["web"]);
    drop(console);
}

#[test]
fn what_is_optional_may_fail_without_holding_others_up() {
    let project = configured(
        "  mail: { command: exit 3, optional: true, ready_log_line: never }\n  \
         web: { command: exec sleep 1000, depends_on: { mail: { condition: process_healthy } } }\n",
    );
    project.start_detached(&[]);
    project.wait_running(["web"]);
    project.wait_state("mail", StateWord::Failed);
}

#[test]
fn port_is_fixed_or_the_rules() {
    let fixed = free_port();
    let project = configured(&format!(
        "  web: {{ command: 'echo $PORT > $OUT/web; exec sleep 1000', port: {fixed} }}\n  \
         api: {{ command: 'echo $PORT > $OUT/api; exec sleep 1000', port: auto }}\n"
    ));
    project.start_detached(&["-p", "6000"]);
    assert_eq!(project.wait_out("web"), fixed.to_string());
    assert_eq!(project.wait_out("api"), "6100");
    assert_eq!(project.service("web").port, Some(fixed));
}

#[test]
fn what_is_elevated_runs_through_sudo_in_its_own_terminal_and_ctrl_c_stops_it() {
    let project = composed(
        "  web: { command: 'echo $COLOUR > $OUT/web; trap \"echo INT >> $OUT/web; exit 0\" INT; while :; do sleep 0.05; done', \
         environment: [COLOUR=red], is_elevated: true }\n",
    )
    // Asks as the real one does: on the terminal.
    .script("sudo", "#!/bin/sh\nprintf 'password: '; read -r password </dev/tty; echo \"$password\" >$OUT/typed\nwhile [ \"${1#-}\" != \"$1\" ]; do shift; done\nexec \"$@\"\n");
    project.start_detached(&[]);
    let view = project.connect("web");
    view.wait_for_screen_text("password:");
    view.type_keys("secret\r");
    assert_eq!(project.wait_out("typed"), "secret");
    project.wait_until("the service to run", || project.out("web") == "red\n");
    project.ovr(&["stop", "web"]).success();
    assert_eq!(project.out("web"), "red\nINT\n");
}

#[test]
fn is_daemon_is_up_when_its_command_has_left_one_and_is_stopped_by_its_command() {
    let project = composed(
        "  docker:\n    command: 'touch up; echo launched'\n    is_daemon: true\n    shutdown: { command: 'rm up; echo > $OUT/down' }\n  \
         web: { command: exec sleep 1000, depends_on: { docker: { condition: process_started } } }\n",
    );
    project.start_detached(&[]);
    project.wait_state("docker", StateWord::Daemonized);
    project.wait_running(["web"]);
    project.ovr(&["stop", "docker"]).success();
    assert_eq!(project.out("down"), "\n");
    project.wait_state("docker", StateWord::Stopped);
}

#[test]
fn a_daemon_that_is_not_left_in_time_has_failed() {
    let project = composed(
        "  slow: { command: exec sleep 1000, is_daemon: true, launch_timeout_seconds: 0.3 }\n  \
         broken: { command: exit 4, is_daemon: true }\n  keeper: { command: exec sleep 1000 }\n",
    );
    project.start_detached(&[]);
    let slow = project.wait_state("slow", StateWord::Failed);
    assert!(slow.reason.unwrap_or_default().contains("left no daemon behind"));
    let broken = project.wait_state("broken", StateWord::Failed);
    assert_eq!(broken.exit_code, Some(4));
}

#[test]
fn a_daemon_whose_liveness_fails_is_launched_again() {
    let project = composed(
        "  docker:\n    command: 'touch up; echo run >> $OUT/runs'\n    is_daemon: true\n    \
         liveness_probe: { exec: { command: test -e up }, period_seconds: 0.05, failure_threshold: 2 }\n    \
         availability: { restart: always }\n    shutdown: { command: 'rm -f up' }\n",
    );
    project.write("up", "");
    project.start_detached(&[]);
    project.wait_state("docker", StateWord::Daemonized);
    std::fs::remove_file(project.root.join("up")).unwrap();
    project.wait_until("a second launch", || project.out("runs").lines().count() == 2);
    project.wait_state("docker", StateWord::Daemonized);
}
