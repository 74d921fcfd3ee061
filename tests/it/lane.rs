//! Lanes: a busy service's output takes a faster way, and nobody can tell but by the clock.

use crate::harness::{Project, Terminal, processes};
use rustix::process::Signal;
use std::fs;

/// What a service does until the test says go.
const GO: &str = "until [ -e $OUT/go ]; do sleep 0.02; done";

/// What a service does that counts until then, as fast as it can: a pane has its lane at some time while it floods.
/// The next number is `$((n + 1))`.
const COUNT: &str = "n=0; until [ -e $OUT/go ]; do seq $((n + 1)) $((n + 20000)); n=$((n + 20000)); done";

/// To be done with the last number.
const TOTAL: &str = "echo $n > $OUT/total";

fn total(project: &Project) -> u64 {
    project.wait_out("total").parse().unwrap()
}

fn go(project: &Project) {
    fs::write(project.path("out").join("go"), "").expect("the sandbox is ours to write in");
}

/// The numbers that a service printed, in the order in which they came.
fn numbers(console: &Terminal, name: &str) -> Vec<u64> {
    numbers_in(&console.plain(), name)
}

fn numbers_in(text: &str, name: &str) -> Vec<u64> {
    let of_service = text.lines().filter_map(|line| line.split_once('│'));
    of_service
        .filter(|(prefix, _)| prefix.trim() == name)
        .filter_map(|(_, text)| text.trim().parse().ok())
        .collect()
}

/// They are 1 to `last`, each once and in order. On a busy machine a line may be shown unfinished first.
#[track_caller]
fn assert_counted(console: &Terminal, name: &str, last: u64) {
    let mut next: u64 = 1;
    for number in numbers(console, name) {
        if number == next {
            next += 1;
        } else {
            let unfinished = next.to_string().starts_with(&number.to_string());
            assert!(unfinished, "{name} printed {next}, and {number} came");
        }
    }
    assert_eq!(next, last + 1, "{name} is not complete");
}

/// How many panes are piped, by us or by somebody else.
fn piped(project: &Project) -> usize {
    let panes = project.tmux(&["list-panes", "-a", "-F", "#{pane_pipe}"]).stdout;
    panes.lines().filter(|line| *line == "1").count()
}

/// What a person might do in tmux: a copy of the pane's output in `$OUT/mine`.
fn pipe_to_a_file(project: &Project) {
    let copy = format!("exec cat > {}", project.path("out").join("mine").display());
    project.tmux(&["pipe-pane", "-t", "=ovr:=web", &copy]).success();
}

#[track_caller]
fn wait_piped(project: &Project, count: usize) {
    project.wait_until(&format!("{count} lanes"), || piped(project) == count);
}

/// Waits until the counting service's lane is in use. A pane is piped from the first try on, and a try takes some answers
/// of tmux: one that is still there so many numbers later has had them.
fn wait_lane(project: &Project, console: &Terminal) {
    let last = || {
        let end = console.plain_end();
        let whole = end.rfind('\n').map_or("", |at| &end[..at]);
        numbers_in(whole, "web").last().copied().unwrap_or_default()
    };
    loop {
        wait_piped(project, 1);
        let then = last();
        project.wait_until("the service to go on counting", || last() > then + 100_000);
        if piped(project) == 1 {
            return;
        }
    }
}

#[test]
fn a_million_lines_are_complete_and_in_order_and_so_are_the_last_words() {
    let project = Project::with(&format!(
        "web: {COUNT}; seq $((n + 1)) $((n + 1000000)); n=$((n + 1000000)); {TOTAL}; echo last words; exit 3\n\
         worker: sleep 1000\n"
    ));
    let console = project.start_piped(&["--any-can-die"]);
    project.wait_running(["web"]);
    wait_piped(&project, 1);
    assert!(
        project.processes_with(" lane ").is_empty(),
        "a lane costs no process"
    );
    go(&project);
    console.wait_for_output("│ last words\n");
    console.wait_for_output("code 3");
    assert_counted(&console, "web", total(&project));
    let text = console.plain();
    assert!(text.find("│ last words") < text.find("code 3"));
}

