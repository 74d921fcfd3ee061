//! Tests of the status table, its details and its one line for a prompt.

use super::{details, short, status};
use crate::api::messages::{ProbeFailure, Resources, SCHEMA, Service, Session, Status};
use crate::cli::show::standing::{Clock, Manner};
use crate::cli::style::{Paint, width};
use crate::model::StateWord;

fn service(name: &str, state: StateWord) -> Service {
    Service {
        name: name.into(),
        service: name.split('#').next().unwrap().into(),
        state,
        ready: None,
        pid: None,
        pids: Vec::new(),
        port: None,
        port_source: None,
        url: None,
        started_at: None,
        ended_at: None,
        for_ms: 12_000,
        restarts: 0,
        exit_code: None,
        exit_signal: None,
        reason: None,
        last_line: None,
        waits_for_input: false,
        needs_attention: false,
        attached: 0,
        command: "bin/run".into(),
        origin: "Procfile:1".into(),
        assumed: false,
        probe_failure: None,
        says: None,
        next_run: None,
        namespaces: vec!["default".into()],
        description: None,
        listens: Vec::new(),
        resources: None,
        timing: None,
    }
}

fn running(name: &str, pid: u32, port: u16) -> Service {
    Service {
        pid: Some(pid),
        port: Some(port),
        ..service(name, StateWord::Running)
    }
}

fn failed(name: &str) -> Service {
    Service {
        exit_code: Some(3),
        last_line: Some("KeyError: 'user_id' is not in the session, and it should have been there".into()),
        needs_attention: true,
        ..service(name, StateWord::Failed)
    }
}

fn shop(services: Vec<Service>) -> Status {
    Status {
        revision: 0,
        schema: SCHEMA,
        session: Session {
            project: "shop".into(),
            root: "/home/me/shop".into(),
            config: "Procfile".into(),
            pid: 77,
            version: "0.1.0".into(),
            started_at: "2025-11-21T12:00:00.000Z".into(),
            detached: false,
            ending: false,
            tmux_socket: "/run/ovr/x/tmux.sock".into(),
            runtime_dir: "/run/ovr/x".into(),
        },
        services,
    }
}

fn shown(services: Vec<Service>, limit: usize) -> String {
    status(&shop(services), Manner::default(), limit, Paint::PLAIN, &|_| {
        String::new()
    })
}

#[test]
fn a_calm_session_is_a_calm_table() {
    let services = vec![running("web", 100, 5000), running("worker", 101, 5100)];
    assert_eq!(
        shown(services, 80),
        "shop · /home/me/shop · Procfile · 2 of 2 services up\n\
         NAME    STATE    PORT  PID  UP\n\
         web     running  5000  100  12 s\n\
         worker  running  5100  101  12 s\n"
    );
}

#[test]
fn what_needs_a_person_is_marked_and_one_line_says_what_to_type() {
    let asking = Service {
        waits_for_input: true,
        last_line: Some("continue? ".into()),
        ..running("ask", 103, 5300)
    };
    let services = vec![running("web", 100, 5000), failed("api"), asking];
    assert_eq!(
        shown(services.clone(), 80),
        "shop · /home/me/shop · Procfile · 2 of 3 services up\n\
         \x20 NAME  STATE                          PORT  PID  UP\n\
         \x20 web   running                        5000  100  12 s\n\
         ! api   failed (3) 12 s ago: KeyError: 'user_id' is not in the session, and it …\n\
         ? ask   waits for input: \"continue? \"  5300  103  12 s\n\
         ! api failed: `ovr connect api` to see, `ovr restart api` to retry\n"
    );
    let calm = shown(vec![services[2].clone()], 80);
    assert!(
        calm.ends_with("? ask waits for input: `ovr connect ask` to answer\n"),
        "{calm}"
    );
}

#[test]
fn reasons_stand_with_the_state() {
    let table = [
        (StateWord::Stopped, None, "stopped 12 s ago"),
        (StateWord::Skipped, Some("db failed"), "skipped: db failed"),
        (
            StateWord::Pending,
            Some("waits for db: ready"),
            "pending: waits for db: ready",
        ),
        (
            StateWord::Failed,
            Some("port 5000 taken by pid 9710"),
            "failed 12 s ago: port 5000 taken by pid 9710",
        ),
        (StateWord::Disabled, None, "disabled"),
    ];
    for (state, reason, expected) in table {
        let out = shown(
            vec![Service {
                reason: reason.map(str::to_owned),
                ..service("api", state)
            }],
            80,
        );
        assert!(out.contains(&format!("api   {expected}\n")), "{out}");
    }
    let killed = Service {
        exit_signal: Some("SIGKILL".into()),
        restarts: 4,
        ..service("api", StateWord::Failed)
    };
    assert!(shown(vec![killed], 80).contains("failed (SIGKILL) 12 s ago, 4 restarts\n"));
    let daemon = Service {
        pids: vec![7, 8],
        ..service("db", StateWord::Daemonized)
    };
    let out = shown(vec![daemon], 80);
    assert!(out.contains("daemonized (2 processes)  7    12 s"), "{out}");
}

