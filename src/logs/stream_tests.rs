//! Tests of the decoder: what becomes of each kind of byte.

use super::plain::plain;
use super::{LINE_MAX, LINE_MAX_CLOSED, Sink, StreamDecoder};
use crate::model::RunId;
use crate::model::mark::Mark;

pub(super) const NONCE: &str = "0011223344556677";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Line(String),
    Mark(Mark),
    FullScreen(bool),
}

#[derive(Default)]
struct Recorder(Vec<Seen>);

impl Sink for Recorder {
    fn line(&mut self, text: &[u8]) {
        assert!(text.len() <= LINE_MAX_CLOSED);
        let text = String::from_utf8(text.to_vec()).expect("a line is valid UTF-8");
        self.0.push(Seen::Line(text));
    }

    fn mark(&mut self, mark: Mark) {
        self.0.push(Seen::Mark(mark));
    }

    fn full_screen(&mut self, entered: bool) {
        self.0.push(Seen::FullScreen(entered));
    }
}

fn decoder() -> StreamDecoder {
    StreamDecoder::new(Some(NONCE.into()))
}

pub(super) fn decode(chunks: &[&[u8]]) -> (Vec<Seen>, String) {
    let mut decoder = decoder();
    let mut recorder = Recorder::default();
    for chunk in chunks {
        decoder.feed(chunk, &mut recorder);
    }
    let mut open = Vec::new();
    decoder.open_line(&mut open);
    assert_eq!(decoder.has_open_line(), !open.is_empty());
    (
        recorder.0,
        String::from_utf8(open).expect("an open line is valid UTF-8"),
    )
}

/// The lines that `bytes` give in one piece, in pieces of one byte, and of three: always the same.
fn lines(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let bytes = bytes.as_ref();
    let whole = decode(&[bytes]);
    for size in [1, 3] {
        let chunks: Vec<_> = bytes.chunks(size).collect();
        assert_eq!(decode(&chunks), whole, "in pieces of {size}");
    }
    let texts = whole.0.into_iter().map(|seen| match seen {
        Seen::Line(text) => text,
        other => panic!("{other:?}"),
    });
    texts.chain((!whole.1.is_empty()).then_some(whole.1)).collect()
}

fn mark(mark: Mark) -> String {
    String::from_utf8(mark.encode(NONCE)).unwrap()
}

#[test]
fn lines_end_with_or_without_a_carriage_return() {
    assert_eq!(lines("a\r\nb\n\r\n\nc\r\r\nd"), ["a", "b", "", "", "c", "d"]);
    assert_eq!(lines("tab\there\r\n"), ["tab\there"]);
}

#[test]
fn colours_are_kept_closed_at_the_end_and_resumed() {
    assert_eq!(
        lines("\x1b[32mGET\x1b[0m /\r\nplain\r\n"),
        ["\x1b[32mGET\x1b[0m /", "plain"]
    );
    assert_eq!(
        lines("\x1b[1;31mone\r\ntwo\r\n\r\nthree\x1b[m four\r\nfive"),
        [
            "\x1b[1;31mone\x1b[0m",
            "\x1b[1;31mtwo\x1b[0m",
            "",
            "\x1b[1;31mthree\x1b[m four",
            "five"
        ]
    );
    // The service's own end is kept, also the one before the next line begins.
    assert_eq!(lines("\x1b[31;1mred\x1b[39;22m\n"), ["\x1b[31;1mred\x1b[39;22m"]);
    assert_eq!(
        lines("\x1b[31mred\n\x1b[0mplain\n"),
        ["\x1b[31mred\x1b[0m", "plain"]
    );
    // Styles without text leave no trace.
    assert_eq!(lines("\x1b[31m\x1b[0m\n\x1b[1m\x1b[32m\n"), ["", ""]);
}

#[test]
fn what_no_terminal_is_sure_to_understand_is_not_passed_on() {
    assert_eq!(lines("\x1b[31;999mred\n"), ["\x1b[0m\x1b[31mred\x1b[0m"]);
    assert_eq!(lines("\x1b[>4;2ma\x1b[?4mb\n"), ["ab"]);
}

