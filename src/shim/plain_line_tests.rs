//! What is taken apart, what is left to a shell, and that a shell would have made the same of it.

use super::{PlainLine, take_apart};
use crate::model::{CommonVariables, Variables};
use proptest::prelude::*;
use std::path::Path;
use std::process::Command;

fn environment(pairs: &[(&str, &str)]) -> Variables {
    let path = [("PATH", "/usr/bin:/bin")];
    let own = path.iter().chain(pairs);
    Variables::new(
        &CommonVariables::default(),
        own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

fn usual() -> Variables {
    environment(&[
        ("PORT", "5000"),
        ("EMPTY", ""),
        ("WORDS", "a b"),
        ("GLOB", "/*"),
        ("TERM", "xterm"),
        ("HOME", "/root"),
    ])
}

fn taken(line: &str, environment: &Variables) -> Option<PlainLine> {
    let argv = ["/bin/sh".to_owned(), "-c".to_owned(), line.to_owned()];
    take_apart(&argv, environment, |name| name == "TERM")
}

fn words(line: &str) -> Option<Vec<String>> {
    let line = taken(line, &usual())?;
    assert!(
        line.directory.is_none() && line.assignments.is_empty(),
        "{line:?}"
    );
    Some(line.argv)
}

#[test]
fn a_plain_line_is_its_words() {
    let cases: &[(&str, &[&str])] = &[
        ("node server.js", &["node", "server.js"]),
        ("  bin/rails \t s -p $PORT\n", &["bin/rails", "s", "-p", "5000"]),
        (
            "exec node --x=${PORT}1 a/b:c,d@e+f%g",
            &["node", "--x=50001", "a/b:c,d@e+f%g"],
        ),
        (
            "serve ${OTHER:-3000} ${PORT:-3000} ${EMPTY:-7}",
            &["serve", "3000", "5000", "7"],
        ),
        (
            r#"a 'b  $PORT "c"' "d '$WORDS' é"e"#,
            &["a", "b  $PORT \"c\"", "d 'a b' ée"],
        ),
        (r#"a "" '' "$EMPTY""${EMPTY:-}""#, &["a", "", "", ""]),
        ("a x=1 cd", &["a", "x=1", "cd"]),
        ("exec 'A=b'", &["A=b"]),
        ("/bin/echo hi", &["/bin/echo", "hi"]),
        ("exec echo hi", &["echo", "hi"]),
        ("a 'two\nlines'", &["a", "two\nlines"]),
    ];
    for (line, expected) in cases {
        let expected: Vec<String> = expected.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(words(line), Some(expected), "{line}");
    }
}

#[test]
fn a_directory_and_assignments_in_front_are_understood() {
    let line = taken(
        "cd web/app && NODE_ENV=dev P=$PORT Q='a b' R= npm run dev",
        &usual(),
    )
    .unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        line,
        PlainLine {
            argv: ["npm", "run", "dev"].map(str::to_owned).to_vec(),
            directory: Some("web/app".to_owned()),
            assignments: vec![
                pair("NODE_ENV", "dev"),
                pair("P", "5000"),
                pair("Q", "a b"),
                pair("R", "")
            ],
        }
    );
    assert_eq!(
        taken("cd web&&a", &usual()).unwrap().directory.as_deref(),
        Some("web")
    );
}

#[test]
fn whatever_a_shell_decides_is_left_to_a_shell() {
    for line in [
        "",
        "   ",
        "''",
        "a; b",
        "a | b",
        "a & b",
        "a &",
        "a &&",
        "&& a",
        "a && b",
        "cd x && a && b",
        "a || b",
        "a >log",
        "a <in",
        "a 2>&1",
        "(a)",
        "{ a; }",
        "a {b,c}",
        "a *.js",
        "a [x]",
        "a ?",
        "a ~/x",
        "~/bin/a",
        "a \\x",
        "a `b`",
        "a $(b)",
        "a $((1+1))",
        "a \"$(b)\"",
        "a \"\\x\"",
        "a 'b",
        "a \"b",
        "a #b",
        "! a",
        "a\nb",
        "if a",
        "echo hi",
        "'echo' hi",
        "test -f x",
        "time a",
        "export A=b",
        "A=b",
        "A=b cd x",
        "source x",
        ". x",
        "exec",
        "exec -a x y",
        "exec A=b",
        "PATH=/x a",
        "IFS=x a",
        "BASH_ENV=x a",
        "ENV=x a",
        "TERM=x a",
        "a $UNSET",
        "a ${UNSET}",
        "a $EMPTY",
        "a $WORDS",
        "a $GLOB",
        "a $TERM",
        "a ${TERM:-x}",
        "a $PWD",
        "a $1",
        "a $$",
        "a $?",
        "a $",
        "a ${PORT:=1}",
        "a ${PORT:+1}",
        "a ${#PORT}",
        "a ${PORT%0}",
        "a ${PORT",
        "a \"$PORT",
        "a é",
        "cd && a",
        "cd - && a",
        "cd .. && a",
        "cd a/../b && c",
        "cd -P x && a",
        "cd a b && c",
        "cd '' && a",
        "cd //x && a",
        "-v y",
        " -v y",
        "=x",
        // What of an assignment in front holds behind it is not the same everywhere.
        "PORT=3000 URL=http://localhost:$PORT a",
        "PORT=3000 URL=\"${PORT:-1}\" exec a",
        "a\u{a0}b",
        "a\rb",
    ] {
        assert_eq!(taken(line, &usual()), None, "{line:?}");
    }
}

#[test]
fn a_shell_that_may_do_more_than_the_line_says_is_left_alone() {
    for pair in [
        ("BASH_ENV", "x"),
        ("BASH_FUNC_node%%", "() { echo hi; }"),
        ("ENV", "x"),
        ("SHELLOPTS", "xtrace"),
        ("PATH", ""),
    ] {
        assert_eq!(taken("node x", &environment(&[pair])), None, "{pair:?}");
    }
    assert_eq!(taken("cd x && node x", &environment(&[("CDPATH", "/y")])), None);
    for argv in [
        &["zsh", "-c", "node x"][..],
        &["sh", "-ec", "node x"],
        &["sh", "-e", "-c", "node x"],
        &["node", "x"],
        &["sh"],
    ] {
        let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(take_apart(&argv, &usual(), |_| false), None, "{argv:?}");
    }
}

/// Pieces of lines, most of which go together to something that is understood.
fn lines() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z0-9=/:.,@%+_-]{1,4}",
        "'[ -&(-~]{0,4}'",
        "\"[a-z $'=*é]{0,4}\"",
        Just("$PORT".to_owned()),
        Just("${PORT}".to_owned()),
        Just("${UNSET:-x}".to_owned()),
        Just("\"$WORDS\"".to_owned()),
        Just("\"$GLOB$EMPTY\"".to_owned()),
        Just("$GLOB".to_owned()),
    ];
    let word = proptest::collection::vec(piece, 1..3).prop_map(|pieces| pieces.concat());
    let front = prop_oneof![
        Just(String::new()),
        Just("exec ".to_owned()),
        Just("A=1 B=$PORT ".to_owned()),
        Just("A=1 A=\"$WORDS\" ".to_owned()),
        Just("cd /usr/./lib/ && ".to_owned()),
        Just("cd lib && C='x y' exec ".to_owned()),
        Just("cd lib&&D=${UNSET:-x} ".to_owned()),
    ];
    (front, proptest::collection::vec(word, 0..4))
        .prop_map(|(front, words)| format!("{front}/usr/bin/env printf '[%s]' {}", words.join(" ")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_shell_would_have_started_the_same(line in lines()) {
        let environment = usual();
        let shells = ["/bin/sh", "/bin/bash"].into_iter().filter(|shell| Path::new(shell).exists());
        for shell in shells {
            let Some(taken) = taken(&line, &environment) else { continue };
            let mut shell = Command::new(shell);
            shell.args(["-c", &line]);
            let mut direct = Command::new(&taken.argv[0]);
            direct.args(&taken.argv[1..]);
            for (command, directory) in [(&mut shell, None), (&mut direct, taken.directory)] {
                command.env_clear().envs(environment.iter());
                command.current_dir(Path::new("/usr").join(directory.unwrap_or_default()));
            }
            direct.envs(taken.assignments);
            let (shell, direct) = (shell.output().unwrap(), direct.output().unwrap());
            prop_assert_eq!(shell.status.code(), direct.status.code());
            let text = |output: Vec<u8>| String::from_utf8_lossy(&output).into_owned();
            prop_assert_eq!(text(shell.stdout), text(direct.stdout));
        }
    }
}
