//! Tests of the renderer: what stands on the screen in the end.

use super::render::{Label, RenderOptions, Renderer, Tone};
use crate::logs::{ColorChoice, Palette, TimeZone};
use crate::model::InstanceId;
use crate::model::time_text::millis_of;
use cronexpr::jiff::tz::Offset;

const WEB: InstanceId = InstanceId(0);
const ASK: InstanceId = InstanceId(1);
/// 1970-01-02 03:04:05.678 UTC.
const AT: u64 = ((24 + 3) * 3600 + 4 * 60 + 5) * 1000 + 678;

fn renderer(color: ColorChoice, timestamps: bool) -> Renderer {
    let labels = [("website", 0), ("ask", 1)].map(|(name, position)| Label {
        name: name.into(),
        position,
    });
    Renderer::new(
        &labels,
        RenderOptions {
            open_lines: true,
            color,
            timestamps,
            zone: TimeZone::fixed(Offset::constant(1)),
            palette: Palette::default(),
        },
    )
}

fn rendered(renderer: &mut Renderer, render: impl FnOnce(&mut Renderer, &mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    render(renderer, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn names_are_aligned_and_coloured_and_colours_are_kept() {
    let mut renderer = renderer(ColorChoice::On, false);
    let text = rendered(&mut renderer, |r, out| {
        r.output(out, WEB, AT, b"\x1b[32mGET\x1b[0m /");
        r.output(out, ASK, AT, b"hi");
    });
    assert_eq!(
        text,
        "\x1b[36mwebsite │\x1b[0m \x1b[32mGET\x1b[0m /\n\x1b[33mask     │\x1b[0m hi\n"
    );
}

#[test]
fn without_colour_no_escape_is_left() {
    let mut renderer = renderer(ColorChoice::Off, true);
    let text = rendered(&mut renderer, |r, out| {
        r.output(out, WEB, AT, b"\x1b[32mGET\x1b[0m /");
        r.event(out, ASK, Tone::Alarm, AT, "exited with code 3");
        r.system(out, Tone::Normal, AT + 86_400_000, "stopping");
    });
    assert_eq!(
        text,
        "04:04:05 website │ GET /\n04:04:05 ask     │ exited with code 3\n04:04:05 ovr     │ stopping\n"
    );
}

#[test]
fn the_time_moves_with_the_clock() {
    let mut renderer = renderer(ColorChoice::Off, true);
    let text = rendered(&mut renderer, |r, out| {
        r.output(out, ASK, AT, b"1");
        r.output(out, ASK, AT + 321, b"2");
        r.output(out, ASK, AT + 322, b"3");
    });
    assert_eq!(
        text,
        "04:04:05 ask     │ 1\n04:04:05 ask     │ 2\n04:04:06 ask     │ 3\n"
    );
}

#[test]
fn own_lines_hold_no_controls_and_each_has_its_prefix() {
    let mut renderer = renderer(ColorChoice::On, false);
    let text = rendered(&mut renderer, |r, out| {
        r.event(out, ASK, Tone::Normal, AT, "failed:\x1b[2J\tx\nhint");
    });
    assert_eq!(
        text,
        "\x1b[33mask     │\x1b[0m \x1b[1mfailed:[2J x\x1b[0m\n\x1b[33mask     │\x1b[0m \x1b[1mhint\x1b[0m\n"
    );
}

#[test]
fn an_open_line_is_printed_once_and_its_rest_as_a_continuation() {
    let mut renderer = renderer(ColorChoice::Off, false);
    let text = rendered(&mut renderer, |r, out| {
        assert!(r.open(out, ASK, AT, b"continue? "));
        assert!(!r.open(out, ASK, AT, b"continue? "));
        r.output(out, WEB, AT, b"GET /");
        r.output(out, ASK, AT, b"continue? yes");
        r.output(out, ASK, AT, b"continue? yes");
    });
    assert_eq!(
        text,
        "ask     │ continue? \nwebsite │ GET /\nask     │ … yes\nask     │ continue? yes\n"
    );
}

#[test]
fn an_open_line_that_ends_unchanged_is_not_printed_again() {
    let mut renderer = renderer(ColorChoice::On, false);
    let text = rendered(&mut renderer, |r, out| {
        assert!(r.open(out, ASK, AT, b"\x1b[1mdone\x1b[0m"));
        r.output(out, ASK, AT, b"\x1b[1mdone\x1b[0m");
    });
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn an_open_line_that_was_rewritten_is_printed_anew() {
    let mut renderer = renderer(ColorChoice::On, false);
    let text = rendered(&mut renderer, |r, out| {
        assert!(r.open(out, ASK, AT, b"\x1b[31m10 %\x1b[0m"));
        assert!(r.open(out, ASK, AT, b"\x1b[31m10 % of\x1b[0m"));
        r.output(out, ASK, AT, b"100 %");
        assert!(!r.open(out, ASK, AT, b"\x1b[31m  \x1b[0m"));
    });
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.rsplit_once("\x1b[0m ").unwrap().1)
        .collect();
    assert_eq!(lines, ["\x1b[31m10 %\x1b[0m", "… \x1b[31m of\x1b[0m", "100 %"]);
}

#[test]
fn wide_names_are_aligned_by_their_columns() {
    let labels = ["日本", "ask"].map(|name| Label {
        name: name.into(),
        position: 0,
    });
    let mut renderer = Renderer::new(
        &labels,
        RenderOptions {
            open_lines: true,
            color: ColorChoice::Off,
            timestamps: false,
            zone: TimeZone::UTC,
            palette: Palette::default(),
        },
    );
    let text = rendered(&mut renderer, |r, out| {
        r.output(out, InstanceId(0), 0, b"x");
        r.output(out, InstanceId(1), 0, b"y");
    });
    assert_eq!(text, "日本 │ x\nask  │ y\n");
}

#[test]
fn behind_missing_lines_nothing_is_taken_for_the_rest_of_a_line_that_was_begun_before() {
    let mut renderer = renderer(ColorChoice::Off, false);
    let text = rendered(&mut renderer, |r, out| {
        r.open(out, ASK, AT, b"GET /");
        r.forget_open_lines();
        r.output(out, ASK, AT, b"GET /orders 500");
    });
    assert_eq!(text, "ask     │ GET /\nask     │ GET /orders 500\n");
}

#[test]
fn a_session_that_outlives_the_summer_shows_the_time_of_the_winter() {
    let labels = [Label {
        name: "web".into(),
        position: 0,
    }];
    let mut renderer = Renderer::new(
        &labels,
        RenderOptions {
            open_lines: true,
            color: ColorChoice::Off,
            timestamps: true,
            zone: TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap(),
            palette: Palette::default(),
        },
    );
    let text = rendered(&mut renderer, |r, out| {
        r.output(out, WEB, millis_of("2026-10-25T00:59:59Z"), b"before");
        r.output(out, WEB, millis_of("2026-10-25T01:00:00Z"), b"after");
    });
    assert_eq!(text, "02:59:59 web │ before\n02:00:00 web │ after\n");
}
