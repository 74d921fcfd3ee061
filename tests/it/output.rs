//! What services print: every line, the last ones too, on the console and to followers, whatever the bytes.

use crate::harness::wait::stays_true_for;
use crate::harness::{Project, Terminal, processes};
use ovr::model::StateWord;
use rustix::process::Signal;
use std::time::Duration;

/// The console's lines of one service, without their prefix.
fn lines_of(console: &Terminal, name: &str) -> Vec<String> {
    console
        .plain()
        .lines()
        .filter_map(|line| {
            let (prefix, text) = line.split_once('│')?;
            (prefix.trim() == name).then(|| text.strip_prefix(' ').unwrap_or(text).to_owned())
        })
        .collect()
}

/// How many lines the marks in a follower's text speak of.
pub(crate) fn dropped(text: &str) -> usize {
    let marks = text
        .lines()
        .filter_map(|line| line.split_once("… ")?.1.split_once(" lines dropped"));
    marks
        .map(|(count, _)| count.parse::<usize>().expect("a mark has a number"))
        .sum()
}

#[test]
fn lines_are_aligned_behind_their_services_names() {
    let project = Project::with("web: echo from web; sleep 1000\nworker: echo from worker; sleep 1000\n");
    let console = project.start_piped(&[]);
    console.wait_for_output("web    │ from web\n");
    console.wait_for_output("worker │ from worker\n");
}

#[test]
fn the_first_line_is_always_there() {
    let project = Project::with_many(20, |n| format!("echo first of {n}; exec sleep 1000"));
    let console = project.start_piped(&[]);
    for n in 0..20 {
        console.wait_for_output(&format!("│ first of {n}\n"));
    }
}

#[test]
fn three_hundred_thousand_lines_and_the_last_words_arrive_before_the_code() {
    let project = Project::with("web: seq 300000; echo last words; exit 3\nworker: sleep 1000\n");
    let console = project.start_piped(&[]);
    assert_eq!(console.wait_exit(), 3);
    let lines = lines_of(&console, "web");
    let numbers: Vec<&String> = lines.iter().filter(|line| line.parse::<u32>().is_ok()).collect();
    // The summary repeats the last twenty; the stream itself comes first and whole.
    for (expected, line) in (1..=300_000).zip(&numbers) {
        assert_eq!(**line, expected.to_string());
    }
    let text = console.plain();
    let (words, code) = (text.find("│ last words"), text.rfind("code 3"));
    assert!(words.is_some() && words < code, "{}", &text[text.len() - 2000..]);
}

#[test]
fn ten_thousand_lines_then_the_end_are_complete_again_and_again() {
    let project = Project::with("web: seq 10000; echo end of $$\nworker: sleep 1000\n");
    let console = project.start_piped(&["--any-can-die"]);
    for run in 1..=8 {
        project.wait_until(&format!("run {run} to be over"), || {
            lines_of(&console, "web")
                .iter()
                .filter(|line| line.starts_with("end of"))
                .count()
                == run
        });
        let count = lines_of(&console, "web")
            .iter()
            .filter(|line| line.parse::<u32>().is_ok())
            .count();
        assert_eq!(count, run * 10_000);
        project.ovr(&["restart", "web"]);
    }
}

#[test]
fn text_without_a_newline_at_the_end_is_shown() {
    let project = Project::with("web: printf 'no newline'; exit 3\n");
    let console = project.start_piped(&[]);
    assert_eq!(console.wait_exit(), 3);
    assert!(console.plain().contains("│ no newline"), "{}", console.plain());
}

#[test]
fn an_unfinished_line_appears_while_the_service_waits() {
    let project = Project::with("ask: asker\n");
    let console = project.start(&[]);
    console.wait_for_output("│ continue?");
    console.wait_for_output("waits for input · ovr connect ask");
    let ask = project.wait_service("ask", "to wait for input", |service| service.waits_for_input);
    assert_eq!(ask.last_line.as_deref().map(str::trim), Some("continue?"));
    assert!(ask.needs_attention);
    project
        .ovr(&["status"])
        .answered()
        .says(&["continue?", "ovr connect ask"]);
}

#[test]
fn a_file_gets_whole_lines_and_hears_of_a_prompt() {
    let project = Project::with(
        "web: printf 'first half'; until [ -e $OUT/go ]; do sleep 0.02; done; echo ' and second'; sleep 1000\n",
    );
    let console = project.start_piped(&[]);
    console.wait_for_output("web │ waits for input: \"first half\" · ovr connect web\n");
    std::fs::write(project.path("out").join("go"), "").unwrap();
    console.wait_for_output("web │ first half and second\n");
}

