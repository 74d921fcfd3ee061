//! Tests of the hub: what the console, the rings, the followers and the events get of the same bytes.

use super::hub::{Hub, StreamEvent};
use crate::logs::{
    ColorChoice, Delivery, Filter, Label, Palette, RecordKind, RenderOptions, Renderer, TimeZone, Tone,
};
use crate::model::mark::Mark;
use crate::model::{InstanceId, Moment, RunId};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const WEB: InstanceId = InstanceId(0);
const ASK: InstanceId = InstanceId(1);
const NONCE: &str = "0011223344556677";

fn hub() -> Hub {
    let labels = ["web", "ask"].map(|name| Label {
        name: name.into(),
        position: 0,
    });
    let options = RenderOptions {
        open_lines: true,
        color: ColorChoice::Off,
        timestamps: false,
        zone: TimeZone::UTC,
        palette: Palette::default(),
    };
    let mut hub = Hub::new(2, Some(Renderer::new(&labels, options)));
    hub.set_nonce(WEB, NONCE.into());
    hub.set_nonce(ASK, NONCE.into());
    hub
}

fn feed(hub: &mut Hub, at_ms: u64, instance: InstanceId, text: &str) {
    hub.feed(Moment::from_millis(at_ms), at_ms, instance, text.as_bytes());
}

fn console(hub: &mut Hub) -> String {
    let mut text = Vec::new();
    hub.flush(|rendered| text.extend_from_slice(rendered));
    String::from_utf8(text).unwrap()
}

fn mark(mark: Mark) -> String {
    String::from_utf8(mark.encode(NONCE)).unwrap()
}

#[test]
fn progress_is_shown_and_waits_for_nobody() {
    let mut hub = hub();
    feed(&mut hub, 0, WEB, "10%\r");
    hub.on_deadline(Moment::from_millis(200), 200);
    assert_eq!(console(&mut hub), "web │ 10%\n");
    feed(&mut hub, 300, WEB, "\r\x1b[K\x1b[1m100%\x1b[m\r");
    assert_eq!((hub.take_events(), hub.waits_for_input(WEB)), (vec![], None));
    // The same text with the cursor behind it is a prompt.
    feed(&mut hub, 400, WEB, "\r100%");
    hub.on_deadline(Moment::from_millis(2000), 2000);
    assert_eq!(hub.waits_for_input(WEB), Some("100%"));
}

#[test]
fn a_prompt_is_shown_waits_for_input_and_goes_on_after_the_answer() {
    let mut hub = hub();
    feed(&mut hub, 0, ASK, "\x1b[1mcontinue? \x1b[0m");
    assert_eq!(console(&mut hub), "");
    assert_eq!(hub.next_deadline(), Some(Moment::from_millis(200)));
    hub.on_deadline(Moment::from_millis(200), 200);
    assert_eq!(console(&mut hub), "ask │ continue? \n");
    assert_eq!(hub.waits_for_input(ASK), Some("continue? "));
    assert_eq!(hub.last_line(ASK).unwrap(), "continue? ");
    assert_eq!(
        hub.take_events(),
        [(ASK, StreamEvent::WaitsForInput { again: false })]
    );
    let open: Vec<_> = hub.backlog(&Filter::All, 9).iter().map(|r| r.kind).collect();
    assert_eq!(open, [RecordKind::Open]);
    feed(&mut hub, 900, ASK, "yes\r\n");
    assert_eq!(console(&mut hub), "ask │ … yes\n");
    assert_eq!(hub.waits_for_input(ASK), None);
    assert_eq!(hub.last_line(ASK).unwrap(), "continue? yes");
    assert_eq!(hub.take_events(), [(ASK, StreamEvent::WaitsNoLonger)]);
    assert_eq!(hub.next_deadline(), None);
}

#[test]
fn the_last_words_of_a_run_stand_before_what_is_said_about_its_end() {
    let mut hub = hub();
    feed(&mut hub, 0, WEB, &mark(Mark::RunBegins(RunId(1))));
    feed(&mut hub, 0, WEB, "up\r\n\x1b[31mKeyError");
    feed(&mut hub, 0, WEB, &mark(Mark::RunEnds(RunId(1))));
    let events = hub.take_events();
    let expected = [Mark::RunBegins(RunId(1)), Mark::RunEnds(RunId(1))];
    assert_eq!(events, expected.map(|mark| (WEB, StreamEvent::Mark(mark))));
    hub.say(1, WEB, Tone::Alarm, "exited with code 3");
    assert_eq!(
        console(&mut hub),
        "web │ up\nweb │ KeyError\nweb │ exited with code 3\n"
    );
    assert_eq!(hub.last_lines_of_run(WEB, RunId(1), 20), ["up", "KeyError"]);
    assert_eq!(hub.last_line(WEB).unwrap(), "KeyError");
}