#[test]
fn everything_but_sgr_is_filtered() {
    for noise in [
        "\x1b[2J",
        "\x1b[H",
        "\x1b[10;20H",
        "\x1b[3A",
        "\x1b[?25l",
        "\x1b[?2004h",
        "\x1b[6n",
        "\x1b[>c",
        "\x1b[5;10r",
        "\x1b[4 q",
        "\x1b[s",
        "\x1b7",
        "\x1b8",
        "\x1b(B",
        "\x1b)0",
        "\x1b#8",
        "\x1b%G",
        "\x1b=",
        "\x1b]0;title\x07",
        "\x1b]2;title\x1b\\",
        "\x1b]8;;http://x\x1b\\",
        "\x1bP1$r0m\x1b\\",
        "\x1b_G;AAAA\x1b\\",
        "\x1b^private\x1b\\",
        "\x1bXstring\x1b\\",
        "\x1bkscreen title\x1b\\",
        "\x07",
        "\0",
        "\x0b",
        "\x0c",
        "\x0e",
        "\x0f",
        "\x05",
        "\x7f",
        "\u{85}",
        "\u{9b}",
        "\x1b[1\x1831m",
        "\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\",
        "\x1b[12;1\0H",
        "\x1b\x1b[H",
        "\x1b[C",
        "\x1b[99C",
    ] {
        let expected = if noise.contains('\x18') { "ab31mc" } else { "abc" };
        assert_eq!(lines(format!("ab{noise}c\r\n")), [expected], "{noise:?}");
    }
}

#[test]
fn progress_is_folded_into_what_is_seen_in_the_end() {
    assert_eq!(lines("10 %\r50 %\r100 %\r\n"), ["100 %"]);
    assert_eq!(lines("abcdef\rxy\n"), ["xycdef"]);
    assert_eq!(lines("Downloading\r\x1b[KDone\n"), ["Done"]);
    assert_eq!(lines("Downloading\x1b[2K\rDone\n"), ["Done"]);
    assert_eq!(lines("Downloading\x1b[2K\x1b[1GDone\n"), ["Done"]);
    assert_eq!(lines("Downloading\x1b[1G\x1b[0JDone\n"), ["Done"]);
    assert_eq!(lines("ab\x1b[1Kc\n"), ["c"]);
    assert_eq!(lines("abc\x1b[2D\x1b[1Kd\n"), [" dc"]);
    assert_eq!(lines("|\x08/\x08-\x08\\\n"), ["\\"]);
    assert_eq!(lines("abc\x08 \x08\n"), ["ab "]);
    assert_eq!(lines("abcd\x1b[3D\x1b[P\n"), ["acd"]);
    assert_eq!(lines("abd\x08\x1b[@c\n"), ["abcd"]);
    assert_eq!(lines("abcdef\r\x1b[2CX\x1b[5GY\n"), ["abXdYf"]);
    assert_eq!(lines("abc\x1b[99DX\x08\x08\x08Y\n"), ["Ybc"]);
}

#[test]
fn folding_keeps_each_characters_colour() {
    assert_eq!(
        lines("\x1b[31mred\x1b[0m and \x1b[32mgreen\x1b[0m\rRE\n"),
        ["RE\x1b[31md\x1b[0m and \x1b[32mgreen\x1b[0m"]
    );
    assert_eq!(lines("\x1b[31mab\x08\x1b[32mc\n"), ["\x1b[31ma\x1b[32mc\x1b[0m"]);
    assert_eq!(lines("\x1b[31mx\x08\x1b[0my\n"), ["y"]);
}

#[test]
fn folding_counts_columns_as_a_terminal_does() {
    assert_eq!(lines("日本x\rab\n"), ["ab本x"]);
    assert_eq!(lines("日本\ra\n"), ["a 本"]);
    assert_eq!(lines("e\u{301}x\ra\n"), ["ax"]);
    assert_eq!(lines("⠋ build\r✅ x\n"), ["✅ xild"]);
}