#[test]
fn a_lane_is_the_panes_and_outlives_a_run() {
    // It prints until the lane is there, however long that takes.
    let project = Project::with(
        "web: while :; do seq 100000; [ -e $OUT/enough ] && break; done; echo the end; exit 3\n\
         worker: sleep 1000\n",
    );
    let enough = project.path("out").join("enough");
    let console = project.start_piped(&["--any-can-die"]);
    project.wait_running(["worker"]);
    for run in 1..=3 {
        wait_piped(&project, 1);
        fs::write(&enough, "").unwrap();
        project.wait_until("the last words", || console.count("│ the end\n") == run);
        wait_piped(&project, 1);
        fs::remove_file(&enough).unwrap();
        if run < 3 {
            project.ovr(&["restart", "web"]).success();
        }
    }
    let (mut counted, mut next) = (0, 1);
    let printed = numbers(&console, "web");
    for &number in &printed {
        // On a busy machine a line may be shown unfinished first.
        if number == next {
            next = number % 100_000 + 1;
            counted += usize::from(number == 100_000);
        }
    }
    let begun = printed.iter().filter(|number| **number == 100_000).count();
    assert!(
        counted >= 3 && counted == begun,
        "{counted} of {begun}, then {next}"
    );
}

#[test]
fn several_floods_at_once_are_each_complete() {
    let project = Project::with_many(3, |n| {
        format!("until [ -e $OUT/go ]; do sleep 0.02; done; seq 400000; echo end of {n}; exec sleep 1000")
    });
    let console = project.start_piped(&[]);
    project.wait_running(["s0", "s1", "s2"]);
    go(&project);
    for n in 0..3 {
        console.wait_for_output(&format!("│ end of {n}\n"));
    }
    for n in 0..3 {
        assert_counted(&console, &format!("s{n}"), 400_000);
    }
    assert!(
        piped(&project) > 0,
        "at least the last one had the stream to itself"
    );
}

#[test]
fn a_quiet_session_has_no_lane() {
    let project = Project::with("web: seq 1000; exec sleep 1000\n");
    let console = project.start_piped(&[]);
    console.wait_for_output("│ 1000\n");
    assert_eq!(piped(&project), 0);
    let runtime = project.status().session.runtime_dir;
    assert!(!fs::exists(format!("{runtime}/lane.sock")).unwrap());
}

#[test]
fn a_session_answers_while_its_services_flood() {
    let project = Project::with(
        "web: while :; do seq 100000; done\nquiet: until [ -e $OUT/go ]; do sleep 0.02; done; echo heard; sleep 1000\n",
    );
    project.start_detached(&[]);
    project.wait_running(["web", "quiet"]);
    wait_piped(&project, 1);
    let echo = project.cmd(&["echo", "quiet"]).piped();
    go(&project);
    echo.wait_for_output("│ heard\n");
    project.ovr(&["restart", "quiet"]).success();
    project.ovr(&["stop", "web"]).success();
}

#[test]
fn after_kill_9_of_the_controller_a_flooding_service_runs_on_and_is_adopted() {
    let project = Project::with(
        "web: until [ -e $OUT/go ]; do seq 20000; date +%N > $OUT/beat; done; echo behind it all; exec sleep 1000\n",
    );
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    wait_piped(&project, 1);
    let controller = project.status().session.pid;
    processes::kill(controller, Signal::KILL);
    project.wait_until("the controller to be gone", || !processes::is_alive(controller));
    let beat = project.out("beat");
    project.wait_until("the service to go on", || project.out("beat") != beat);
    project.start_detached(&[]);
    assert_eq!(project.wait_running(["web"]), [web]);
    wait_piped(&project, 1);
    let echo = project.cmd(&["echo"]).piped();
    go(&project);
    echo.wait_for_output("│ behind it all\n");
}

