//! Each kind of scalar: what it takes, and what it does not.

use super::{bytes, flag, hundredths, time, unescape};
use std::time::Duration;

#[test]
fn times_are_seconds_or_what_go_writes() {
    for (text, millis) in [
        ("0", 0),
        ("10", 10_000),
        ("1.5", 1_500),
        ("500ms", 500),
        ("10s", 10_000),
        ("1m30s", 90_000),
        ("1h", 3_600_000),
        ("1.5h", 5_400_000),
        ("1d", 86_400_000),
        ("2 s", 2_000),
    ] {
        assert_eq!(time(text), Some(Duration::from_millis(millis)), "{text}");
    }
    for text in [
        "",
        "s",
        "-1",
        "1x",
        "1m30",
        "ten",
        "1e9s",
        "1..5s",
        "99999999999",
        "∞",
    ] {
        assert_eq!(time(text), None, "{text}");
    }
}

#[test]
fn sizes_are_bytes_or_units_of_1024() {
    for (text, size) in [
        ("1", 1),
        ("512M", 512 << 20),
        ("1.5G", 3 << 29),
        ("64KiB", 64 << 10),
        ("2 gb", 2 << 30),
        ("10b", 10),
        ("1T", 1 << 40),
    ] {
        assert_eq!(bytes(text), Some(size), "{text}");
    }
    for text in ["", "M", "-1M", "0", "1Q", "1.234G", "lots"] {
        assert_eq!(bytes(text), None, "{text}");
    }
    assert_eq!(hundredths("1.5"), Some(150));
    assert_eq!(hundredths("0.25"), Some(25));
    assert_eq!(hundredths(".5"), None);
}

#[test]
fn flags_are_what_yaml_ever_took_for_one() {
    for text in ["true", "True", "yes", "on"] {
        assert_eq!(flag(text), Some(true));
    }
    for text in ["false", "FALSE", "no", "off"] {
        assert_eq!(flag(text), Some(false));
    }
    assert_eq!(flag("1"), None);
}

#[test]
fn keys_have_escapes() {
    assert_eq!(unescape("q\\n\\x03\\e[A\\\\ä").unwrap(), "q\n\u{3}\u{1b}[A\\ä");
    assert_eq!(unescape("ab\\q"), Err((2, 2)));
    assert_eq!(unescape("\\x1"), Err((0, 2)));
    assert_eq!(unescape("x\\"), Err((1, 1)));
}
