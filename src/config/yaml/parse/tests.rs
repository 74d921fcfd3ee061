//! Tests of trees: places, anchors, merge keys, and the words for what is no tree of ours.

use super::super::node::{Node, Value};
use super::{MAX_DEPTH, parse};
use crate::config::source::decode;
use std::fmt::Write as _;

fn tree(text: &str) -> Node {
    let (root, diagnostics) = parse(&decode("f", text.as_bytes()).unwrap());
    assert_eq!(diagnostics, [], "{text}");
    root.unwrap()
}

fn errors(text: &str) -> Vec<String> {
    let (_, diagnostics) = parse(&decode("f", text.as_bytes()).unwrap());
    diagnostics.iter().map(ToString::to_string).collect()
}

/// Each scalar with its place, `key@line:column+length`.
fn places(node: &Node) -> Vec<String> {
    let place = |text: &str, span: &crate::diag::Span| {
        format!("{text}@{}:{}+{}", span.line, span.column, span.length)
    };
    match &node.value {
        Value::Scalar(scalar) => vec![place(&scalar.text, &node.span)],
        Value::List(items) => items.iter().flat_map(places).collect(),
        Value::Map(entries) => entries
            .iter()
            .flat_map(|entry| {
                [
                    vec![place(&entry.key.text, &entry.key.span)],
                    places(&entry.value),
                ]
                .concat()
            })
            .collect(),
    }
}

#[test]
fn every_key_and_scalar_knows_its_place() {
    assert_eq!(
        places(&tree("# c\nä: 'öö'\nb:\r\n  - x\r\n  - {c: \"d\"} # e\n")),
        ["ä@2:1+1", "öö@2:4+4", "b@3:1+1", "x@4:5+1", "c@5:6+1", "d@5:9+3"]
    );
}

#[test]
fn a_part_of_a_text_is_found_where_it_stands() {
    for (text, offset, length, expected) in [
        ("a: hello ${X}", 6, 4, (1, 10, 4)),
        ("a: 'hello ${X}'", 6, 4, (1, 11, 4)),
        ("a: |\n  one\n  two ${X}\n", 8, 4, (3, 7, 4)),
        ("a: >\n  one\n  two ${X}\n", 8, 4, (2, 3, 3)),
        ("a: \"\\u0041 ${X}\"", 2, 4, (1, 4, 13)),
    ] {
        let root = tree(text);
        let span = root.get("a").unwrap().value.part(offset, length);
        assert_eq!((span.line, span.column, span.length), expected, "{text}");
    }
}

#[test]
fn aliases_are_what_they_stand_for_and_merge_keys_fill_up() {
    let root = tree(
        "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  <<: [*a, *b]\n  x: 9\nd:\n  y: 8\n  <<: *b\ne: *a\n",
    );
    let texts = |key: &str| {
        let entries = root.get(key).unwrap().value.map().unwrap().iter();
        let pair = |entry: &super::Entry| format!("{}{}", entry.key.text, entry.value.scalar().unwrap().text);
        entries.map(pair).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        [texts("c"), texts("d"), texts("e")],
        ["x9 y2 z4", "y8 z4", "x1 y2"]
    );
}

#[test]
fn a_scalar_is_nothing_only_without_quotes() {
    let root = tree("a:\nb: ~\nc: null\nd: ''\ne: 'null'\nf: !!str null\n");
    let nothing: Vec<_> = root
        .map()
        .unwrap()
        .iter()
        .map(|entry| entry.value.is_null())
        .collect();
    assert_eq!(nothing, [true, true, true, false, false, false]);
}

#[test]
fn what_is_no_tree_of_ours_is_told_in_our_words() {
    let mut others = Vec::new();
    for (text, place, words) in [
        (
            "a: 1\nb: 2\na: 3\n",
            "f:3:1",
            "\"a\" is there twice: in line 1 and in line 3",
        ),
        ("a: 1\n---\nb: 2\n", "f:2:1", "a second document begins here"),
        ("[a]: 1\n", "f:1:1", "a list or mapping cannot be a key"),
        ("a: &a [*a]\n", "f:1:8", "inside of what it is an alias of"),
        (
            "a: {<<: 1}\n",
            "f:1:9",
            "`<<` takes a mapping or a list of mappings, not `1`",
        ),
        ("a: *b\n", "f:1:4", "there is no anchor of this name above"),
        ("a:\n\tb: 1\n", "f:2:1:", "a tab cannot indent here"),
        (
            "a: b: c\n",
            "f:1:5",
            "a `:` followed by a blank cannot stand in this value",
        ),
        (
            "a: \"x\n",
            "f:1:4",
            "a quote that opens here or above is never closed",
        ),
        (
            "a: {{.X}}/y\n",
            "f:1:",
            "hint: a text that begins with `{` or `[`",
        ),
        ("a: [1, 2\n", "f:1:9", "a `[` is never closed"),
        ("a: 'x' y\n", "f:1:8", "something follows the closing quote"),
        (
            "a: \"\\q\"\n",
            "f:1:4",
            "this escape means nothing between double quotes",
        ),
        ("a: @x\n", "f:1:4", "no text can begin with this character"),
        (
            "a:\n  b: 1\n c: 2\n",
            "f:3:2",
            "the indentation does not fit what is above",
        ),
        ("a: 1\nb\n", "f:", "a key needs a `:` behind it"),
    ] {
        let found = errors(text);
        let as_expected =
            found.len() == 1 && found[0].starts_with(&format!("error: {place}")) && found[0].contains(words);
        if !as_expected {
            others.push(format!("{text:?}: {}", found.join("\n")));
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n"));
}

#[test]
fn aliases_of_aliases_fill_neither_the_memory_nor_the_stack() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        writeln!(laughs, "a{level}: &a{level} [{alias}]").unwrap();
    }
    let found = errors(&laughs);
    assert!(
        found[0].contains("with this alias the file has more than 100000 values"),
        "{found:?}"
    );
    let mut deep = String::from("a0: &a0 [x]\n");
    for level in 1..10_000 {
        writeln!(deep, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert!(errors(&deep)[0].contains("nested too deeply"));
    assert!(!errors(&"[".repeat(100_000)).is_empty());
    assert!(!errors(&"- ".repeat(MAX_DEPTH + 1)).is_empty());
}
