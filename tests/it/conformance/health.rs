//! Probes, lines and messages, and what they decide: `docs/process-compose.md`, "The life of services".

use super::{composed, configured, free_port};
use crate::harness::Project;
use crate::harness::processes::own_kib;
use ovr::model::StateWord;

/// Answers with the status that the file `status` names to who asks as he should, else with 403.
const SERVER: &str = "#!/usr/bin/env python3
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = int(open('status').read()) if self.headers['X-Who'] == 'ovr' and self.path == '/up?all=1' else 403
        self.send_response(status)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
";

fn is_ready(project: &Project, name: &str) {
    project.wait_service(name, "to be ready", |service| service.ready == Some(true));
}

/// Waits until `name` is not ready for a reason that holds `why`.
fn is_unready(project: &Project, name: &str, why: &str) {
    project.wait_service(name, &format!("to be unready: {why}"), |service| {
        let reason = service.reason.as_deref().unwrap_or_default();
        service.ready == Some(false) && reason.contains(why)
    });
}

#[test]
fn http_get_asks_with_its_headers_and_wants_its_status() {
    let port = free_port();
    let project = composed(&format!(
        "  web:\n    command: exec server\n    environment: [PORT={port}]\n    readiness_probe:\n      period_seconds: \
         0.1\n      http_get: {{ port: {port}, path: '/up?all=1', headers: {{ X-Who: ovr }}, status_code: 204 }}\n"
    ))
    .script("server", SERVER);
    project.write("status", "200");
    let console = project.start_piped(&[]);
    is_unready(&project, "web", "200");
    project.write("status", "204");
    is_ready(&project, "web");
    project.write("status", "503");
    is_unready(&project, "web", "503");
    drop(console);
}

#[test]
fn tcp_socket_is_ready_when_a_connection_comes_about_at_its_own_port_by_default() {
    let port = free_port();
    let project = configured(&format!(
        "  web:\n    command: 'while [ ! -e go ]; do sleep 0.05; done; exec listener'\n    port: {port}\n    \
         readiness_probe: {{ tcp_socket: {{}}, period_seconds: 0.1 }}\n"
    ));
    let console = project.start_piped(&[]);
    is_unready(&project, "web", "connection refused");
    project.write("go", "");
    is_ready(&project, "web");
    drop(console);
}

#[test]
fn exec_runs_in_the_services_surroundings_and_its_own_directory_and_is_killed_after_its_time() {
    let project = composed(
        "  web:\n    command: exec sleep 1000\n    environment: [COLOUR=red]\n    readiness_probe:\n      exec: { command: \
         '[ $COLOUR = red ] && test -e here', working_dir: sub }\n      period_seconds: 0.1\n  \
         slow:\n    command: exec sleep 1000\n    readiness_probe: { exec: { command: 'sleep 4712; true' }, \
         timeout_seconds: 0.1, period_seconds: 600 }\n",
    );
    project.write("sub/here", "");
    let console = project.start_piped(&[]);
    is_ready(&project, "web");
    is_unready(&project, "slow", "no answer within 100 ms");
    project.wait_until("the attempt to be gone", || {
        project.processes_with("sleep 4712").is_empty()
    });
    drop(console);
}

#[test]
fn both_thresholds_count() {
    let project = composed(
        "  web:\n    command: exec sleep 1000\n    readiness_probe: { exec: { command: 'echo >> $OUT/tries; test -e go' }, \
         period_seconds: 0.05, success_threshold: 3, failure_threshold: 2 }\n",
    );
    let console = project.start_piped(&[]);
    is_unready(&project, "web", "2 failures");
    let before = project.out("tries").lines().count();
    assert!(before >= 2, "{before}");
    project.write("go", "");
    is_ready(&project, "web");
    assert!(project.out("tries").lines().count() >= 3 + before);
    drop(console);
}

