//! `ovr run` against an address: the command runs on the session's machine, and goes with whoever asked for it.

use crate::harness::{Project, Served, Terminal, processes, program};
use rustix::process::Signal;

const PROCFILE: &str = "web: sleep 1000\nworker: sleep 1000\n";

impl Served {
    /// A shell's line in which `$RUN` begins a command there.
    fn line(&self, line: &str) -> Terminal {
        let run = format!("{} -s tcp://{} run", program().display(), self.address);
        self.project
            .cmd(&["-c", line])
            .program("/bin/sh")
            .env("RUN", run)
            .env("OVR_TOKEN", &self.token)
            .piped()
    }

    /// Waits until nothing is left of a command: no process that has this in its command line, and no parent of one.
    #[track_caller]
    fn wait_ended(&self, text: &str) {
        self.project.wait_until(&format!("{text} to be gone"), || {
            let of = |text| self.project.processes_with(text).is_empty();
            of(text) && of(" errand ")
        });
    }
}

#[test]
fn run_there_mirrors_the_end_of_its_command() {
    let served = Served::start(PROCFILE);
    for (script, code) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("kill -9 $$", 137),
        ("kill -TERM $$", 143),
    ] {
        assert_eq!(served.ovr(&["run", "sh", "-c", script]).code, code, "{script}");
    }
    served
        .ovr(&["run", "no-such-command"])
        .code(127)
        .says(&["no-such-command: not found"]);
    served.ovr(&["run", "/"]).code(126).says(&["permission denied"]);
    served
        .ovr(&["run", "--service", "wbe", "true"])
        .code(65)
        .says(&["did you mean \"web\"?"]);
    served.project.write(".env", "no assignment\n");
    served.ovr(&["run", "true"]).code(78).says(&[".env:1"]);
    served.ovr(&["run", "--service", "web", "true"]).success();
    served.wait_ended("sh -c exit");
}

#[test]
fn run_there_has_the_environment_of_the_services_and_the_projects_root() {
    let served = Served::of(Project::with(PROCFILE).file(".env", "A=1\n"), &[]);
    let root = served.project.root.display().to_string();
    assert_eq!(served.ovr(&["run", "pwd"]).success().stdout.trim_end(), root);
    assert_eq!(served.ovr(&["run", "printenv", "A"]).success().stdout, "1\n");
    let port = served.ovr(&["run", "--service", "worker", "printenv", "PORT"]);
    assert_eq!(port.success().stdout, "5100\n");
    let other = served.ovr(&["run", "printenv", "OVERMIND_PROCESS_worker_PORT"]);
    assert_eq!(other.success().stdout, "5100\n");
    let words = served.ovr(&["run", "printf", "%s|", "a b", "$HOME", "--help", "*"]);
    assert_eq!(words.success().stdout, "a b|$HOME|--help|*|");
    served.ovr(&["run", "printenv", "OVR_TOKEN"]).code(1);
}

#[test]
fn streams_pass_whole_and_apart_and_input_has_an_end() {
    let served = Served::start(PROCFILE);
    let apart = served.ovr(&["run", "sh", "-c", "echo out; echo err >&2; test -t 0 || exit 4"]);
    apart.code(4);
    assert_eq!((apart.stdout.as_str(), apart.stderr.as_str()), ("out\n", "err\n"));
    let line = served.line(
        "head -c 3000000 /dev/urandom >$OUT/sent; $RUN cat <$OUT/sent >$OUT/back; cmp $OUT/sent $OUT/back && echo same",
    );
    assert_eq!(line.wait_exit(), 0, "{}", line.stderr());
    assert_eq!(line.plain(), "same\n");
    // Who reads nothing more ends it, as here; who reads slowly loses nothing.
    let line = served.line("$RUN yes | head -1");
    assert_eq!(line.wait_exit(), 0);
    assert_eq!(line.plain(), "y\n");
    served.wait_ended("yes");
    let line =
        served.line("$RUN seq 300000 | (read first; until [ -e $OUT/go ]; do sleep 0.02; done; tail -1)");
    served.project.wait_until("seq to be held up", || {
        !served.project.processes_with("seq 300000").is_empty()
    });
    std::fs::write(served.project.path("out").join("go"), "").unwrap();
    assert_eq!(line.wait_exit(), 0);
    assert_eq!(line.plain(), "300000\n");
}

#[test]
fn between_two_terminals_the_command_has_one_there() {
    let served = Served::start(PROCFILE);
    let script = "test -t 0 && test -t 1 && echo $TERM; stty size; trap 'stty size; echo resized' WINCH; \
                  printf 'name? '; until read n; do :; done; echo hello $n; exit 3";
    let terminal = served
        .cmd(&["run", "sh", "-c", script])
        .env("TERM", "xterm-256color")
        .size(24, 80)
        .terminal();
    terminal.wait_for_output("xterm-256color");
    terminal.wait_for_output("24 80");
    terminal.wait_for_output("name? ");
    terminal.resize(30, 100);
    terminal.wait_for_output("30 100");
    terminal.wait_for_output("resized");
    terminal.type_keys("Ada\r");
    terminal.wait_for_output("hello Ada");
    assert_eq!(terminal.wait_exit(), 3);
    assert!(terminal.has_line_editing());
}

