//! Tests of substitution: bash's own answers as a table, what is left alone, and what is remarked.

use super::{Known, Remark, What, expand, settled};
use proptest::prelude::proptest;
use proptest::prop_assert;

fn lookup(name: &str) -> Known {
    match name {
        "A" => Known::Value("foo.bar.Baz".to_owned()),
        "PATHS" => Known::Value("/usr/lib/x.so".to_owned()),
        "U" => Known::Value("äöü".to_owned()),
        "EMPTY" => Known::Value(String::new()),
        "LATER" => Known::Later,
        _ => Known::Unset,
    }
}

fn expanded(text: &str) -> String {
    expand(text, &lookup, true).0
}

fn remarks(text: &str) -> Vec<Remark> {
    expand(text, &lookup, true).1
}

#[test]
fn every_form_means_what_bash_means_by_it() {
    for (text, expected) in [
        ("${A}", "foo.bar.Baz"),
        ("x${EMPTY}y", "xy"),
        ("${X:-d}|${EMPTY:-d}|${A:-d}", "d|d|foo.bar.Baz"),
        ("${X-d}|${EMPTY-d}", "d|"),
        ("${X:=d}|${X=d}|${EMPTY=d}", "d|d|"),
        ("${X:+d}|${EMPTY:+d}|${A:+d}", "||d"),
        ("${X+d}|${EMPTY+d}|${A+d}", "|d|d"),
        ("${A:?no}|${EMPTY?no}", "foo.bar.Baz|"),
        ("${X:-${Y:-${A}}}", "foo.bar.Baz"),
        ("${X:-}", ""),
        ("${X:-a}b}", "ab}"),
        ("${A^}|${A^^}", "Foo.bar.Baz|FOO.BAR.BAZ"),
        ("${A,}|${A,,}", "foo.bar.Baz|foo.bar.baz"),
        ("${A^^[a-f]}", "Foo.BAr.BAz"),
        ("${A#*.}|${A##*.}", "bar.Baz|Baz"),
        ("${A%.*}|${A%%.*}", "foo.bar|foo"),
        ("${A#x}|${A%x}", "foo.bar.Baz|foo.bar.Baz"),
        ("${A#f?o}|${A#[!f]}", ".bar.Baz|foo.bar.Baz"),
        ("${A/o/0}|${A//o/0}", "f0o.bar.Baz|f00.bar.Baz"),
        ("${A/#foo/x}|${A/#bar/x}", "x.bar.Baz|foo.bar.Baz"),
        ("${A/%Baz/x}|${A/%bar/x}", "foo.bar.x|foo.bar.Baz"),
        ("${A/.}|${A//./}", "foobar.Baz|foobarBaz"),
        ("${PATHS//\\//_}|${PATHS##*/}", "_usr_lib_x.so|x.so"),
        ("${A:4}|${A:4:3}|${A: -3}|${A:0:-4}", "bar.Baz|bar|Baz|foo.bar"),
        ("${A:99}|${A:2:0}|${A: -99}", "||"),
        ("${#A}|${#U}|${#EMPTY}", "11|3|0"),
        ("${A/${A:0:3}/x}", "x.bar.Baz"),
    ] {
        assert_eq!(expanded(text), expected, "{text}");
        assert_eq!(remarks(text), [], "{text}");
    }
}

#[test]
fn two_dollars_are_one_and_what_is_the_shells_stays() {
    for (text, expected) in [
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("$A $(cmd) $? $1 $", "$A $(cmd) $? $1 $"),
        (
            "${LATER}-${LATER:-${A}}-${LATER//a/b}",
            "${LATER}-${LATER:-${A}}-${LATER//a/b}",
        ),
        ("{A} } ${A}", "{A} } foo.bar.Baz"),
    ] {
        assert_eq!(settled(expanded(text)), expected, "{text}");
        assert_eq!(remarks(text), [], "{text}");
    }
    let again = expand(&expanded("$${A} ${A}"), &lookup, false).0;
    assert_eq!(settled(again), "${A} foo.bar.Baz");
    assert_eq!(expand("$$ ${A}", &lookup, false).0, "$$ foo.bar.Baz");
    // A character that Unicode has no text for is one all the same.
    let odd = "\u{FDD0}{A} \u{FDD0}";
    assert_eq!(
        settled(expanded(&format!("{odd} $${{A}}"))),
        format!("{odd} ${{A}}")
    );
}

#[test]
fn what_is_unset_unclosed_or_no_form_of_ours_is_remarked_at_its_place() {
    let unset = What::Unset("X".to_owned());
    let required = What::Required("X".to_owned(), "set it to foo.bar.Baz".to_owned());
    for (text, expected, offset, length, what) in [
        ("a ${X} b", "a  b", 2, 4, unset.clone()),
        ("ä ${X^^}", "ä ", 2, 6, unset),
        ("a ${X:?set it to ${A}}", "a ", 2, 20, required),
        ("a ${X b", "a ${X b", 2, 2, What::Open),
        ("a ${L[@]} b", "a ${L[@]} b", 2, 7, What::Foreign),
        ("${!X}", "${!X}", 0, 5, What::Foreign),
        ("${A@Q}", "${A@Q}", 0, 6, What::Foreign),
        ("${}", "${}", 0, 3, What::Foreign),
        ("${1:-x}", "${1:-x}", 0, 7, What::Foreign),
        ("${A.B}", "${A.B}", 0, 6, What::Foreign),
        ("${A:x}", "${A:x}", 0, 6, What::Foreign),
        ("${#}", "${#}", 0, 4, What::Foreign),
    ] {
        assert_eq!(expanded(text), expected, "{text}");
        assert_eq!(remarks(text), [Remark { offset, length, what }], "{text}");
    }
}

#[test]
fn a_pattern_of_many_stars_takes_no_longer_than_another() {
    let long = "a".repeat(20_000);
    let known = |_: &str| Known::Value(long.clone());
    assert_eq!(expand("${X##*a*a*a*a*a*a*a*b}", &known, true).0, long);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_remark_is_inside(text in "([${}:#%/^,!A-C*?\\[\\]\\\\ä -]|\\$\\{){0,40}") {
        let (_, remarks) = expand(&text, &lookup, true);
        for remark in remarks {
            prop_assert!(remark.offset + remark.length <= text.chars().count());
        }
    }

    #[test]
    fn a_text_without_dollars_stays_as_it_is(text in "[^$\0]{0,80}") {
        prop_assert!(expand(&text, &lookup, true) == (text.clone(), Vec::new()));
        prop_assert!(settled(text.clone()) == text);
    }
}