#[test]
fn a_backlog_is_merged_by_time_and_goes_before_what_comes() {
    let mut hub = hub();
    for number in 0..5 {
        feed(&mut hub, number, WEB, &format!("web {number}\n"));
        feed(&mut hub, number, ASK, &format!("ask {number}\n"));
    }
    let mut follower = hub.follow(Filter::All, 3);
    feed(&mut hub, 9, WEB, "new\n");
    hub.flush(|_| {});
    let mut texts = Vec::new();
    while let Poll::Ready(Some(Delivery::Records(batch))) =
        pin!(follower.next()).poll(&mut Context::from_waker(Waker::noop()))
    {
        texts.extend(batch.iter().map(|r| String::from_utf8(r.text.to_vec()).unwrap()));
    }
    assert_eq!(texts, ["ask 3", "web 4", "ask 4", "new"]);
}

#[test]
fn a_lost_window_ends_its_line() {
    let mut hub = hub();
    feed(&mut hub, 0, ASK, "half");
    hub.end(Moment::from_millis(1), 1, ASK);
    assert_eq!(console(&mut hub), "ask │ half\n");
    assert_eq!(hub.next_deadline(), Some(Moment::from_millis(200)));
    hub.on_deadline(Moment::from_millis(200), 200);
    assert_eq!(console(&mut hub), "");
}

fn tells(hub: &mut Hub) -> Vec<(u64, bool)> {
    let events = hub.take_events();
    let told = |event| match event {
        StreamEvent::TellsReady { run, ready } => Some((run.0, ready)),
        _ => None,
    };
    events.into_iter().filter_map(|(_, event)| told(event)).collect()
}

#[test]
fn a_line_that_tells_readiness_is_found_finished_or_not_and_belongs_to_the_run_that_printed_it() {
    let mut hub = hub();
    hub.watch(WEB, Some("listening"), Some("EADDRINUSE"));
    feed(&mut hub, 0, WEB, &mark(Mark::RunBegins(RunId(1))));
    feed(&mut hub, 0, WEB, "lis");
    assert_eq!(tells(&mut hub), []);
    feed(&mut hub, 0, WEB, "tening on 80");
    assert_eq!(tells(&mut hub), [(1, true)]);
    let next = [
        "\nEADDRINUSE: 80\n".to_owned(),
        mark(Mark::RunEnds(RunId(1))),
        mark(Mark::RunBegins(RunId(2))),
        "listening on 80\n".to_owned(),
    ];
    feed(&mut hub, 0, WEB, &next.concat());
    assert_eq!(tells(&mut hub), [(1, false), (2, true)]);
    feed(&mut hub, 0, WEB, "\u{1b}[1mEADDRINUSE\u{1b}[m: 81\r\n");
    assert_eq!(tells(&mut hub), [(2, false)]);
    assert_eq!(hub.complaint(WEB), Some("EADDRINUSE: 81"));
}

#[test]
fn what_a_program_draws_on_the_whole_screen_tells_readiness_too() {
    let mut hub = hub();
    hub.watch(WEB, Some("compiled"), None);
    feed(
        &mut hub,
        0,
        WEB,
        "\u{1b}[?1049h\u{1b}[2J\u{1b}[3;5Hcompiled in 3 s\u{1b}[K",
    );
    assert_eq!(tells(&mut hub), [(0, true)]);
}

#[test]
fn lines_out_of_the_scrollback_tell_readiness_only_where_their_run_is_known() {
    let mut hub = hub();
    let run = |number| Some(RunId(number));
    hub.watch(WEB, Some("listening"), None);
    hub.set_run(WEB, RunId(2));
    for alive in [None, run(2)] {
        hub.refill(0, WEB, alive, b"listening on 80", true);
        assert_eq!(tells(&mut hub), [], "nobody saw where run 2 began");
    }
    hub.remember_begin(WEB, RunId(2));
    hub.refill(0, WEB, run(3), b"listening on 80", true);
    assert_eq!(tells(&mut hub), [], "another run has begun since");
    hub.refill(0, WEB, run(2), b"listening on 80", true);
    assert_eq!(tells(&mut hub), [(2, true)]);
}

#[test]
fn the_lines_of_what_is_not_watched_are_not_searched() {
    let mut hub = hub();
    hub.watch(WEB, Some("listening"), None);
    feed(&mut hub, 0, ASK, "listening on 80\n");
    assert_eq!(tells(&mut hub), []);
}

#[test]
fn an_instance_that_comes_later_is_heard_under_its_name() {
    let mut hub = hub();
    feed(&mut hub, 0, WEB, "one\n");
    let labels = ["web", "ask", "later"].map(|name| Label {
        name: name.into(),
        position: 0,
    });
    let later = InstanceId(2);
    feed(&mut hub, 0, later, "nobody\n");
    hub.set_labels(&labels);
    feed(&mut hub, 0, later, "two\n");
    feed(&mut hub, 0, WEB, "three\n");
    assert_eq!(console(&mut hub), "web │ one\nlater │ two\nweb   │ three\n");
    assert_eq!(hub.last_lines(later, 5), ["two"]);
    assert_eq!(hub.last_lines(WEB, 5), ["one", "three"]);
}