#[test]
fn ctrl_c_reaches_the_command_there_with_a_terminal_and_without() {
    let served = Served::start(PROCFILE);
    let script = "trap 'exit 9' INT; echo up; while :; do sleep 0.05; done";
    let terminal = served.cmd(&["run", "sh", "-c", script]).terminal();
    terminal.wait_for_output("up");
    terminal.ctrl_c();
    assert_eq!(terminal.wait_exit(), 9);
    let piped = served.cmd(&["run", "sh", "-c", script]).piped();
    piped.wait_for_output("up");
    processes::kill(piped.pid, Signal::INT);
    assert_eq!(piped.wait_exit(), 9);
    // One that will not hear of it does not keep this side for ever.
    let deaf = served
        .cmd(&[
            "run",
            "sh",
            "-c",
            "trap 'echo no' INT; echo up; while :; do sleep 0.05; done",
        ])
        .piped();
    deaf.wait_for_output("up");
    for _ in 0..2 {
        processes::kill(deaf.pid, Signal::INT);
        deaf.wait_for_output("no");
    }
    while !deaf.has_ended() {
        processes::kill(deaf.pid, Signal::INT);
        std::thread::yield_now();
    }
    assert_eq!(deaf.wait_exit(), 130);
    served.wait_ended("echo no");
}

#[test]
fn a_command_goes_with_its_client_and_leaves_nothing_behind() {
    let served = Served::start(PROCFILE);
    let family =
        "setsid sh -c 'trap \"\" HUP INT TERM; echo deep; sleep 98765' & trap '' HUP; sleep 98765; :";
    let on_terminal = served.cmd(&["run", "sh", "-c", family]).terminal();
    let piped = served.cmd(&["run", "sh", "-c", family]).piped();
    for client in [on_terminal, piped] {
        client.wait_for_output("deep");
        processes::kill(client.pid, Signal::KILL);
    }
    served.wait_ended("98765");
    // A command that takes nothing of what is sent to it goes as well.
    let held = served.line("yes | $RUN sh -c 'echo up; sleep 98765'");
    held.wait_for_output("up");
    let client = served.project.processes_with("sh -c echo up; sleep 98765");
    let client = client
        .iter()
        .find(|process| process.command.contains("tcp://"))
        .unwrap();
    processes::kill(client.pid, Signal::KILL);
    served.wait_ended("98765");
    // And what one leaves running when it ends.
    served.ovr(&["run", "sh", "-c", "sleep 98765 & exit 5"]).code(5);
    served.wait_ended("98765");
}

#[test]
fn a_command_goes_with_its_session_and_with_a_killed_controller() {
    let served = Served::start(PROCFILE);
    let long = || {
        let client = served
            .cmd(&["run", "sh", "-c", "trap '' HUP; echo up; sleep 98765; :"])
            .piped();
        client.wait_for_output("up");
        client
    };
    let cut = long();
    crate::adoption::kill_controller(&served.project);
    assert_eq!(cut.wait_exit(), 71);
    assert!(
        cut.stderr().contains("ended before the command had"),
        "{}",
        cut.stderr()
    );
    served.wait_ended("98765");
    served.project.start_detached(&[]);
    let told = long();
    served.project.ovr(&["quit"]).success();
    // Whoever is told that all is gone finds nothing of it.
    assert!(
        served
            .project
            .processes_with("98765")
            .iter()
            .all(|process| process.pid == told.pid)
    );
    assert_eq!(told.wait_exit(), 71);
    assert!(
        told.stderr().contains("the session has ended"),
        "{}",
        told.stderr()
    );
    served.ovr(&["run", "true"]).code(69);
}

#[test]
fn a_command_goes_with_a_detach_and_says_so() {
    let (served, console) = Served::in_foreground(PROCFILE);
    let client = served
        .cmd(&["run", "sh", "-c", "echo up; sleep 98765; :"])
        .piped();
    client.wait_for_output("up");
    served.ovr(&["detach"]).success();
    assert_eq!(console.wait_exit(), 0);
    assert_eq!(client.wait_exit(), 71);
    served.wait_ended("98765");
    served.ovr(&["run", "true"]).success();
}

#[test]
fn no_more_commands_run_at_a_time_than_may() {
    let served = Served::start(PROCFILE);
    let clients: Vec<_> = (0..32)
        .map(|_| {
            served
                .cmd(&["run", "--service", "web", "sh", "-c", "echo up; cat; sleep 98765"])
                .piped()
        })
        .collect();
    for client in &clients {
        client.wait_for_output("up");
    }
    served
        .ovr(&["run", "--service", "web", "true"])
        .code(71)
        .says(&["as many as may"]);
    processes::kill(clients[0].pid, Signal::KILL);
    served.project.wait_until("room for another", || {
        served.ovr(&["run", "--service", "web", "true"]).code == 0
    });
    for client in &clients[1..] {
        processes::kill(client.pid, Signal::KILL);
    }
    served.wait_ended("98765");
}

#[test]
fn no_page_and_nobody_without_the_token_can_run_a_command() {
    let served = Served::start(PROCFILE);
    let upgrade = [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
    ];
    let ask = |target: &str, more: &[String]| {
        let headers = upgrade.iter().map(|header| (*header).to_owned());
        let headers: Vec<String> = headers
            .chain([served.host()])
            .chain(more.iter().cloned())
            .collect();
        served.ask(&format!("GET {target}"), &headers, "").0
    };
    let with_token = format!("/v1/run?token={}", served.token);
    let own_page = format!("origin: http://{}", served.address);
    let evil = "origin: http://evil.example".to_owned();
    assert_eq!(ask("/v1/run", &[]), 401);
    assert_eq!(ask("/v1/run?token=0", &[]), 401);
    assert_eq!(ask("/v1/run", &[served.bearer(), evil.clone()]), 403);
    // Not even a page of the session itself, whose terminal a page may open.
    assert_eq!(ask("/v1/run", &[served.bearer(), own_page.clone()]), 403);
    assert_eq!(ask(&with_token, &[own_page]), 403);
    assert_eq!(ask(&with_token, &[evil]), 403);
}