#[test]
fn a_session_that_is_suspended_during_a_flood_blocks_nobody_and_shows_the_end() {
    let project = Project::with(
        "web: until [ -e $OUT/go ]; do seq 20000; done; seq 300000; echo behind it all; touch $OUT/done; exec sleep 1000\n",
    );
    let call = project.shell();
    call.type_keys("ovr start > $OUT/console 2>&1\r");
    project.wait_until("the session", || project.try_status().is_some());
    project.wait_running(["web"]);
    wait_piped(&project, 1);
    call.type_keys("\x1a");
    call.wait_for_output("Stopped");
    go(&project);
    project.wait_until("the service to finish", || {
        project.path("out").join("done").exists()
    });
    call.type_keys("fg\r");
    project.wait_until("the end to be shown", || {
        project.out("console").contains("│ behind it all\n")
    });
    call.ctrl_c();
    project.wait_until("the session to be over", || project.try_status().is_none());
    call.type_keys("exit 0\r");
    call.wait_exit();
}

#[test]
fn a_controller_that_was_stopped_during_a_flood_holds_nobody_up_and_misses_nothing() {
    let project = Project::with(&format!(
        "web: {COUNT}; head -c 29970000 /dev/zero | tr '\\0' x | fold -w 999; touch $OUT/done; echo; echo the end; exec sleep 1000\n"
    ));
    let console = project.start_piped(&[]);
    project.wait_running(["web"]);
    wait_lane(&project, &console);
    console.signal(Signal::STOP);
    go(&project);
    project.wait_until("the service to finish", || {
        project.path("out").join("done").exists()
    });
    console.signal(Signal::CONT);
    console.wait_for_output("│ the end\n");
    let line = "x".repeat(999);
    assert_eq!(console.count(&line), 30_000);
}

#[test]
fn a_persons_own_pipe_is_left_alone() {
    let project = Project::with(&format!("web: {GO}; seq 300000; echo the end; exec sleep 1000\n"));
    let console = project.start_piped(&[]);
    project.wait_running(["web"]);
    pipe_to_a_file(&project);
    go(&project);
    console.wait_for_output("│ the end\n");
    assert_counted(&console, "web", 300_000);
    project.wait_until("the person's copy", || project.out("mine").contains("the end"));
    assert_eq!(project.out("mine").lines().count(), 300_001);
}

#[test]
fn a_person_who_pipes_a_pane_takes_its_lane_and_the_output_goes_on() {
    let project = Project::with(&format!(
        "web: {COUNT}; {TOTAL}; until [ -e $OUT/end ]; do sleep 0.02; done; echo the end; exec sleep 1000\n"
    ));
    let console = project.start_piped(&[]);
    project.wait_running(["web"]);
    wait_piped(&project, 1);
    go(&project);
    let total = total(&project);
    console.wait_for_output(&format!("│ {total}\n"));
    pipe_to_a_file(&project);
    fs::write(project.path("out").join("end"), "").unwrap();
    console.wait_for_output("│ the end\n");
    project.wait_until("the person's copy", || project.out("mine").contains("the end"));
    assert_counted(&console, "web", total);
}

#[test]
fn a_helper_that_cannot_run_costs_no_line() {
    // The session's program is removed while it runs, as an upgrade does.
    let project = Project::with(&format!("web: {GO}; seq 300000; echo the end; exec sleep 1000\n"));
    let copy = project.path("bin").join("ovr-copy");
    fs::copy(crate::harness::program(), &copy).unwrap();
    let console = project.cmd(&["start"]).program(copy.to_str().unwrap()).piped();
    project.wait_running(["web"]);
    fs::remove_file(&copy).unwrap();
    go(&project);
    console.wait_for_output("│ the end\n");
    assert_counted(&console, "web", 300_000);
}