#[test]
fn who_comes_up_soon_is_ready_soon_whatever_the_period() {
    // The first attempt fails, and the second is a period later, longer than any test.
    let project = composed(
        "  db:\n    command: exec sleep 1000\n    readiness_probe:\n      period_seconds: 1000\n      \
         exec: { command: '[ -e $OUT/tried ] || { echo no > $OUT/tried; exit 1; }' }\n",
    );
    project.start_detached(&[]);
    is_ready(&project, "db");
    assert_eq!(project.out("tried"), "no\n");
}

#[test]
fn initial_delay_seconds_is_waited_for() {
    let project = composed(
        "  web:\n    command: 'date +%s%N > $OUT/started; exec sleep 1000'\n    readiness_probe: { exec: { command: \
         'date +%s%N > $OUT/tried' }, initial_delay_seconds: 0.7, period_seconds: 600 }\n",
    );
    let console = project.start_piped(&[]);
    let at = |name: &str| project.wait_out(name).parse::<u64>().unwrap();
    // The delay begins when the process does, its shell notes the time a little later.
    assert!(at("tried") >= at("started") + 500_000_000);
    drop(console);
}

#[test]
fn a_failing_readiness_ends_no_run() {
    let project = composed(
        "  web:\n    command: exec sleep 1000\n    readiness_probe: { exec: { command: 'echo >> $OUT/tries; false' }, \
         period_seconds: 0.02, failure_threshold: 1 }\n",
    );
    let console = project.start_piped(&[]);
    let [pid] = project.wait_running(["web"]);
    project.wait_until("many attempts", || project.out("tries").lines().count() > 5);
    assert_eq!(project.service("web").pid, Some(pid));
    drop(console);
}

#[test]
fn a_failing_liveness_restarts_whatever_the_policy_says_and_tells_the_hook() {
    let project = configured(
        "  web:\n    command: 'trap \"exit 0\" TERM; rm -f sick; echo run >> $OUT/runs; while :; do sleep 0.02; done'\n    \
         liveness_probe: { exec: { command: '! test -e sick' }, period_seconds: 0.05, failure_threshold: 2 }\n    \
         hooks: { on_fail: 'echo $OVR_EVENT >> $OUT/failed' }\n",
    );
    let console = project.start_piped(&[]);
    project.wait_out("runs");
    project.write("sick", "");
    project.wait_until("a second run", || project.out("runs").lines().count() == 2);
    assert_eq!(project.wait_out("failed"), "fail");
    project.wait_running(["web"]);
    assert_eq!(project.service("web").restarts, 1);
    drop(console);
}

#[test]
fn a_startup_probe_holds_the_others_back_and_its_failure_fails_the_run() {
    let project = configured(
        "  web:\n    command: exec sleep 1000\n    startup_probe: { exec: { command: test -e go }, period_seconds: 0.05, \
         failure_threshold: 100000 }\n    liveness_probe: { exec: { command: 'echo >> $OUT/alive' }, period_seconds: 0.05 }\n  \
         never:\n    command: exec sleep 1000\n    startup_probe: { exec: { command: 'false' }, period_seconds: 0.02 }\n",
    );
    let console = project.start_piped(&[]);
    let never = project.wait_state("never", StateWord::Failed);
    assert!(
        never.reason.unwrap_or_default().contains("startup"),
        "why it failed"
    );
    assert_eq!(
        (project.service("web").ready, project.out("alive")),
        (Some(false), String::new())
    );
    project.write("go", "");
    is_ready(&project, "web");
    project.wait_out("alive");
    drop(console);
}

/// Says that it is ready as soon as there is a file `go`.
const NOTIFIER: &str = "#!/usr/bin/env python3
import os, socket, time
there = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
there.connect(os.environ['NOTIFY_SOCKET'])
while not os.path.exists('go'):
    time.sleep(0.02)
there.send(b'STATUS=at last\\nREADY=1')
time.sleep(1000)
";

