//! Tests of the Procfile parser: a table of cases, properties, and a comparison with the `procfile` crate.

use super::{Entry, parse};
use crate::config::Checked;
use crate::config::source::decode;
use crate::diag::{Diagnostic, Severity};
use proptest::prelude::{Strategy, prop, proptest};
use proptest::{prop_assert, prop_assert_eq};
use std::collections::{BTreeMap, BTreeSet};

fn read(text: &str) -> Checked<Vec<Entry>> {
    parse(&decode("Procfile", text.as_bytes()).unwrap())
}

fn pairs(checked: &Checked<Vec<Entry>>) -> Vec<(&str, &str)> {
    checked
        .value
        .iter()
        .map(|entry| (entry.name.as_str(), entry.command.as_str()))
        .collect()
}

fn place(diagnostic: &Diagnostic) -> (usize, usize, usize) {
    let span = diagnostic.span.as_ref().unwrap();
    (span.line, span.column, span.length)
}

#[test]
fn the_forms_that_any_of_the_peers_accepts_are_entries() {
    for (text, expected) in [
        ("web: cmd", ("web", "cmd")),
        ("web:cmd", ("web", "cmd")),
        ("web:\tcmd", ("web", "cmd")),
        ("  web: cmd", ("web", "cmd")),
        ("\tweb: cmd", ("web", "cmd")),
        ("web : cmd", ("web", "cmd")),
        ("web\t:\t cmd \t", ("web", "cmd")),
        ("web: cmd\r\n", ("web", "cmd")),
        ("\u{feff}web: cmd", ("web", "cmd")),
        ("\u{feff}  web: cmd\r\n", ("web", "cmd")),
        ("web.1: cmd", ("web.1", "cmd")),
        ("wéb: cmd", ("wéb", "cmd")),
        ("my-app_2: cmd", ("my-app_2", "cmd")),
        ("1: cmd", ("1", "cmd")),
        ("web: a:b: c", ("web", "a:b: c")),
        ("web: :", ("web", ":")),
        ("web: cmd # not a comment", ("web", "cmd # not a comment")),
        ("web: #", ("web", "#")),
        (
            "web: echo \"$A\" '$B' `c` $(d) && e | f",
            ("web", "echo \"$A\" '$B' `c` $(d) && e | f"),
        ),
        ("web: $PORT $PORTX ${PORT}", ("web", "$PORT $PORTX ${PORT}")),
        ("web: a  b\tc", ("web", "a  b\tc")),
        ("web: printf 'a\\\\'\\\\", ("web", "printf 'a\\\\'\\\\")),
    ] {
        let checked = read(text);
        assert_eq!(pairs(&checked), [expected], "{text:?}");
        assert_eq!(checked.diagnostics, [], "{text:?}");
    }
}

#[test]
fn comments_and_blank_lines_are_neither_entries_nor_worth_a_word() {
    let checked = read("# web: a\n#web: b\n   # c: d\n\t\n\r\n   \nweb: x\n\n");
    assert_eq!(pairs(&checked), [("web", "x")]);
    assert_eq!(checked.diagnostics, []);
    assert_eq!(checked.value[0].origin(), "Procfile:7");
}

#[test]
fn entries_know_their_position_and_their_place() {
    let checked = read("# c\n  api :  run it \n\nweb: x\n");
    let api = &checked.value[0];
    assert_eq!((api.position, api.line()), (0, 2));
    assert_eq!((api.name_span.column, api.name_span.length), (3, 3));
    assert_eq!((api.command_span.column, api.command_span.length), (10, 6));
    assert_eq!(checked.value[1].position, 1);
}

#[test]
fn a_line_without_a_colon_is_a_warning_that_points_at_it() {
    let checked = read("web: x\n  workr  \n");
    assert_eq!(pairs(&checked), [("web", "x")]);
    assert_eq!(checked.diagnostics.len(), 1);
    let warning = &checked.diagnostics[0];
    assert_eq!(warning.severity, Severity::Warning);
    assert_eq!(place(warning), (2, 3, 5));
    assert!(
        warning.to_string().starts_with(
            "warning: Procfile:2:3: no colon in this line: it is no entry, and is ignored\n    |\n  2 |   workr  \n    |   ^^^^^\n"
        ),
        "{warning}"
    );
}

#[test]
fn a_name_that_is_not_allowed_is_an_error_that_points_at_the_reason() {
    for (text, expected, word) in [
        ("my app: x", (1, 3, 1), "white space"),
        ("a/b: x", (1, 2, 1), "'/'"),
        ("  a#1: x", (1, 4, 1), "'#'"),
        ("[x]: x", (1, 1, 1), "'['"),
        ("-web: x", (1, 1, 4), "begin with `-`"),
        ("all: x", (1, 1, 3), "reserved"),
        ("..: x", (1, 1, 2), "dots"),
        (": x", (1, 1, 1), "needs a name"),
    ] {
        let checked = read(text);
        assert_eq!(checked.diagnostics.len(), 1, "{text}");
        assert_eq!(place(&checked.diagnostics[0]), expected, "{text}");
        assert!(checked.diagnostics[0].message.contains(word), "{text}");
        assert!(checked.into_result().is_err(), "{text}");
    }
}