#[test]
fn a_long_reason_stands_whole_beneath_its_row_and_pushes_no_column_away() {
    let taken = "port 5000 on 127.0.0.1 is taken by python3 (pid 9710, in /home/me/other, since 3 min)";
    let refused = "not ready: connection refused on 127.0.0.1:5000 (readiness probe, 3 failures)";
    let db = Service {
        ready: Some(false),
        reason: Some(format!("{taken} · {refused}")),
        ..running("db", 100, 5000)
    };
    let web = Service {
        reason: Some(format!("waits for db: ready (db is running) · {refused}")),
        ..service("web", StateWord::Pending)
    };
    assert_eq!(
        shown(vec![db, web], 80),
        "shop · /home/me/shop · Procfile · 1 of 2 services up\n\
         NAME  STATE    READY  PORT  PID  UP\n\
         db    running  no     5000  100  12 s\n\
         \x20     port 5000 on 127.0.0.1 is taken by python3 (pid 9710, in /home/me/other,\n\
         \x20     since 3 min)\n\
         \x20     not ready: connection refused on 127.0.0.1:5000 (readiness probe, 3\n\
         \x20     failures)\n\
         web   pending: waits for db: ready (db is running)\n\
         \x20     not ready: connection refused on 127.0.0.1:5000 (readiness probe, 3\n\
         \x20     failures)\n"
    );
}

#[test]
fn columns_turn_up_when_they_say_something() {
    let busy = Service {
        ready: Some(true),
        restarts: 2,
        exit_signal: Some("SIGKILL".into()),
        ..running("web", 100, 5000)
    };
    let out = shown(vec![busy], 80);
    assert!(
        out.contains("NAME  STATE    READY  PORT  PID  UP    RESTARTS  LAST EXIT\n"),
        "{out}"
    );
    assert!(
        out.contains("web   running  yes    5000  100  12 s  2         SIGKILL\n"),
        "{out}"
    );
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let long = "x".repeat(100);
    let mut services = vec![failed(&long), running("数据库", 4_194_304, 65_535)];
    for n in 0..300 {
        services.push(running(&format!("service-{n}"), 4_000_000 + n, 5000));
    }
    services[5].waits_for_input = true;
    services[5].last_line = Some("\x1b[31m".to_owned() + &"y".repeat(1000));
    for limit in [20, 40, 80, 120, 200] {
        let out = shown(services.clone(), limit);
        let wide = out.lines().find(|line| width(line) > limit);
        assert_eq!(wide, None, "at {limit} columns");
        assert!(!out.contains('\x1b'));
    }
}

#[test]
fn instances_share_the_colour_of_their_service() {
    let services = vec![
        running("web#1", 1, 5000),
        running("web#2", 2, 5010),
        running("db", 3, 5100),
    ];
    let out = status(&shop(services), Manner::default(), 80, Paint::COLOUR, &|place| {
        (31 + place).to_string()
    });
    assert!(out.contains("\x1b[31mweb#2\x1b[0m"), "{out:?}");
    assert!(out.contains("\x1b[32mdb\x1b[0m"), "{out:?}");
}

#[test]
fn a_prompt_gets_one_short_line() {
    let asking = Service {
        waits_for_input: true,
        ..running("ask", 1, 1)
    };
    assert_eq!(short(&shop(vec![running("db", 1, 1)])), "1/1\n");
    assert_eq!(short(&shop(vec![failed("web"), asking])), "1/2 web! ask?\n");
    let many = ["a", "b", "c", "d", "e"].map(failed).into();
    assert_eq!(short(&shop(many)), "0/5 a! b! c! +2\n");
    assert_eq!(short(&shop(vec![service("x", StateWord::Disabled)])), "0/0\n");
}

#[test]
fn the_internals_are_in_the_details_only() {
    let services = vec![failed("api")];
    assert!(!shown(services.clone(), 80).contains("tmux.sock"));
    let out = details(&shop(services));
    for part in [
        "tmux socket  /run/ovr/x/tmux.sock",
        "command    bin/run",
        "from       Procfile:1",
    ] {
        assert!(out.contains(part), "{out}");
    }
}

