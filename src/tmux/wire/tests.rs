//! The wire parser against recorded transcripts and arbitrary bytes.

use super::{MAX_LINE, Wire};
use crate::tmux::{Notification, PaneId, WindowId};
use proptest::prelude::{Strategy, any, prop, proptest};

/// What a transcript says, with neighbouring pieces of one pane or one line put together.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Output(PaneId, Vec<u8>),
    Body(Vec<u8>),
    OpenBody(Vec<u8>),
    Other(String),
}

fn collect(said: &mut Vec<Said>, notification: Notification<'_>) {
    match notification {
        Notification::Output { pane, data } => {
            assert!(!data.is_empty());
            if let Some(Said::Output(last, bytes)) = said.last_mut()
                && *last == pane
            {
                bytes.extend_from_slice(data);
            } else {
                said.push(Said::Output(pane, data.to_vec()));
            }
        }
        Notification::Body { text, ends } => {
            let mut line = match said.last() {
                Some(Said::OpenBody(open)) => open.clone(),
                _ => Vec::new(),
            };
            if matches!(said.last(), Some(Said::OpenBody(_))) {
                said.pop();
            }
            line.extend_from_slice(text);
            said.push(if ends {
                Said::Body(line)
            } else {
                Said::OpenBody(line)
            });
        }
        other => said.push(Said::Other(format!("{other:?}"))),
    }
}

