//! A tmux that is cut short while it comes up: by the end of its client, or of the controller that started it. How
//! windows are opened when nothing goes wrong is `opening.rs`.

use crate::harness::{Project, processes};
use rustix::process::Signal;
use std::fs;
use std::path::Path;

/// tmux knows nothing of the test's variables, and the script has the socket's path alone.
const BEGINS: &str = "#!/bin/sh\nOUT=${2%/run/*}/out\n";

/// Only what is done when a server is started for the first time, by a script that has its arguments.
fn odd_at_first(steps: &str) -> String {
    format!(
        "{BEGINS}\
         case \" $* \" in *' -C new-session '*)\n\
             if mkdir $OUT/first 2>/dev/null; then\n\
                 {steps}\n\
                 exit\n\
             fi;;\n\
         esac\n\
         exec tmux \"$@\"\n"
    )
}

/// Each runs, as from the start, in the one pane that it has.
fn is_whole(project: &Project, names: &[&str]) {
    for name in names {
        project.wait_running([name]);
        assert_eq!(project.service(name).restarts, 0, "{name}");
    }
    project.wait_until("each service, and nothing else, to have a pane", || {
        let panes = project.tmux(&["list-panes", "-a", "-F", "#{window_name}"]);
        let mut found: Vec<_> = panes.stdout.lines().collect();
        found.sort_unstable();
        found == names
    });
}

#[test]
fn a_tmux_whose_client_is_killed_while_it_starts_is_not_left_behind() {
    // It neither hears what it is asked nor is heard.
    let steps = "\
        case \" $* \" in *' -C new-session '*)\n\
            mkfifo $OUT/in\n\
            exec 3<>$OUT/in\n\
            tmux \"$@\" <&3 >/dev/null &\n\
            until [ -S \"$2\" ]; do sleep 0.001; done\n\
            kill -9 $!\n\
            exit 1;;\n\
        esac\n\
        exec tmux \"$@\"\n";
    let project = Project::with("web: sleep 1000\n")
        .script("odd-tmux", &format!("{BEGINS}{steps}"))
        .env("OVR_TMUX", "odd-tmux");
    project.ovr(&["start"]).code(72).says(&["tmux did not come up"]);
    project.wait_gone();
}

#[test]
fn a_client_that_is_killed_when_its_session_is_there_ends_nothing() {
    // It says that the session is there, and never hears what it is asked.
    let steps = "mkfifo $OUT/in $OUT/said\n\
        tmux \"$@\" <>$OUT/in >$OUT/said &\n\
        while IFS= read -r line; do\n\
            printf '%s\\n' \"$line\"\n\
            case $line in %end*) kill -9 $!; break;; esac\n\
        done <$OUT/said";
    let names = ["api", "web", "worker"];
    let project = Project::with("web: exec sleep 1000\napi: exec sleep 1000\nworker: exec sleep 1000\n")
        .script("odd-tmux", &odd_at_first(steps))
        .env("OVR_TMUX", "odd-tmux");
    project.start_detached(&[]);
    is_whole(&project, &names);
}

/// How many have this file open.
fn holders(file: &Path) -> usize {
    let is_it = |link: &fs::DirEntry| fs::read_link(link.path()).is_ok_and(|to| to == file);
    let has_it = |process: &processes::Process| {
        let open = fs::read_dir(format!("/proc/{}/fd", process.pid));
        open.into_iter().flatten().flatten().any(|link| is_it(&link))
    };
    processes::all().iter().filter(|process| has_it(process)).count()
}

#[test]
fn a_start_waits_for_the_tmux_that_a_killed_controller_was_starting() {
    // It starts elsewhere, so that it has a session and cannot be reached, as one that is about to be.
    let steps = "socket=$2; shift 2\n\
        (\n\
            exec 9>\"$socket.lock\" 2>/dev/null; flock 9\n\
            tmux -S \"$socket.new\" \"$@\" </dev/null >/dev/null 9>&-\n\
            mkfifo $OUT/go; echo \"$socket.lock\" >$OUT/lock; read -r go <$OUT/go\n\
            mv \"$socket.new\" \"$socket\"; rm \"$socket.lock\"\n\
        ) >/dev/null 2>&1 &\n\
        exec sleep 1000";
    let names = ["api", "web"];
    let project = Project::with("web: exec sleep 1000\napi: exec sleep 1000\n")
        .script("odd-tmux", &odd_at_first(steps))
        .env("OVR_TMUX", "odd-tmux");
    let killed = project.start(&[]);
    let lock = project.wait_out("lock");
    let lock = Path::new(&lock);
    killed.signal(Signal::KILL);
    killed.wait_exit();
    let before = holders(lock);
    let next = project.start(&[]);
    project.wait_until("the next start to wait", || holders(lock) > before);
    fs::write(project.path("out").join("go"), "\n").unwrap();
    is_whole(&project, &names);
    next.ctrl_c();
    assert_eq!(next.wait_exit(), 130);
}

#[test]
fn a_tmux_that_ends_as_soon_as_it_is_started_is_not_started_for_ever() {
    // It is gone with the first answer to what it is asked.
    let script = format!(
        "{BEGINS}\
         case \" $* \" in *' -C new-session '*)\n\
             echo started >>$OUT/starts\n\
             mkfifo $OUT/in.$$ $OUT/said.$$\n\
             exec 3<&0\n\
             cat <&3 >$OUT/in.$$ &\n\
             tmux \"$@\" <$OUT/in.$$ >$OUT/said.$$ &\n\
             while IFS= read -r line; do\n\
                 printf '%s\\n' \"$line\"\n\
                 case $line in '%end '*' 1') tmux -S \"$2\" kill-server;; esac\n\
             done <$OUT/said.$$\n\
             exit;;\n\
         esac\n\
         exec tmux \"$@\"\n"
    );
    let project = Project::with("web: exec sleep 1000\napi: exec sleep 1000\n")
        .script("odd-tmux", &script)
        .env("OVR_TMUX", "odd-tmux");
    let start = project.start_piped(&[]);
    assert_ne!(start.wait_exit(), 0);
    let said = start.plain();
    assert!(said.contains("it ends as soon as it is started"), "{said}");
    assert!(project.out("starts").lines().count() >= 6);
    project.wait_gone();
}
