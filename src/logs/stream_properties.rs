//! What holds for the decoder whatever the bytes: chunks do not matter, lines are clean.

use super::plain::{plain, sequence_len, skip_into, strip_into};
use super::stream_tests::{NONCE, Seen, decode};
use crate::model::RunId;
use crate::model::mark::Mark;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

/// Bytes as programs write them, and as they do not.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-z é日\u{301}]{0,8}".prop_map(String::into_bytes),
        2 => Just(b"\r\n".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        1 => Just(b"\x08".to_vec()),
        2 => "\x1b\\[[0-9;:]{0,6}m".prop_map(String::into_bytes),
        2 => "\x1b\\[\\??[0-9;]{0,5}[A-Za-z@`]".prop_map(String::into_bytes),
        1 => "\x1b\\][0-9];[a-z]{0,4}(\x07|\x1b\\\\)?".prop_map(String::into_bytes),
        1 => "\x1b[ -~]".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
        1 => any::<u64>().prop_map(|run| Mark::RunBegins(RunId(run)).encode(NONCE)),
        1 => any::<u64>().prop_map(|run| Mark::RunEnds(RunId(run)).encode(NONCE)),
        1 => Just(Mark::NoteBegins.encode(NONCE)),
        1 => Just(Mark::NoteEnds.encode(NONCE)),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Text without controls but TAB and whole SGR sequences; and none of those left open.
fn assert_clean(text: &str) {
    let mut rest = text.as_bytes();
    let mut styled = false;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        let length = sequence_len(&rest[at..]);
        assert!(length > 1, "not SGR: {text:?}");
        styled = true;
        rest = &rest[at + length..];
    }
    assert!(
        plain(text.as_bytes())
            .chars()
            .all(|c| c == '\t' || !c.is_control()),
        "{text:?}"
    );
    if styled {
        let mut last = Vec::new();
        skip_into(text.as_bytes(), usize::MAX, &mut last);
        assert_eq!(last, b"", "a style is left open: {text:?}");
    }
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same(bytes in output(), cuts in proptest::collection::vec(1usize..30, 1..20)) {
        let whole = decode(&[&bytes]);
        let mut chunks = Vec::new();
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, tail) = rest.split_at((*cut).min(rest.len()));
            chunks.push(chunk);
            rest = tail;
        }
        prop_assert_eq!(decode(&chunks), whole);
    }

    #[test]
    fn lines_are_clean_whatever_comes(bytes in prop_oneof![output(), proptest::collection::vec(any::<u8>(), 0..400)]) {
        let (seen, open) = decode(&[&bytes]);
        assert_clean(&open);
        for seen in &seen {
            if let Seen::Line(text) = seen {
                assert_clean(text);
            }
        }
    }

    #[test]
    fn a_line_decoded_again_is_itself(bytes in output()) {
        let (seen, _) = decode(&[&bytes]);
        for seen in seen {
            if let Seen::Line(text) = seen {
                let (again, _) = decode(&[text.as_bytes(), b"\n"]);
                let [Seen::Line(again)] = again.as_slice() else { panic!("{again:?}") };
                prop_assert_eq!(plain(again.as_bytes()), plain(text.as_bytes()));
            }
        }
    }

    #[test]
    fn plain_text_comes_through_unchanged(texts in proptest::collection::vec("[ -~é日\t]{0,40}", 0..20)) {
        let bytes: String = texts.iter().flat_map(|text| [text, "\r\n"]).collect();
        let (seen, open) = decode(&[bytes.as_bytes()]);
        let expected: Vec<_> = texts.into_iter().map(Seen::Line).collect();
        prop_assert_eq!(seen, expected);
        prop_assert!(open.is_empty());
    }

    #[test]
    fn without_colours_a_line_is_what_its_text_is(bytes in output()) {
        let (seen, _) = decode(&[&bytes]);
        for seen in seen {
            if let Seen::Line(text) = seen {
                let mut stripped = Vec::new();
                strip_into(text.as_bytes(), &mut stripped);
                prop_assert!(!stripped.contains(&0x1b));
            }
        }
    }
}
