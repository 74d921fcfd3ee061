//! How a service is started, what it finds, and how its end is told.

use crate::harness::Pane;
use crate::processes::is_alive;
use ovr::model::{Exit, RunId, Signal, StopPlan};
use ovr::shim::protocol::{Order, Report};

#[test]
fn the_shim_says_who_it_is() {
    let pane = Pane::open();
    let hello = &pane.hello;
    assert_eq!(hello.version, 4);
    assert_eq!(hello.instance.to_string(), "web");
    assert_eq!(hello.pane, "%7");
    assert_eq!(hello.pid, pane.shim_pid());
    assert_eq!(hello.nonce.len(), 16);
    assert_eq!((&hello.live, &hello.last), (&None, &None));
    pane.close();
}

#[test]
fn five_hundred_quick_exits_give_five_hundred_exact_ends() {
    let mut pane = Pane::open();
    for number in 0..500 {
        let (script, exit) = match number % 5 {
            0 => ("kill -9 $$".to_owned(), Exit::Signal(Signal::KILL)),
            1 => ("kill -TERM $$".to_owned(), Exit::Signal(Signal::TERM)),
            _ => (format!("exit {}", number % 256), Exit::Code(number % 256)),
        };
        let run = u64::try_from(number).unwrap() + 1;
        pane.run(run, &script);
        let ended = pane.ended(run);
        assert_eq!((ended.exit, ended.asked), (exit, false), "run {run}");
        assert!(ended.killed.is_empty());
    }
    pane.close();
}

#[test]
fn what_cannot_be_started_is_told_in_words() {
    let mut pane = Pane::open();
    for (run, argv, words) in [
        (1, &["bin/askk"][..], "bin/askk: not found"),
        (
            2,
            &["no-such-program-anywhere"],
            "no-such-program-anywhere: not found",
        ),
        (3, &["/etc/passwd"], "/etc/passwd: permission denied"),
        (4, &[], "there is no command"),
    ] {
        pane.run_argv(run, argv, StopPlan::default());
        let message = words.to_owned();
        assert_eq!(
            pane.report(),
            Report::SpawnFailed {
                run: RunId(run),
                message
            }
        );
        pane.wait_for(format!("web could not start: {words} · Enter tries again"));
        assert_eq!(pane.output_of(run), "");
    }
    let mut launch = pane.launch(&["/bin/true"]);
    launch.cwd = "/no/such/place".into();
    let (run, stop) = (RunId(5), StopPlan::default());
    pane.order(&Order::Run {
        run,
        launch,
        stop,
        files: None,
    });
    let message = "cannot enter directory /no/such/place: no such file or directory".to_owned();
    assert_eq!(pane.report(), Report::SpawnFailed { run, message });
    pane.run(6, "exit 0");
    assert_eq!(pane.ended(6).exit, Exit::Code(0));
    pane.close();
}

#[test]
fn a_second_run_is_refused_while_one_is_alive() {
    let mut pane = Pane::open();
    let pid = pane.run(1, "sleep 60");
    pane.run_argv(2, &["/bin/true"], StopPlan::default());
    let message = "run 1 is still alive".to_owned();
    assert_eq!(
        pane.report(),
        Report::SpawnFailed {
            run: RunId(2),
            message
        }
    );
    assert!(is_alive(pid));
    pane.close();
}