#[test]
fn invalid_utf8_is_replaced_and_cut_characters_are_joined() {
    assert_eq!(lines(b"a\xffb\xc3\n"), ["a\u{fffd}b\u{fffd}"]);
    assert_eq!(lines("größe │ 日本 🦀\n"), ["größe │ 日本 🦀"]);
    assert_eq!(
        lines(b"\xf0\x9f\xa6\x1b[31m\xa6\n"),
        ["\u{fffd}\x1b[31m\u{fffd}\x1b[0m"]
    );
    assert_eq!(lines(b"\xe6\x97a\xf0\x90\x80"), ["\u{fffd}a"]);
}

#[test]
fn marks_come_in_order_with_the_lines_and_only_with_the_nonce() {
    let bytes = [
        mark(Mark::RunBegins(RunId(1))),
        "one\r\n\x1b[31mtwo".into(),
        mark(Mark::RunEnds(RunId(1))),
        "\r\n".into(),
        mark(Mark::NoteBegins),
        "\x1b[1mweb exited\r\nEnter restarts it\x1b[?1049h".into(),
        mark(Mark::NoteEnds),
        mark(Mark::RunBegins(RunId(2))),
        "three".into(),
        String::from_utf8(Mark::RunEnds(RunId(2)).encode("another")).unwrap(),
        " four\r\n".into(),
    ]
    .concat();
    let expected = vec![
        Seen::Mark(Mark::RunBegins(RunId(1))),
        Seen::Line("one".into()),
        Seen::Line("\x1b[31mtwo\x1b[0m".into()),
        Seen::Mark(Mark::RunEnds(RunId(1))),
        Seen::Mark(Mark::NoteBegins),
        Seen::Mark(Mark::NoteEnds),
        Seen::Mark(Mark::RunBegins(RunId(2))),
        Seen::Line("three four".into()),
    ];
    for size in [1, 2, 7, bytes.len()] {
        let chunks: Vec<_> = bytes.as_bytes().chunks(size).collect();
        assert_eq!(
            decode(&chunks),
            (expected.clone(), String::new()),
            "in pieces of {size}"
        );
    }
}

#[test]
fn without_a_nonce_no_mark_is_believed() {
    let mut recorder = Recorder::default();
    let mut decoder = StreamDecoder::default();
    decoder.feed(b"\x1b]5127;;end;1\x1b\\x", &mut recorder);
    decoder.feed(&Mark::RunEnds(RunId(1)).encode(NONCE), &mut recorder);
    assert_eq!(recorder.0, []);
}

#[test]
fn a_mark_is_seen_whatever_the_run_left_unfinished() {
    for left in [
        "\x1b",
        "\x1b[",
        "\x1b[31",
        "\x1b(",
        "\x1b]0;title",
        "\x1b]0;title\x1b",
        "\x1bP",
        "\x1bPtmux;\x1b",
        "\x1b_G",
        "\x1b[?1049h full screen",
        "\r",
        "\x1b]5127;0011",
        "\x1bk",
    ] {
        let bytes = [left, &mark(Mark::RunEnds(RunId(9)))].concat();
        let (seen, open) = decode(&[bytes.as_bytes()]);
        assert_eq!(
            seen.last(),
            Some(&Seen::Mark(Mark::RunEnds(RunId(9)))),
            "{left:?}"
        );
        assert_eq!(open, "");
    }
    let (seen, _) = decode(&[b"\xe6\x97", &Mark::RunEnds(RunId(9)).encode(NONCE)]);
    assert_eq!(
        seen,
        [Seen::Line("\u{fffd}".into()), Seen::Mark(Mark::RunEnds(RunId(9)))]
    );
}

#[test]
fn a_full_screen_program_is_one_event_and_no_lines() {
    for mode in ["1049", "47", "1047", "25;1049"] {
        let text = format!(
            "a\x1b[31m\r\n\x1b[?{mode}h\x1b[2J\x1b[1mmenu\r\nmenu\x1b[?{mode}h\r\n\x1b[?{mode}lb\r\n"
        );
        let expected = [
            Seen::Line("a".into()),
            Seen::FullScreen(true),
            Seen::FullScreen(false),
            Seen::Line("\x1b[31mb\x1b[0m".into()),
        ];
        assert_eq!(decode(&[text.as_bytes()]).0, expected, "{mode}");
    }
}