#[test]
fn an_entry_without_a_command_is_an_error() {
    for text in ["web:", "web:   ", "web: \t\r\n"] {
        let checked = read(text);
        assert_eq!(checked.diagnostics.len(), 1);
        assert_eq!(checked.diagnostics[0].message, "\"web\" has no command");
        assert_eq!(place(&checked.diagnostics[0]), (1, 1, 4));
    }
}

#[test]
fn a_name_declared_twice_is_an_error_that_names_both_lines() {
    let checked = read("web: a\n\n# c\n web: b\nweb: c\n");
    let messages: Vec<_> = checked.diagnostics.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the name \"web\" is declared twice: in line 1 and in line 4",
            "the name \"web\" is declared twice: in line 1 and in line 5",
        ]
    );
    assert_eq!(place(&checked.diagnostics[0]), (4, 2, 3));
}

#[test]
fn a_backslash_at_the_end_is_a_warning_and_stays_in_the_command() {
    let checked = read("web: a \\\napi: b\n");
    assert_eq!(pairs(&checked), [("web", "a \\"), ("api", "b")]);
    assert_eq!(checked.diagnostics.len(), 1);
    assert_eq!(checked.diagnostics[0].severity, Severity::Warning);
    assert_eq!(place(&checked.diagnostics[0]), (1, 8, 1));
}

#[test]
fn a_file_without_an_entry_is_an_error_with_an_example_that_parses() {
    for text in ["", "\n\n", "# web: x\n", "nothing here\n", "\u{feff}"] {
        let checked = read(text);
        let error = checked.diagnostics.last().unwrap();
        assert_eq!(error.message, "Procfile declares no service", "{text:?}");
        let example = error.hints[0].split_once('\n').unwrap().1;
        assert_eq!(read(example).value.len(), 2);
    }
    assert_eq!(read("web:\n").diagnostics.len(), 1);
}

#[test]
fn all_errors_of_a_file_are_reported_at_once() {
    let checked = read("my app: x\nweb:\nall: y\njunk\nok: z\nok: z\n");
    let found: Vec<_> = checked.diagnostics.iter().map(|d| place(d).0).collect();
    assert_eq!(found, [1, 2, 3, 4, 6]);
    assert_eq!(checked.into_result().unwrap_err().len(), 5);
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_]{1,12}".prop_filter("reserved", |name| name != "all")
}

fn command() -> impl Strategy<Value = String> {
    r"[!-~]([ -~]{0,30}[!-\[\]-~])?".prop_filter("continuation", |c| !c.ends_with('\\'))
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "(?s).{0,200}") {
        if let Ok(source) = decode("Procfile", text.as_bytes()) {
            for diagnostic in parse(&source).diagnostics {
                prop_assert!(!diagnostic.to_string().is_empty());
            }
        }
    }

    #[test]
    fn every_line_is_accounted_for(
        text in prop::collection::vec("[ \t]{0,2}[a-c#: \\\\é/]{0,8}\r?", 0..12).prop_map(|l| l.join("\n"))
    ) {
        let checked = read(&text);
        let mut known: BTreeSet<usize> = checked.value.iter().map(Entry::line).collect();
        known.extend(checked.diagnostics.iter().filter_map(|d| Some(d.span.as_ref()?.line)));
        for (index, line) in text.split('\n').enumerate() {
            let content = line.trim();
            let silent = content.is_empty() || content.starts_with('#');
            prop_assert_eq!(known.contains(&(index + 1)), !silent, "line {}: {:?}", index + 1, line);
        }
    }

    #[test]
    fn what_is_printed_reads_back(
        services in prop::collection::btree_map("[a-z0-9_.+@é][a-z0-9_.+@é-]{0,8}", command(), 1..10)
    ) {
        let services: Vec<_> = services
            .into_iter()
            .filter(|(name, _)| name != "all" && name.chars().any(|c| c != '.'))
            .collect();
        let text = services.iter().map(|(n, c)| format!("{n}: {c}\n")).collect::<Vec<_>>().concat();
        let checked = read(&text);
        let expected: Vec<_> = services.iter().map(|(n, c)| (n.as_str(), c.as_str())).collect();
        prop_assert_eq!(pairs(&checked), expected);
        prop_assert_eq!(checked.has_errors(), services.is_empty());
    }

    #[test]
    fn the_procfile_crate_agrees_on_the_common_grammar(
        services in prop::collection::btree_map(name(), command(), 1..10),
        gap in "[ \t]{0,3}",
        end in "(\n|\r\n)",
        comment in "# [a-z ]{0,10}",
    ) {
        let lines = services.iter().map(|(name, command)| format!("{name}:{gap}{command}{end}"));
        let text = [format!("{comment}{end}{end}")].into_iter().chain(lines).collect::<Vec<_>>().concat();
        let oracle: BTreeMap<String, String> = procfile::parse(&text)
            .unwrap()
            .iter()
            .map(|entry| (entry.key().to_string(), entry.value().to_string().trim().to_owned()))
            .collect();
        let checked = read(&text);
        let ours: BTreeMap<String, String> = checked
            .value
            .iter()
            .map(|entry| (entry.name.to_string(), entry.command.clone()))
            .collect();
        prop_assert_eq!(&ours, &oracle);
        prop_assert_eq!(ours, services);
        prop_assert_eq!(checked.diagnostics, vec![]);
    }
}
