//! Taking in a scrollback: what of it is new, whose it is, and what is a note.

use super::{News, Screen, Taken, news, shown_of_each, take_in};
use crate::logs::Hub;
use crate::model::{InstanceId, Moment, RunId};

fn lines(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn only_what_follows_the_known_lines_is_new() {
    assert_eq!(
        news(&lines("a b c d"), &lines("a b")),
        News { from: 2, gap: false }
    );
    assert_eq!(news(&lines("a b"), &lines("a b")), News { from: 2, gap: false });
    assert_eq!(
        news(&lines("tick tick tick"), &lines("tick tick")),
        News { from: 3, gap: false }
    );
}

#[test]
fn tabs_are_known_again_as_the_blanks_they_are_on_the_screen() {
    let (captured, known) = (["a       b".to_owned()], ["a\tb".to_owned()]);
    assert_eq!(news(&captured, &known).from, 1);
}

#[test]
fn notes_and_the_line_breaks_before_them_are_left_out_and_tell_the_runs_apart() {
    // tmux says a style where it changes, however many lines it holds for.
    let scrollback = "a\n\n\x1b[2mweb exited with code 3 after 0.1 s · Enter restarts it\n\n\
                      web stopped · Enter starts it\n\x1b[0m\x1b[31mb\nc\n\n\
                      \x1b[2m\x1b[39mweb exited with code 0 after 1 s · Enter restarts it\n";
    let lines = ["a", "\x1b[31mb\x1b[0m", "\x1b[31mc\x1b[0m"].map(|line| line.as_bytes().to_vec());
    for (runs, earlier) in [(false, 1), (true, 3)] {
        let lines = lines.to_vec();
        let screen = Screen::read(scrollback.as_bytes(), runs);
        assert_eq!(screen, Screen { lines, earlier });
    }
}

const WEB: InstanceId = InstanceId(0);
const NOTE: &str = "\x1b[2mweb stopped · Enter starts it";

/// What is known of web when this has been taken in, of its run 2, which has begun unseen unless `begun`.
fn taken_in(
    before: &str,
    (begun, runs): (bool, bool),
    open_at: Option<u16>,
    scrollback: &str,
) -> (Vec<String>, Hub) {
    let mut hub = Hub::new(1, None);
    hub.set_run(WEB, RunId(2));
    if begun {
        hub.remember_begin(WEB, RunId(2));
    }
    hub.feed(Moment::START, 0, WEB, before.as_bytes());
    let taken = Taken {
        now: Moment::START,
        at_ms: 0,
        instance: WEB,
        open_at,
        run: Some(RunId(2)),
        runs,
        found: None,
    };
    take_in(&mut hub, taken, scrollback.as_bytes());
    (hub.last_lines(WEB, 9), hub)
}

#[test]
fn a_line_that_was_begun_before_is_not_begun_again() {
    for (scrollback, lines) in [
        ("up\ncontinue?", &["up", "continue? "][..]),
        ("up\ncontinue? yes", &["up", "continue? yes"]),
        ("up\ncontinue?\ncontinue?", &["up", "continue? ", "continue?"]),
        ("up\nelse", &["up", "continue? ", "else"]),
    ] {
        let scrollback = format!("{scrollback}\n{NOTE}\n");
        let (found, hub) = taken_in("up\ncontinue? ", (true, false), None, &scrollback);
        assert_eq!(found, lines, "{scrollback}");
        assert_eq!(hub.open_line(WEB), None);
    }
    for (scrollback, open, lines) in [
        ("up\ncontinue?", "continue? ", &["up"][..]),
        ("up\ncontinue? yes", "continue? yes", &["up"]),
        (
            "up\ncontinue? no\ncontinue?",
            "continue? ",
            &["up", "continue? no"],
        ),
        ("up\ncontinue?\ncontinue?", "continue? ", &["up", "continue? "]),
    ] {
        let column = u16::try_from(open.len()).unwrap();
        let (found, hub) = taken_in("up\ncontinue? ", (true, true), Some(column), scrollback);
        assert_eq!(hub.open_line(WEB).as_deref(), Some(open), "{scrollback}");
        assert_eq!(found, lines, "{scrollback}");
    }
}

#[test]
fn what_stands_before_the_last_runs_note_is_of_the_run_before() {
    let scrollback = format!("one\n{NOTE}\ntwo\n{NOTE}\n");
    for (begun, of_last) in [(false, &["two"][..]), (true, &["one", "two"])] {
        let (_, hub) = taken_in("", (begun, false), None, &scrollback);
        assert_eq!(hub.last_lines_of_run(WEB, RunId(2), 9), of_last);
    }
    let (_, hub) = taken_in("", (false, true), None, &scrollback);
    assert_eq!(hub.last_lines_of_run(WEB, RunId(1), 9), ["one", "two"]);
}

#[test]
fn what_an_earlier_controller_had_is_shown_by_its_end() {
    assert_eq!([1, 4, 8, 40, 500].map(shown_of_each), [100, 100, 50, 10, 10]);
}

#[test]
fn without_known_lines_everything_is_new() {
    assert_eq!(news(&lines("a b"), &[]), News { from: 0, gap: false });
    assert_eq!(news(&[], &lines("a")), News { from: 0, gap: false });
}

#[test]
fn a_scrollback_that_has_moved_on_is_all_new_and_says_that_lines_are_missing() {
    assert_eq!(news(&lines("x y"), &lines("a b")), News { from: 0, gap: true });
}

#[test]
fn a_scrollback_that_begins_among_the_known_lines_still_fits() {
    assert_eq!(news(&lines("b c"), &lines("a b")), News { from: 1, gap: false });
}