#[test]
fn the_environment_is_the_one_given_and_the_terminal_is_that_of_the_pane() {
    let mut pane = Pane::open();
    let mut seen = Vec::new();
    for run in 1..=5 {
        let mut launch = pane.launch(&["/usr/bin/env"]);
        launch.env = [
            ("PATH", "/usr/bin:/bin"),
            ("PORT", "5100"),
            ("TERM", "xterm-kitty"),
            ("TMUX", "/tmp/other"),
            ("TMUX_PANE", "%1"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into_iter()
        .collect();
        pane.order(&Order::Run {
            run: RunId(run),
            launch,
            stop: StopPlan::default(),
            files: None,
        });
        assert!(matches!(pane.report(), Report::Spawned { .. }));
        pane.ended(run);
        let mut lines: Vec<String> = pane.output_of(run).lines().map(str::to_owned).collect();
        lines.sort();
        seen.push(lines);
    }
    let token = format!("OVR_RUN_TOKEN={}", pane.hello.nonce);
    let expected = [
        token.as_str(),
        "PATH=/usr/bin:/bin",
        "PORT=5100",
        "TERM=tmux-256color",
    ];
    for lines in seen {
        assert_eq!(lines, expected);
    }
    pane.close();
}

#[test]
fn ignored_and_blocked_signals_and_open_files_are_not_inherited() {
    let mut pane = Pane::open_with(
        |command| {
            use std::os::unix::process::CommandExt;
            // SAFETY: async-signal-safe calls on memory of this frame.
            unsafe {
                command.pre_exec(|| {
                    for signal in [
                        libc::SIGINT,
                        libc::SIGTERM,
                        libc::SIGHUP,
                        libc::SIGQUIT,
                        libc::SIGPIPE,
                    ] {
                        libc::signal(signal, libc::SIG_IGN);
                    }
                    let mut set = std::mem::zeroed();
                    libc::sigfillset(&raw mut set);
                    libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
                    libc::dup2(0, 9);
                    Ok(())
                });
            }
        },
        true,
    );
    pane.run_argv(1, &["/bin/cat", "/proc/self/status"], StopPlan::default());
    assert!(matches!(pane.report(), Report::Spawned { .. }));
    pane.ended(1);
    let text = pane.output_of(1);
    // The two signals that the C library keeps for its threads are nobody's to set.
    let of_the_library = 0b11 << 31;
    for field in ["SigBlk:", "SigIgn:", "SigCgt:"] {
        let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        let set = u64::from_str_radix(line.trim(), 16).unwrap();
        assert_eq!(set & !of_the_library, 0, "{text}");
    }
    pane.run_argv(2, &["/bin/ls", "/proc/self/fd"], StopPlan::default());
    assert!(matches!(pane.report(), Report::Spawned { .. }));
    pane.ended(2);
    let files = pane.output_of(2);
    // The fourth is the directory that `ls` itself reads.
    assert_eq!(files.split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    pane.close();
}

#[test]
fn the_service_leads_its_own_group_in_the_foreground_of_the_pane() {
    let mut pane = Pane::open();
    let pid = pane.run(
        1,
        "ps -o pid=,pgid=,tpgid=,sid= -p $$; tty; test -t 0 && test -t 1 && test -t 2",
    );
    assert_eq!(pane.ended(1).exit, Exit::Code(0));
    let text = pane.output_of(1);
    let numbers: Vec<u32> = text
        .split_whitespace()
        .take(4)
        .map(|n| n.parse().unwrap())
        .collect();
    assert_eq!(numbers, [pid, pid, pid, pane.shim_pid()]);
    assert!(text.contains("/dev/pts/"), "{text}");
    pane.close();
}

#[test]
fn a_signal_order_reaches_the_whole_group() {
    let mut pane = Pane::open();
    pane.run(1, "trap 'echo outer; exit 4' USR1; (trap 'echo inner; exit' USR1; sh -c 'echo up; exec sleep 60' & wait) & wait; wait");
    // Said by what inherits no trap: a signal ends it, also before it is `sleep`.
    pane.wait_for("up");
    let signal = Signal::from_number(libc::SIGUSR1).unwrap();
    pane.order(&Order::Signal {
        run: RunId(99),
        signal,
    });
    pane.order(&Order::Signal {
        run: RunId(1),
        signal,
    });
    pane.wait_for("inner");
    pane.wait_for("outer");
    assert_eq!(pane.ended_cleanly_or_not(1).exit, Exit::Code(4));
    pane.close();
}

#[test]
fn a_plain_command_is_started_without_its_shell_and_finds_what_a_shell_would_have_given_it() {
    let mut pane = Pane::open();
    let dir = pane.dir.path().canonicalize().unwrap();
    std::fs::create_dir(dir.join("sub")).unwrap();
    // By a path that only holds in the directory entered.
    let script =
        "#!/bin/sh\necho $0 $# \"$1\" $A \"$B\" $PWD $OLDPWD $(pwd) $PORT; cut -d' ' -f4 /proc/$$/stat\n";
    std::fs::write(dir.join("sub/tell"), script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.join("sub/tell"), executable).unwrap();
    let mut launch = pane.launch(&["/bin/sh", "-c", "cd sub && A=$PORT B='b c' ./tell \"x  y\""]);
    launch.cwd.clone_from(&dir);
    let variables = [
        ("PATH", "/usr/bin:/bin"),
        ("PORT", "5000"),
        ("PWD", dir.to_str().unwrap()),
    ];
    launch.env = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    pane.run_launch(1, launch, StopPlan::default());
    assert_eq!(pane.ended(1).exit, Exit::Code(0));
    let (shim, home) = (pane.shim_pid(), dir.display());
    let expected = format!("./tell 1 x  y 5000 b c {home}/sub {home} {home}/sub 5000\r\n{shim}\r\n");
    assert_eq!(pane.output_of(1), expected);
    pane.close();
}

#[test]
fn where_a_plain_commands_program_cannot_be_loaded_its_shell_has_its_way_with_it() {
    let mut pane = Pane::open();
    let script = pane.dir.path().join("names-no-interpreter");
    std::fs::write(&script, "echo $0; exit 7\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for (run, line, code) in [
        (1, "no-such-program-anywhere x", 127),
        (2, "/etc/passwd", 126),
        (3, "cd no-such-directory && /bin/true", 2),
        (4, "./names-no-interpreter", 7),
    ] {
        let launch = pane.launch(&["/bin/sh", "-c", line]);
        pane.run_launch(run, launch, StopPlan::default());
        assert_eq!(pane.ended(run).exit, Exit::Code(code), "{line}");
        let said = pane.output_of(run);
        let word = line.split(' ').find(|word| *word != "cd").unwrap();
        assert!(said.contains(word), "{line}: {said}");
    }
    pane.close();
}