fn parse_in(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<Said> {
    let mut wire = Wire::new();
    let mut said = Vec::new();
    for piece in pieces {
        wire.feed(piece.as_ref(), &mut |n| collect(&mut said, n));
        assert!(
            wire.carry.capacity() <= 2 * MAX_LINE + 128,
            "memory stays bounded"
        );
        assert!(wire.plain.is_empty());
    }
    said
}

fn parse(bytes: &[u8]) -> Vec<Said> {
    parse_in([bytes])
}

fn output(pane: u32, data: &[u8]) -> Said {
    Said::Output(PaneId(pane), data.to_vec())
}

/// Recorded from tmux 3.3a: a session opens, a window is made, a command fails, a pane prints, a window goes.
const TRANSCRIPT: &[u8] = b"%begin 1795307475 261 0\n%end 1795307475 261 0\n%window-add @0\n%sessions-changed\n\
%session-changed $0 ovr\n%window-renamed @0 sh\n%begin 1795307475 269 1\n@1 %1 12233\n%end 1795307475 269 1\n\
%begin 1795307475 271 1\nparse error: unknown command: bad\n%error 1795307475 271 1\n\
%begin 1795307475 279 1\n%output %0 not output\n%end 1 2 3\n\n%end 1795307475 279 1\n\
%unlinked-window-add @1\n%output %0 \xc3\xa9\\015\\012\\134\xff\n%layout-change @0 b25d,80x24,0,0,0 b25d,80x24,0,0,0 *\n\
%session-window-changed $3 @1\n%client-session-changed /dev/pts/1 $3 view\n%client-detached /dev/pts/1\n\
%pane-mode-changed %0\n%subscription-changed a $0 @0 0 %0 : x\n%extended-output %1 12 : a : b\\033\n%pause %1\n\
%continue %1\n%unlinked-window-close @1\n%exit server exited\n";

#[test]
fn a_recorded_session_reads_as_it_happened() {
    let said = parse(TRANSCRIPT);
    let words: Vec<String> = said
        .iter()
        .map(|s| match s {
            Said::Output(pane, data) => format!("{pane} {}", data.escape_ascii()),
            Said::Body(line) => format!("| {}", line.escape_ascii()),
            Said::OpenBody(line) => format!("open {}", line.escape_ascii()),
            Said::Other(text) => text
                .split([' ', '('])
                .next()
                .map(str::to_owned)
                .unwrap_or_default(),
        })
        .collect();
    assert_eq!(
        words,
        [
            "Begin",
            "End",
            "WindowAdded",
            "SessionsChanged",
            "SessionChanged",
            "WindowRenamed",
            "Begin",
            "| @1 %1 12233",
            "End",
            "Begin",
            "| parse error: unknown command: bad",
            "End",
            "Begin",
            "| %output %0 not output",
            "| %end 1 2 3",
            "| ",
            "End",
            r"%0 \xc3\xa9\r\n\\\xff",
            "LayoutChanged",
            "SessionWindowChanged",
            "ClientSessionChanged",
            "ClientDetached",
            "PaneModeChanged",
            r"%1 a : b\x1b",
            "Paused",
            "Continued",
            "WindowClosed",
            "Exit",
        ]
    );
}

#[test]
fn an_error_is_told_from_an_end_and_ids_are_read() {
    let mut seen = Vec::new();
    Wire::new().feed(
        b"%begin 5 6 1\n%error 5 6 1\n%window-close @7\n%client-detached /dev/pts/a b\n",
        &mut |n| match n {
            Notification::End { ok, .. } => seen.push(format!("ok={ok}")),
            Notification::WindowClosed(window) => {
                assert_eq!(window, WindowId(7));
                seen.push("closed".into());
            }
            Notification::ClientDetached { client } => seen.push(client.escape_ascii().to_string()),
            _ => {}
        },
    );
    assert_eq!(seen, ["ok=false", "closed", "/dev/pts/a b"]);
}

#[test]
fn the_device_control_prefix_is_no_part_of_the_first_line() {
    let said = parse(b"\x1bP1000p%begin 5 6 0\nx\n%end 5 6 0\n");
    assert_eq!(said.len(), 3);
    assert_eq!(said[1], Said::Body(b"x".to_vec()));
}

#[test]
fn what_is_no_escape_is_meant_as_it_stands() {
    for (wire, plain) in [
        (&br"a\x"[..], &br"a\x"[..]),
        (br"\777", br"\777"),
        (br"\01", br"\01"),
        (br"\0\012", b"\\0\n"),
        (br"\\\134", br"\\\"),
        (br"\000\377", b"\x00\xff"),
    ] {
        let line = [b"%output %3 ", wire, b"\n"].concat();
        assert_eq!(parse(&line), [output(3, plain)], "{}", wire.escape_ascii());
        let bytes: Vec<[u8; 1]> = line.iter().map(|b| [*b]).collect();
        assert_eq!(parse_in(bytes), [output(3, plain)], "{}", wire.escape_ascii());
    }
}

#[test]
fn an_endless_line_costs_no_memory() {
    let piece = [b'x'; 8192];
    for begin in [&b"%output %1 "[..], b"%begin 1 1 1\n", b"%something-new "] {
        let mut wire = Wire::new();
        let mut bytes = 0;
        wire.feed(begin, &mut |_| {});
        for _ in 0..1000 {
            wire.feed(&piece, &mut |n| {
                if let Notification::Output { data, .. } | Notification::Body { text: data, .. } = n {
                    bytes += data.len();
                }
            });
            assert!(wire.carry.capacity() <= 2 * MAX_LINE + 128 && wire.plain.is_empty());
        }
        wire.feed(b"\n", &mut |_| {});
        assert!(bytes == 0 || bytes == 8_192_000, "{bytes}");
        assert_eq!(bytes == 0, begin.starts_with(b"%something"));
    }
    // Nothing but escapes: the unescaped bytes are handed on in between.
    let escapes = br"\015\012".repeat(40_000);
    let said = parse_in([&b"%output %1 "[..], &escapes, b"\n"]);
    assert_eq!(said, [output(1, &b"\r\n".repeat(40_000))]);
}

#[test]
fn a_bad_id_drops_its_line_only() {
    let said = parse(b"%output 5 x\n%output %99999999999 x\n%window-add x\n%output ^4 popup\n%output %2 y\n");
    assert_eq!(said, [output(2, b"y")]);
}

/// The protocol as tmux writes it, from what panes print and commands answer.
fn encode(pane: u32, data: &[u8]) -> Vec<u8> {
    let mut line = format!("%output %{pane} ").into_bytes();
    for byte in data {
        if *byte < b' ' || *byte == b'\\' {
            line.extend_from_slice(format!("\\{byte:03o}").as_bytes());
        } else {
            line.push(*byte);
        }
    }
    line.push(b'\n');
    line
}

fn lines() -> impl Strategy<Value = Vec<u8>> {
    let data = prop::collection::vec(any::<u8>(), 0..200);
    let output = (0..3_u32, data).prop_map(|(pane, data)| encode(pane, &data));
    let recorded = (0..TRANSCRIPT.len()).prop_map(|from| TRANSCRIPT[from..].to_vec());
    let noise = prop::collection::vec(
        prop::sample::select(b"%output %1 begin end error exit @$\\01 7\n".to_vec()),
        0..60,
    );
    prop::collection::vec(proptest::prop_oneof![output, recorded, noise], 0..12).prop_map(|l| l.concat())
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_says_the_same(bytes in lines(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|c| c.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
        assert_eq!(parse_in(pieces), parse(&bytes));
    }

    #[test]
    fn a_byte_at_a_time_says_the_same(bytes in lines()) {
        assert_eq!(parse_in(bytes.iter().map(|b| [*b])), parse(&bytes));
    }

    #[test]
    fn output_arrives_as_it_was_printed(data in prop::collection::vec(any::<u8>(), 1..5000)) {
        assert_eq!(parse(&encode(9, &data)), [output(9, &data)]);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        parse(&bytes);
    }
}