#[test]
fn a_line_of_fifty_megabytes_stalls_nobody_and_is_marked_where_it_was_cut() {
    let project =
        Project::with("web: head -c 50000000 /dev/zero | tr '\\0' x; echo; echo after it; sleep 1000\n");
    let console = project.start_piped(&[]);
    console.wait_for_output("│ after it");
    let cut = lines_of(&console, "web")
        .into_iter()
        .find(|line| line.starts_with("xxx"));
    assert!(cut.is_some_and(|line| line.ends_with("bytes more)") && line.len() < 1 << 17));
    let controller = project.status().session.pid;
    let resident = processes::resident_kib(controller).unwrap();
    assert!(resident < 80_000, "{resident} KiB");
}

#[test]
fn bytes_that_are_no_text_stop_nothing() {
    let project = Project::with(
        "web: printf 'a\\000b\\377\\376c\\303'; printf '\\251 d\\n'; head -c 100000 /dev/urandom; echo; echo \"\"; echo after it; sleep 1000\n",
    );
    let console = project.start_piped(&[]);
    console.wait_for_output("│ after it");
    assert!(
        console.plain().contains("é d"),
        "a character that arrives in two pieces is one"
    );
    project.ovr(&["status", "--json"]).answered().json();
}

#[test]
fn a_long_line_stays_one_line_on_any_terminal() {
    let long = "0123456789".repeat(30);
    let project = Project::with(&format!("web: echo {long}; sleep 1000\n"));
    let console = project.cmd(&["start"]).size(24, 40).terminal();
    console.wait_for_output(&format!("│ {long}\n"));
}

#[test]
fn colours_are_kept_within_their_line_and_all_else_is_filtered() {
    let project = Project::with(
        "web: printf '\\033[31mred\\nstill\\033[0m plain\\033[2J\\033[H\\033]0;title\\007\\n'; printf '10%%\\r50%%\\r100%%\\n'; sleep 1000\n",
    );
    let console = project.start(&[]);
    console.wait_for_output("still plain");
    console.wait_for_output("100%");
    let raw = String::from_utf8_lossy(&console.raw()).into_owned();
    // Behind the table of the start, which shows the command as it is written.
    let raw = raw.split_once("Ctrl-C").unwrap().1;
    for filtered in ["\x1b[2J", "\x1b[H", "title"] {
        assert!(!raw.contains(filtered), "{raw:?}");
    }
    let red = raw.lines().find(|line| line.contains("red")).unwrap();
    assert!(red.contains("\x1b[31m"), "{red:?}");
    assert!(
        red.trim_end().ends_with("\x1b[0m") || red.trim_end().ends_with("\x1b[m"),
        "{red:?}"
    );
    let still = raw.lines().find(|line| line.contains("still")).unwrap();
    assert!(still.contains("31m"), "the colour goes on: {still:?}");
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let coloured = |text: &[u8]| text.contains(&0x1b);
    for (name, value, tty, expected) in [
        ("X", "1", false, false),
        ("X", "1", true, true),
        ("NO_COLOR", "1", true, false),
        ("CLICOLOR_FORCE", "1", false, true),
    ] {
        let project = Project::with("web: printf '\\033[32mgreen\\033[0m\\n'; sleep 1000\n").env(name, value);
        let call = project.cmd(&["start"]);
        let console = if tty { call.terminal() } else { call.piped() };
        console.wait_for_output("│ green");
        let raw = console.raw();
        let line = raw
            .split(|byte| *byte == b'\n')
            .find(|line| line.windows(5).any(|w| w == b"green"));
        assert_eq!(coloured(line.unwrap()), expected, "{name}={value} tty {tty}");
    }
}

#[test]
fn timestamps_begin_each_line_when_asked_for() {
    let project = Project::with("web: echo hello; sleep 1000\n");
    let console = project.start_piped(&["-T"]);
    console.wait_for_output("│ hello");
    let text = console.plain();
    let line = text.lines().find(|line| line.contains("│ hello")).unwrap();
    assert!(
        line.starts_with(|c: char| c.is_ascii_digit()) && line.contains(':'),
        "{line}"
    );
}

#[test]
fn a_console_that_nobody_reads_delays_no_service() {
    let project =
        Project::with("web: yes \"$(seq -s- 60)\" | head -c 30000000; touch $OUT/done; sleep 1000\n");
    let console = project.cmd(&["start"]).blind().terminal();
    console.stop_reading();
    project.wait_until("the service to finish", || {
        project.path("out").join("done").exists()
    });
    project.ovr(&["status"]).answered();
    console.go_on_reading();
    console.ctrl_c();
    assert_eq!(console.wait_exit(), 130);
}

