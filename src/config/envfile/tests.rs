//! Tests of the env file parser: a table of cases, errors with their places, properties, and a comparison
//! with the `dotenvy` crate on the grammar that both accept.

use super::{Variable, parse};
use crate::config::Checked;
use crate::config::source::decode;
use proptest::prelude::{Strategy, prop, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};

fn read(text: &str) -> Checked<Vec<Variable>> {
    let outer = |name: &str| match name {
        "HOME" => Some("/home/me".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    parse(&decode(".env", text.as_bytes()).unwrap(), &outer)
}

/// The value of A, by the last assignment.
fn value_of_a(checked: &Checked<Vec<Variable>>) -> Option<&str> {
    let last = checked.value.iter().rev().find(|variable| variable.name == "A")?;
    Some(&last.value)
}

const SOUND: &[(&str, &str)] = &[
    // plain
    ("A=1", "1"),
    ("A=", ""),
    ("A=   ", ""),
    ("A=a b", "a b"),
    ("A=a  b", "a  b"),
    ("A = 1", "1"),
    ("A= 1", "1"),
    ("A =1", "1"),
    ("  A=1", "1"),
    ("\tA=1", "1"),
    ("A=1  ", "1"),
    ("A=1\t", "1"),
    ("A: 1", "1"),
    ("A:1", "1"),
    ("A=b=c", "b=c"),
    ("A=http://h:1/p?q=1", "http://h:1/p?q=1"),
    ("A=a=b:c", "a=b:c"),
    ("A=ä€😀", "ä€😀"),
    ("A=1\nA=2", "2"),
    // export
    ("export A=1", "1"),
    ("export   A = 1", "1"),
    ("export\tA=1", "1"),
    ("  export A='x'", "x"),
    ("export=1\nA=2", "2"),
    ("export = 1\nA=2", "2"),
    // line ends and marks
    ("A=1\r\n", "1"),
    ("A='1'\r\n", "1"),
    ("A=\r\n", ""),
    ("\u{feff}A=1", "1"),
    ("\n\n  \nA=1\n\n", "1"),
    // comments
    ("# A=0\nA=1", "1"),
    ("---\nA: 1", "1"),
    ("  # A=0\nA=1 # one", "1"),
    ("A=a # c", "a"),
    ("A=a\t# c", "a"),
    ("A=a#c", "a#c"),
    ("A=#fff", "#fff"),
    ("A= # c", ""),
    ("A=\"a # c\"", "a # c"),
    ("A=\"a\" # c", "a"),
    ("A=\"a\"# c", "a"),
    ("A='a' # it's", "a"),
    ("A=a # 'c", "a"),
    // quotes
    ("A='a b'", "a b"),
    ("A=\"a b\"", "a b"),
    ("A=\"\"", ""),
    ("A=''", ""),
    ("A=\"  a  \"", "  a  "),
    ("A='say \"x\"'", "say \"x\""),
    ("A=\"it's\"", "it's"),
    ("A=it's", "it's"),
    ("A=a\"b\"c", "a\"b\"c"),
    ("A=`x`", "`x`"),
    ("A='{\"a\": 1}'", "{\"a\": 1}"),
    // escapes
    ("A=\"a\\nb\"", "a\nb"),
    ("A=\"a\\tb\"", "a\tb"),
    ("A=\"a\\rb\"", "a\rb"),
    ("A=\"a\\\\b\"", "a\\b"),
    ("A=\"a\\\\\"", "a\\"),
    ("A=\"a\\\"b\"", "a\"b"),
    ("A=\"\\!\\`\\ \\'\"", "!` '"),
    ("A=\"\\d+\\.\\d\"", "\\d+.\\d"),
    ("A='a\\nb'", "a\\nb"),
    ("A='it\\'s'", "it's"),
    ("A='C:\\dir\\'", "C:\\dir\\"),
    ("A='C:\\dir\\' # c", "C:\\dir\\"),
    ("A=a\\nb", "a\\nb"),
    ("A=a\\b", "a\\b"),
    ("A=C:\\dir\\", "C:\\dir\\"),
    // several lines
    ("A=\"x\ny\"", "x\ny"),
    ("A='x\ny'", "x\ny"),
    ("A=\"x\r\ny\"\r\n", "x\ny"),
    ("A=\"x\\\ny\"", "x\ny"),
    ("A=\"x\\\r\ny\"", "x\ny"),
    (
        "A=\"-----BEGIN\nab=#c\n\n-----END\"  # key",
        "-----BEGIN\nab=#c\n\n-----END",
    ),
    ("A='x\n# no comment\nB=1'", "x\n# no comment\nB=1"),
    // expansion
    ("B=x\nA=$B", "x"),
    ("B=x\nA=${B}", "x"),
    ("B=x\nA=\"$B\"", "x"),
    ("B=x\nA='$B'", "$B"),
    ("B=x\nA=a${B}c$B.$B", "axcx.x"),
    ("B=x\nB=y\nA=$B", "y"),
    ("HOME=x\nA=$HOME", "x"),
    ("A=$HOME", "/home/me"),
    ("A=$HOME/x:$PATHLESS", "/home/me/x:"),
    ("A=\\$HOME", "$HOME"),
    ("A=\"\\$HOME\"", "$HOME"),
    ("A=\"\\\\$HOME\"", "\\/home/me"),
    ("A=$NOPE", ""),
    ("A=${NOPE:-d}", "d"),
    ("A=${NOPE:-}", ""),
    ("A=${NOPE:-a b}", "a b"),
    ("A=${NOPE:-$HOME/x}", "/home/me/x"),
    ("A=${NOPE:-${EMPTY:-e}}!", "e!"),
    ("A=${NOPE-d}", "d"),
    ("A=${EMPTY:-d}", "d"),
    ("A=${EMPTY-d}", ""),
    ("A=${HOME:-d}", "/home/me"),
    ("A=\"${NOPE:-a\\tb}\"", "a\tb"),
    ("B='$HOME'\nA=$B", "$HOME"),
    ("A=$(echo hi)", "$(echo hi)"),
    ("A=`echo $`", "`echo $`"),
    ("A=pa$word", "pa$word"),
    ("A=pa$Word$1$", "pa$Word$1$"),
    ("A=${level}-${msg:x}", "${level}-${msg:x}"),
    ("A=$$HOME", "$/home/me"),
    ("A=$_X-", "-"),
];

#[test]
fn the_table_of_sound_files_holds() {
    for (text, expected) in SOUND {
        let checked = read(text);
        assert_eq!(checked.diagnostics, [], "{text:?}");
        assert_eq!(value_of_a(&checked), Some(*expected), "{text:?}");
    }
    assert!(SOUND.len() >= 40);
}

/// text, place of each error as (line, column, length), a word of its message, value of A afterwards.
type Broken = (
    &'static str,
    &'static [(usize, usize, usize)],
    &'static str,
    Option<&'static str>,
);

const BROKEN: &[Broken] = &[
    ("foo bar\nA=1", &[(1, 1, 7)], "no `=`", Some("1")),
    ("A=1\n  export A\n", &[(2, 3, 8)], "no `=`", Some("1")),
    ("A-B=2\nA=1", &[(1, 2, 1)], "'-'", Some("1")),
    ("A B=2\nA=1", &[(1, 2, 1)], "white space", Some("1")),
    ("=2\nA=1", &[(1, 1, 1)], "no name", Some("1")),
    ("\"A\"=2\nA=1", &[(1, 1, 1)], "'\"'", Some("1")),
    ("A=\"abc", &[(1, 3, 4)], "never closed", None),
    ("A='abc\nB=1\n", &[(1, 3, 4)], "never closed", None),
    ("B=\"abc\r\nA=1\n", &[(1, 3, 4)], "never closed", Some("1")),
    (
        "B=\"abc\nA=\"1\"\n",
        &[(1, 3, 4)],
        "closed only in line 2",
        Some("1"),
    ),
    (
        "A=1\nA=\"a\" b # c",
        &[(2, 7, 5)],
        "behind the closing",
        Some("1"),
    ),
    ("A=\"a\"b", &[(1, 6, 1)], "behind the closing", None),
    ("A=\"x\ny\" z\nA=1", &[(1, 3, 2), (2, 1, 4)], "", Some("1")),
    ("A=x${B", &[(1, 4, 3)], "closing brace", None),
    ("A=\"${B:-x\"", &[(1, 4, 6)], "closing brace", None),
    ("A=${B:?no}\nA=1", &[(1, 3, 8)], "only ${B}", Some("1")),
    ("é=1\nA=1", &[(1, 1, 1)], "'é'", Some("1")),
    ("A-B='x\ny'\nA=1", &[(1, 2, 1)], "'-'", Some("1")),
    ("x\nA=1\ny\n", &[(1, 1, 1), (3, 1, 1)], "no `=`", Some("1")),
];

#[test]
fn a_bad_line_is_an_error_with_its_place_and_swallows_nothing() {
    for (text, expected, word, value) in BROKEN {
        let checked = read(text);
        let places: Vec<_> = checked
            .diagnostics
            .iter()
            .map(|d| d.span.as_ref().unwrap())
            .map(|span| (span.line, span.column, span.length))
            .collect();
        assert_eq!(places, *expected, "{text:?}");
        assert!(
            checked.diagnostics[0].message.contains(word),
            "{:?}",
            checked.diagnostics[0]
        );
        assert!(checked.has_errors());
        assert_eq!(value_of_a(&checked), *value, "{text:?}");
    }
}

#[test]
fn an_error_shows_file_line_column_and_caret() {
    let checked = read("A=1\nB-C=2\n");
    assert_eq!(
        checked.diagnostics[0].to_string(),
        "error: .env:2:2: a variable's name cannot contain '-'\n    |\n  2 | B-C=2\n    |  ^\n  hint: use letters, digits and `_`"
    );
}

#[test]
fn variables_know_where_they_stand() {
    let checked = read("# c\n\nA='x\ny'\n  export B=2\n");
    let places: Vec<_> = checked.value.iter().map(|v| v.span.to_string()).collect();
    assert_eq!(places, [".env:3:1", ".env:5:10"]);
}

/// The reasons for a parser of our own (`docs/design/env-files.md`), kept true.
#[test]
fn dotenvy_refuses_or_changes_what_projects_have() {
    let oracle = |text: &str| -> String {
        let read: Result<Vec<(String, String)>, _> = dotenvy::from_read_iter(text.as_bytes()).collect();
        match read {
            Ok(variables) => variables.into_iter().map(|(_, value)| value).collect(),
            Err(error) => format!("{error}"),
        }
    };
    for text in [
        "A=a b",
        "A=a\\nb",
        "A=C:\\dir",
        "A=it's",
        "A: 1",
        "A=\"a\\tb\"",
        "A=#fff",
        "A=pa$word",
        "A=a\"b\"c",
        "A='it\\'s'",
        "A=${OVRTEST_NO:-d}",
        "\u{feff}A=1",
    ] {
        let checked = read(text);
        assert_eq!(checked.diagnostics, [], "{text:?}");
        let theirs = oracle(text);
        assert_ne!(checked.value[0].value, theirs, "{text:?}");
    }
}

/// A value that every quoting can carry, with the ways to write it.
fn written() -> impl Strategy<Value = (String, String)> {
    let plain = "[A-Za-z0-9_./:@%+,-]{0,12}".prop_map(|v| (v.clone(), v));
    let single = "[ -&(-~\n]{0,12}".prop_filter("backslash", |v| !v.contains('\\'));
    let single = single.prop_map(|v| (v.clone(), format!("'{v}'")));
    let double = "[ -~\n]{0,12}".prop_map(|v| {
        let escaped = v.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
        (v, format!("\"{escaped}\""))
    });
    prop_oneof![plain, single, double]
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "(?s).{0,200}") {
        if let Ok(source) = decode(".env", text.as_bytes()) {
            for diagnostic in parse(&source, &|_| None).diagnostics {
                prop_assert!(!diagnostic.to_string().is_empty());
            }
        }
    }

    #[test]
    fn every_line_is_accounted_for(
        lines in prop::collection::vec("[ \t]{0,2}[A-B=#: \\\\${}\\-]{0,8}\r?", 0..12)
    ) {
        // Without quotes each line stands for itself.
        let checked = read(&lines.join("\n"));
        let assigned = checked.value.iter().map(|v| v.span.line);
        let refused = checked.diagnostics.iter().map(|d| d.span.as_ref().map_or(0, |s| s.line));
        let mut told: Vec<_> = assigned.chain(refused).collect();
        told.sort_unstable();
        let expected: Vec<_> = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| !matches!(line.trim(), "" | "---") && !line.trim().starts_with('#'))
            .map(|(index, _)| index + 1)
            .collect();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn what_is_written_reads_back(
        values in prop::collection::btree_map("[A-Z][A-Z0-9_]{0,6}", written(), 1..8),
        export in prop_oneof!["", "export "],
        end in "( # c)?(\n|\r\n)",
    ) {
        let lines = values.iter().map(|(name, (_, written))| format!("{export}{name}={written}{end}"));
        let text = lines.collect::<Vec<_>>().concat();
        let checked = read(&text);
        prop_assert_eq!(&checked.diagnostics, &vec![]);
        let found: Vec<_> = checked.value.iter().map(|v| (v.name.as_str(), v.value.as_str())).collect();
        let expected: Vec<_> = values.iter().map(|(n, (v, _))| (n.as_str(), v.as_str())).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn dotenvy_agrees_on_the_common_grammar(
        values in prop::collection::btree_map("OVRTEST_[A-Z]{1,4}", written(), 1..8),
        export in prop_oneof!["", "export "],
        around in prop_oneof!["=", " = ", "= "],
        end in "( # c)?\n",
        reference in prop::sample::select(
            vec!["", "${OVRTEST_A}", "a${OVRTEST_B}b", "\"${OVRTEST_C} x\""]
        ),
    ) {
        let lines = values
            .iter()
            .map(|(name, (_, written))| format!("{export}{name}{around}{written}{end}"))
            .chain([format!("REFERENCE={reference}\n")]);
        let text = lines.collect::<Vec<_>>().concat();
        let oracle: Vec<(String, String)> = dotenvy::from_read_iter(text.as_bytes())
            .collect::<Result<_, _>>()
            .unwrap();
        let checked = read(&text);
        prop_assert_eq!(&checked.diagnostics, &vec![]);
        let ours: Vec<_> = checked.value.into_iter().map(|v| (v.name, v.value)).collect();
        prop_assert_eq!(ours, oracle);
    }
}

/// The example of the manual is an env file without a mistake.
#[test]
fn the_documented_example_holds() {
    let document = include_str!("../../../docs/environment.md");
    let example = document
        .split("```sh\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let checked = read(example);
    assert_eq!(checked.diagnostics, []);
    let found: Vec<_> = checked
        .value
        .iter()
        .map(|v| (v.name.as_str(), v.value.as_str()))
        .collect();
    let expected = [
        ("A", "1"),
        ("B", "two words"),
        ("C", "also fine"),
        ("D", "also fine"),
        ("E", "no quotes needed, it's all one value"),
        ("F", "$A is not expanded here"),
        ("G", "a line\nanother line"),
        ("H", "a value may\nspan lines in quotes"),
        ("I", "1-two words"),
        ("J", "default"),
        ("K", "$A"),
    ];
    assert_eq!(found, expected);
}