#[test]
fn a_run_that_ends_in_full_screen_does_not_silence_the_next() {
    let text = [
        "\x1b[?1049hmenu",
        &mark(Mark::RunEnds(RunId(1))),
        "\r\n",
        &mark(Mark::RunBegins(RunId(2))),
        "b\n",
    ];
    let (seen, _) = decode(&[text.concat().as_bytes()]);
    assert!(seen.contains(&Seen::FullScreen(false)));
    assert_eq!(seen.last(), Some(&Seen::Line("b".into())));
    assert!(!seen.contains(&Seen::Line(String::new())));
}

#[test]
fn a_sequence_without_end_takes_a_bounded_part_along() {
    assert_eq!(lines("a\x1b]0;title without end\r\nb\n"), ["a", "b"]);
    assert_eq!(lines("a\x1b[31\r\nb\n"), ["a", "b"]);
    for start in ["\x1bP", "\x1b_", "\x1b]52;"] {
        let mut decoder = decoder();
        let mut recorder = Recorder::default();
        decoder.feed(start.as_bytes(), &mut recorder);
        for _ in 0..100 {
            decoder.feed(&[b'x'; 10_000], &mut recorder);
            assert!(decoder.capacity() < LINE_MAX * 3);
        }
        decoder.feed(b"\nback\n", &mut recorder);
        assert_eq!(recorder.0.last(), Some(&Seen::Line("back".into())), "{start:?}");
    }
    let long = format!("a\x1b[{}mb\n", "1;".repeat(5000));
    assert!(lines(long)[0].ends_with('b'));
}

#[test]
fn a_line_of_50_mb_is_cut_with_a_mark_and_the_next_ones_are_whole() {
    let mut decoder = decoder();
    let mut recorder = Recorder::default();
    decoder.feed(b"before\n\x1b[32m", &mut recorder);
    let chunk = vec![b'x'; 50_000];
    for _ in 0..1000 {
        decoder.feed(&chunk, &mut recorder);
        assert!(decoder.capacity() < 3 * LINE_MAX, "{}", decoder.capacity());
    }
    decoder.feed(b"\x1b[0m\nafter\n", &mut recorder);
    let [_, Seen::Line(cut), Seen::Line(after)] = recorder.0.as_slice() else {
        panic!("three lines, not {}", recorder.0.len());
    };
    let kept = LINE_MAX - "\x1b[32m".len();
    assert!(cut.starts_with("\x1b[32mxxx"));
    assert!(cut.ends_with(&format!("x\x1b[0m… (cut, {} bytes more)", 50_000_000 - kept)));
    assert_eq!(after, "after");
    assert!(decoder.capacity() < 64 * 1024, "{}", decoder.capacity());
}

#[test]
fn a_long_line_is_cut_at_the_same_place_however_it_comes() {
    assert_eq!(lines(vec![b'y'; LINE_MAX])[0].len(), LINE_MAX);
    for (unit, count) in [
        ("y", 70_000),
        ("é", 40_000),
        ("\x1b[32mé\x1b[0m\t", 9000),
        ("日\x08é", 40_000),
    ] {
        let text = unit.repeat(count);
        assert_eq!(lines(format!("\x1b[1m{text}\nb\n")).len(), 2);
    }
}

#[test]
fn long_lines_that_are_rewritten_for_ever_stay_bounded() {
    for pattern in [
        "\u{301}".repeat(3000) + "\r",
        "x\x1b[31my\x08\x1b[32mz\x08".into(),
        "abc\r\x1b[1m".repeat(90),
    ] {
        let mut decoder = decoder();
        let mut recorder = Recorder::default();
        for _ in 0..100 {
            decoder.feed(pattern.as_bytes(), &mut recorder);
            assert!(decoder.capacity() < 8 * 1024 * 1024);
        }
        decoder.feed(b"\nafter\n", &mut recorder);
        let Some(Seen::Line(after)) = recorder.0.last() else {
            panic!("no line");
        };
        assert_eq!(plain(after.as_bytes()), "after");
        assert!(decoder.capacity() < 64 * 1024);
    }
}