#[test]
fn a_stopped_follower_delays_nobody_and_is_told_what_it_missed() {
    let project = Project::with(
        "web: echo begun; until [ -e $OUT/go ]; do sleep 0.02; done; seq 1000000; echo all said; touch $OUT/done; sleep 1000\n",
    );
    project.start_detached(&[]);
    project.wait_running(["web"]);
    let (slow, quick) = (project.cmd(&["echo"]).piped(), project.cmd(&["echo"]).piped());
    for follower in [&slow, &quick] {
        follower.wait_for_output("│ begun");
    }
    slow.signal(Signal::STOP);
    std::fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_until("the service to finish", || {
        project.path("out").join("done").exists()
    });
    quick.wait_for_output("│ all said");
    slow.signal(Signal::CONT);
    slow.wait_for_output("│ all said");
    let (shown, missed) = (lines_of(&slow, "web").len(), dropped(&slow.plain()));
    assert!(
        missed > 0 && shown + missed >= 1_000_001,
        "{shown} shown, {missed} missed"
    );
    // Nor does one that is stopped keep the session from its end.
    slow.signal(Signal::STOP);
    project.ovr(&["quit"]).success();
    quick.wait_exit();
    slow.signal(Signal::CONT);
    slow.wait_exit();
}

#[test]
fn echo_begins_with_the_last_lines_and_then_follows() {
    let project =
        Project::with("web: seq 150; until [ -e $OUT/go ]; do sleep 0.02; done; echo and more; sleep 1000\n");
    project.start_detached(&[]);
    project.wait_service("web", "to have counted", |service| {
        service.last_line.as_deref() == Some("150")
    });
    let echo = project.cmd(&["echo"]).piped();
    let few = project.cmd(&["echo", "-n", "3"]).piped();
    echo.wait_for_output("│ 150\n");
    few.wait_for_output("│ 150\n");
    std::fs::write(project.path("out").join("go"), "").unwrap();
    echo.wait_for_output("│ and more\n");
    few.wait_for_output("│ and more\n");
    let numbers = |text: &str| {
        text.lines()
            .filter(|line| line.rsplit(' ').next().is_some_and(|w| w.parse::<u32>().is_ok()))
            .count()
    };
    assert_eq!(numbers(&few.plain()), 3, "{}", few.plain());
    assert!((90..=100).contains(&numbers(&echo.plain())), "{}", echo.plain());
    project.ovr(&["quit"]).success();
    echo.wait_exit();
}

#[test]
fn ctrl_c_on_a_follower_ends_the_follower_only() {
    let project = Project::with("web: echo hello; sleep 1000\n");
    project.start_detached(&[]);
    let echo = project.cmd(&["echo"]).terminal();
    echo.wait_for_output("│ hello");
    echo.ctrl_c();
    echo.wait_exit();
    project.wait_running(["web"]);
}

#[test]
fn a_suspended_session_goes_on_and_shows_the_rest_when_it_is_back() {
    let project = Project::with(
        "web: echo before; until [ -e $OUT/go ]; do sleep 0.02; done; seq 100000; echo behind it all; touch $OUT/done; sleep 1000\n",
    );
    let shell = project.shell();
    shell.type_keys("ovr start\r");
    shell.wait_for_output("│ before");
    shell.type_keys("\x1a");
    shell.wait_for_output("Stopped");
    std::fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_until("the service to finish", || {
        project.path("out").join("done").exists()
    });
    shell.type_keys("fg\r");
    shell.wait_for_output("│ behind it all");
    shell.ctrl_c();
    project.wait_until("the session to be over", || project.try_status().is_none());
    shell.type_keys("exit 0\r");
    shell.wait_exit();
}

#[test]
fn a_controller_that_was_stopped_goes_on_where_it_was() {
    let project = Project::with(
        "web: until [ -e $OUT/go ]; do sleep 0.02; done; yes \"$(seq -s- 60)\" | head -c 30000000; touch $OUT/done; sleep 1000\n",
    );
    project.start_detached(&[]);
    project.wait_running(["web"]);
    let controller = project.status().session.pid;
    processes::kill(controller, Signal::STOP);
    std::fs::write(project.path("out").join("go"), "").unwrap();
    processes::kill(controller, Signal::CONT);
    project.wait_until("the service to finish", || {
        project.path("out").join("done").exists()
    });
}

#[test]
fn the_last_line_of_a_dead_service_is_in_its_status() {
    let project = Project::with("web: echo one; echo \"KeyError: 'user'\"; exit 3\nworker: sleep 1000\n")
        .on_free_ports();
    project.ovr(&["start", "-D", "--any-can-die"]);
    // What it printed may still be on its way through tmux when it is known to have ended.
    project.wait_service("web", "to have said its last", |service| {
        service.last_line.as_deref() == Some("KeyError: 'user'")
    });
    project.wait_state("web", StateWord::Failed);
    project
        .ovr(&["status"])
        .answered()
        .says(&["KeyError: 'user'", "3"]);
    let view = project.connect("web");
    view.wait_for_screen_text("KeyError: 'user'");
}

#[test]
fn output_is_not_held_back() {
    let project = Project::with("web: echo one; sleep 0.1; echo two; sleep 1000\n");
    let console = project.start_piped(&[]);
    console.wait_for_output("│ two\n");
    assert!(stays_true_for(Duration::from_millis(50), || !console.has_ended()));
}