#[test]
fn the_readme_shows_the_real_table() {
    let up = |service: Service| Service {
        for_ms: 185_000,
        url: service.port.map(|port| format!("http://127.0.0.1:{port}")),
        ..service
    };
    let failed = Service {
        last_line: Some("KeyError: 'user_id'".into()),
        ..failed("worker")
    };
    let asking = Service {
        waits_for_input: true,
        last_line: Some("continue? ".into()),
        ..running("ask", 48_216, 5300)
    };
    let services = vec![
        up(running("web", 48_213, 5000)),
        failed,
        up(running("db", 48_215, 5200)),
        up(asking),
    ];
    let readme = include_str!("../../../../README.md");
    let table = shown(services, 80);
    assert!(readme.contains(&table), "{table}");
}

fn ready(name: &str, pid: u32, assumed: bool) -> Service {
    Service {
        ready: Some(true),
        assumed,
        ..running(name, pid, 5000)
    }
}

#[test]
fn readiness_that_is_only_assumed_is_shown_as_such_beside_readiness_that_was_told() {
    let table = |services| {
        status(&shop(services), Manner::default(), 100, Paint::PLAIN, &|_| {
            String::new()
        })
    };
    let text = table(vec![ready("web", 1, false), ready("db", 2, true)]);
    assert!(text.contains(" yes ") && text.contains(" assumed "), "{text}");
    // Where nobody tells, it would be the same word in every row.
    let text = table(vec![ready("web", 1, true), ready("db", 2, true)]);
    assert!(!text.contains("assumed") && !text.contains("READY"), "{text}");
    let text = details(&shop(vec![ready("web", 1, true)]));
    assert!(text.contains("yes (assumed)"), "{text}");
}

#[test]
fn the_last_failure_of_a_probe_is_among_the_details() {
    let service = Service {
        probe_failure: Some(ProbeFailure {
            probe: "readiness".into(),
            reason: "connection refused on 127.0.0.1:80".into(),
            failures: 3,
            at: "2026-01-31T08:15:30.042Z".into(),
        }),
        ..running("web", 1, 80)
    };
    let text = details(&shop(vec![service]));
    let expected = "readiness: connection refused on 127.0.0.1:80, 3 in a row";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn what_was_skipped_comes_with_the_command_that_starts_it_and_what_it_needs() {
    let skipped = Service {
        needs_attention: true,
        reason: Some("needs db: ready, but db is stopped".into()),
        ..service("web", StateWord::Skipped)
    };
    let text = shown(vec![skipped], 80);
    assert!(
        text.contains("skipped: needs db: ready, but db is stopped"),
        "{text}"
    );
    assert!(
        text.ends_with("`ovr start web` starts it and what it needs\n"),
        "{text}"
    );
}

#[test]
fn resources_are_told_since_the_start_or_since_the_last_look_and_a_standing_screen_has_times_of_day() {
    let mut web = running("web", 100, 5000);
    web.resources = Some(Resources {
        age_ms: 2000,
        processes: Some(2),
        cpu_ms: Some(500),
        cpu_percent: Some(25.0),
        rss_bytes: Some(20 << 20),
        pss_bytes: Some(12_900_000),
    });
    let services = vec![web, failed("api")];
    let out = shown(services.clone(), 100);
    assert!(out.contains("CPU AVG  MEMORY"), "{out}");
    assert!(out.contains("25.0%    12.3 MiB"), "{out}");
    let cpu = [("web".to_owned(), 99.96)].into();
    let manner = Manner {
        clock: Some(Clock {
            now: std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(50_012),
            offset_s: 0,
        }),
        cpu: Some(&cpu),
    };
    let out = status(&shop(services.clone()), manner, 100, Paint::PLAIN, &|_| {
        String::new()
    });
    assert!(out.contains("SINCE     CPU     MEMORY"), "{out}");
    assert!(out.contains("13:53:20  100.0%  12.3 MiB"), "{out}");
    assert!(out.contains("failed (3) at 13:53:20: KeyError"), "{out}");
    let details = details(&shop(services));
    assert!(
        details.contains("2 processes, 500 ms of processor time, 12.3 MiB (20.0 MiB with what is shared)"),
        "{details}"
    );
}

#[test]
fn what_a_service_says_of_itself_stands_beneath_it_unless_its_reason_has_it() {
    let mut web = running("web", 100, 5000);
    web.says = Some("serves 3 clients".into());
    let out = shown(vec![web.clone()], 80);
    assert!(out.contains("says: serves 3 clients"), "{out}");
    web.reason = Some("not ready: serves 3 clients".into());
    let out = shown(vec![web], 80);
    assert_eq!(out.matches("serves 3 clients").count(), 1, "{out}");
}