#[test]
fn notify_is_ready_when_it_says_so() {
    let project = configured(
        "  api: { command: exec notifier, ready: notify }\n  web: { command: exec sleep 1000, depends_on: [api] }\n",
    )
    .script("notifier", NOTIFIER);
    let console = project.start_piped(&[]);
    project.wait_running(["api"]);
    assert_eq!(project.service("web").state, StateWord::Pending);
    project.write("go", "");
    project.wait_running(["web"]);
    is_ready(&project, "api");
    drop(console);
}

/// Says in time that it is alive, until there is a file `mute`; in trouble at once if its argument says so.
const WATCHED: &str = "#!/usr/bin/env python3
import os, socket, sys, time
there = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
there.connect(os.environ['NOTIFY_SOCKET'])
assert os.environ['WATCHDOG_PID'] == str(os.getpid())
assert os.environ['WATCHDOG_USEC'] == '1500000'
there.send(b'STATUS=serves 3 clients\\nREADY=1')
if 'trigger' in sys.argv:
    there.send(b'WATCHDOG=trigger')
while not os.path.exists('mute'):
    there.send(b'WATCHDOG=1')
    time.sleep(0.1)
os.remove('mute')
time.sleep(1000)
";

#[test]
fn what_no_longer_says_that_it_is_alive_is_started_again_and_named_as_such() {
    let project = configured(
        "  api: { command: exec watched, ready: notify, watchdog: 1500ms }\n  \
         bad:\n    command: exec watched trigger\n    ready: notify\n    watchdog: 1500ms\n    \
         availability: { restart: on_failure, max_restarts: 1, backoff_seconds: 0.05 }\n",
    )
    .script("watched", WATCHED);
    let console = project.start_piped(&[]);
    is_ready(&project, "api");
    assert_eq!(project.service("api").says.as_deref(), Some("serves 3 clients"));
    let bad = project.wait_state("bad", StateWord::Failed);
    let reason = bad.reason.unwrap_or_default();
    assert!(
        reason.contains("gave up") && reason.contains("watchdog: it says WATCHDOG=trigger"),
        "{reason}"
    );
    assert_eq!(project.service("api").restarts, 0, "it speaks in time");
    project.write("mute", "");
    project.wait_service("api", "to be another run", |api| api.restarts == 1);
    is_ready(&project, "api");
    let failure = project.service("api").probe_failure.expect("it is known");
    assert_eq!((failure.probe.as_str(), failure.failures), ("watchdog", 0));
    assert_eq!(failure.reason, "no WATCHDOG=1 for 1.5 s");
    let why = project.ovr(&["why", "api"]);
    why.says(&["watchdog: no WATCHDOG=1 for 1.5 s, over"]);
    let events = project.ovr(&["events", "--json", "--kind", "probe", "api"]);
    events.says(&[r#""probe":"watchdog","ok":false"#]);
    console.wait_for_output("watchdog: no WATCHDOG=1 for 1.5 s · ending it");
    drop(console);
}

#[test]
fn r44_hundreds_of_attempts_leave_nothing_behind() {
    let project = composed(
        "  web:\n    command: exec sleep 1000\n    readiness_probe: { exec: { command: 'echo >> $OUT/tries' }, period_seconds: \
         0.01 }\n",
    );
    project.start_detached(&[]);
    let controller = project.status().session.pid;
    let count = |what: &str| {
        std::fs::read_dir(format!("/proc/{controller}/{what}"))
            .unwrap()
            .count()
    };
    let tries = |count: usize| {
        project.wait_until(&format!("{count} attempts"), || {
            project.out("tries").lines().count() >= count
        });
    };
    let own = || own_kib(controller).expect("it is alive");
    tries(20);
    let (memory, files, threads) = (own(), count("fd"), count("task"));
    tries(220);
    // One attempt may be under way when it is looked, with its pipes and a look at the processes.
    let now = (count("fd"), count("task"));
    assert!(
        now.0 <= files + 8 && now.1 <= threads + 2,
        "{files} files and {threads} threads became {now:?}"
    );
    assert!(own() <= memory + 1024, "{memory} KiB at first");
}
