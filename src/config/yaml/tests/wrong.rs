//! What is said about what is wrong, compared whole; and that whatever is said points into the file.

use super::{read_files, read_one, told};
use crate::diag::Severity;
use proptest::prelude::{Strategy, prop, proptest};
use proptest::string::string_regex;
use proptest::{prop_assert, prop_oneof};

#[test]
fn all_errors_of_a_file_are_told_at_once_in_the_order_of_the_text() {
    let checked = read_one(
        "ovr.yaml",
        "processes:\n  web:\n    comand: run\n    command: run\n    replicas: many\n  api:\n    depends_on: [wbe]\n",
    );
    assert_eq!(
        told(&checked),
        "error: ovr.yaml:3:5: `comand` is no key of a process
    |
  3 |     comand: run
    |     ^^^^^^
  hint: did you mean `command`?
error: ovr.yaml:5:15: `replicas` takes a whole number from 0 to 1000, not `many`
    |
  5 |     replicas: many
    |               ^^^^
error: ovr.yaml:6:3: \"api\" has no command
    |
  6 |   api:
    |   ^^^
  hint: say what to run: `command: …`
error: ovr.yaml:7:18: api depends on \"wbe\", which is no service
    |
  7 |     depends_on: [wbe]
    |                  ^^^
  hint: did you mean \"web\"?"
    );
}

/// The errors and warnings about a configuration, without their source lines.
fn short(text: &str) -> Vec<String> {
    shorter("ovr.yaml", text)
}

fn shorter(name: &str, text: &str) -> Vec<String> {
    let checked = read_one(name, text);
    let lines = checked.diagnostics.iter().map(|diagnostic| {
        let span = diagnostic.span.as_ref().unwrap();
        let word = match diagnostic.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        let hint = diagnostic
            .hints
            .first()
            .map(|hint| format!(" ({hint})"))
            .unwrap_or_default();
        format!(
            "{word}{}:{}: {}{hint}",
            span.line, span.column, diagnostic.message
        )
    });
    lines.collect()
}

#[test]
fn a_key_at_the_wrong_place_is_told_its_own() {
    assert_eq!(
        short("command: x\nprocesses:\n  web:\n    command: y\n    env_cmds: {A: b}\n"),
        [
            "1:1: `command` is no key of a configuration (it is a key of a process: write it below the process's name, in \
             `processes`)",
            "5:5: `env_cmds` is no key of a process (it is a key of the whole configuration: write it at the left margin)",
        ]
    );
}

#[test]
fn an_unknown_key_is_an_error_in_our_file_and_a_warning_in_theirs() {
    let text = "x-own: {}\nservices: {}\nprocesses:\n  web:\n    command: x\n    x-note: y\n    cwd: z\n    health: {}\n    shutdown: {sginal: TERM}\n";
    let ours = [
        "2:1: `services` is no key of a configuration (did you mean `processes`?)",
        "7:5: `cwd` is no key of a process (did you mean `working_dir`?)",
        "8:5: `health` is no key of a process (a key of your own begins with `x-`)",
        "9:16: `sginal` is no key of `shutdown` (did you mean `signal`?)",
    ];
    assert_eq!(short(text), ours);
    assert_eq!(
        shorter("process-compose.yaml", text),
        ours.map(|line| format!("warning: {line}"))
    );
    assert_eq!(
        shorter("process-compose.yaml", &format!("{text}is_strict: true\n")),
        ours
    );
}

/// The fifth line is the next one of a process.
const PROCESS: &str = "processes:\n  db: {command: x, port: auto}\n  web:\n    command: x\n";

#[test]
fn a_word_that_a_key_does_not_take_is_told_with_those_that_it_does() {
    for (text, expected) in [
        (
            "    availability: {restart: on-failure}",
            "5:29: `restart` takes one of `no`, `always`, `on_failure`, `exit_on_failure`, not `on-failure` (did you mean `on_failure`?)",
        ),
        (
            "    availability: {restart: never}",
            "5:29: `restart` takes one of `no`, `always`, `on_failure`, `exit_on_failure`, not `never` (did you mean `no`?)",
        ),
        (
            "    availability: {restart: exit_on_end}",
            "5:29: `restart` takes one of `no`, `always`, `on_failure`, `exit_on_failure`, not `exit_on_end` (write `exit_on_end: true`, which is a key beside `restart`)",
        ),
        (
            "    depends_on: {db: {condition: service_healthy}}",
            "5:34: `condition` takes one of `process_started`, `process_healthy`, `process_log_ready`, `process_completed`, `process_completed_successfully`, not `service_healthy` (did you mean `process_healthy`?)",
        ),
        (
            "    ready: ntofy",
            "5:12: `ready` takes `notify`, not `ntofy` (did you mean `notify`?)",
        ),
        (
            "    shutdown: {signal: TREM}",
            "5:24: no signal is called \"TREM\"; use a name such as TERM, INT, HUP, or a number",
        ),
        (
            "    readiness_probe: {http_get: {scheme: ftp}}",
            "5:42: `scheme` takes `http` or `https`, not `ftp`",
        ),
    ] {
        assert_eq!(short(&format!("{PROCESS}{text}\n")), [expected], "{text}");
    }
}

#[test]
fn what_a_part_of_a_process_lacks_or_says_twice_is_told_at_its_place() {
    for (text, expected) in [
        (
            "    environment:\n      - A: b",
            "6:9: expected `NAME=value`, found a mapping (write `- \"A=b\"`)",
        ),
        (
            "    environment: [LANG]",
            "5:19: LANG gets no value here, so it keeps the one it has outside (write `LANG=` for an empty value, or remove the line)",
        ),
        (
            "    shutdown: {send_keys: 'ab\\q'}",
            "5:30: this escape means nothing; there are \\n \\r \\t \\b \\f \\v \\a \\e \\0 \\xHH and \\\\",
        ),
        (
            "    readiness_probe: {period_seconds: 2}",
            "5:5: `readiness_probe` does not say what to check (give it `exec`, `http_get` or `tcp_socket`)",
        ),
        ("    liveness_probe: {exec: {}}", "5:22: `exec` needs a `command`"),
        (
            "    schedule: {run_on_start: true}",
            "5:5: `schedule` says neither `cron` nor `interval`",
        ),
        ("    watch: {debounce: 1s}", "5:5: `watch` needs `paths`"),
        (
            "    entrypoint: [y]",
            "5:18: `command` and `entrypoint` both say what to run: `command` counts (remove one of them)",
        ),
        (
            "    command: y",
            "5:5: \"command\" is there twice: in line 4 and in line 5",
        ),
    ] {
        assert_eq!(short(&format!("{PROCESS}{text}\n")), [expected], "{text}");
    }
}

#[test]
fn a_name_that_no_service_can_have_is_an_error_at_the_name() {
    assert_eq!(
        short("processes:\n  my app: {command: x}\n  all: {command: y}\n  web: {command: z}\n"),
        [
            "2:3: a name cannot contain white space",
            "3:3: the name `all` is reserved: it stands for every service",
        ]
    );
}

#[test]
fn what_one_waits_for_has_to_be_able_to_come() {
    let services = "processes:\n  plain: {command: x}\n  live: {command: x, liveness_probe: {exec: {command: y}}}\n  probed: {command: x, readiness_probe: {exec: {command: y}}}\n  said: {command: x, ready: notify}\n  told: {command: x, ready_log_line: up}\n  booting: {command: x, startup_probe: {exec: {command: y}}}\n  open: {command: x, port: 80}\n  held: {command: x, listen: 80}\n  always: {command: x, availability: {restart: always}}\n  off: {command: x, disabled: true}\n  many: {command: x, replicas: 12}\n";
    let signs = "a `readiness_probe`, a `ready_log_line` or a `port`, or wait for it to be started: `process_started`, or no condition";
    let never = |name: &str| {
        format!("nothing says when {name} is ready, so there is nothing to wait for (give {name} {signs})")
    };
    // With the column, counted from the dependency's name: 0 is the name itself.
    for (on, condition, expected) in [
        ("plain", "process_started", None),
        ("plain", "process_completed_successfully", None),
        ("plain", "process_healthy", Some((true, never("plain")))),
        ("live", "process_healthy", Some((true, never("live")))),
        ("probed", "process_healthy", None),
        ("said", "process_healthy", None),
        ("told", "process_healthy", None),
        ("told", "process_log_ready", None),
        ("booting", "process_healthy", None),
        ("open", "process_healthy", None),
        ("held", "process_healthy", None),
        ("many-03", "process_started", None),
        (
            "many-3",
            "process_started",
            Some((false, "web depends on \"many-3\", which is no service (did you mean \"many\"?)".to_owned())),
        ),
        (
            "probed",
            "process_log_ready",
            Some((true, "probed has no `ready_log_line`, so this never comes true (give probed one, or use another condition)".to_owned())),
        ),
        (
            "web",
            "process_started",
            Some((false, "web depends on itself".to_owned())),
        ),
    ] {
        let text = format!(
            "{services}  web: {{command: x, depends_on: {{{on}: {{condition: {condition}}}}}}}\n"
        );
        let expected = expected.map(|(at_condition, message)| {
            let column = 34 + if at_condition { on.len() + 14 } else { 0 };
            format!("13:{column}: {message}")
        });
        assert_eq!(short(&text), expected.into_iter().collect::<Vec<_>>(), "{text}");
    }
}

#[test]
fn what_will_hardly_come_is_a_warning() {
    for (other, condition, expected) in [
        (
            "availability: {restart: always}",
            "process_completed",
            "warning: 3:50: db is always started again, so it never ends (use another condition, or give db `max_restarts` or `restart: on_failure`)",
        ),
        (
            "disabled: true",
            "process_started",
            "warning: 3:34: web depends on db, which is disabled (remove `disabled` there, or the dependency here)",
        ),
    ] {
        let text = format!(
            "processes:\n  db: {{command: x, {other}}}\n  web: {{command: x, depends_on: {{db: {{condition: {condition}}}}}}}\n"
        );
        assert_eq!(short(&text), [expected]);
    }
    let limited = "processes:\n  db: {command: x, availability: {restart: always, max_restarts: 2}}\n  web: {command: x, depends_on: {db: {condition: process_completed}}}\n";
    assert_eq!(short(limited), [""; 0]);
}

#[test]
fn a_service_is_ready_by_one_sign() {
    let probe = "readiness_probe: {exec: {command: y}}";
    for (keys, both) in [
        (
            format!("{probe}, ready_log_line: up"),
            "`readiness_probe` and `ready_log_line`",
        ),
        (
            format!("{probe}, ready: notify"),
            "`readiness_probe` and `ready: notify`",
        ),
        (
            "ready_log_line: up, ready: notify".to_owned(),
            "`ready_log_line` and `ready: notify`",
        ),
    ] {
        let found = short(&format!("processes: {{web: {{command: x, {keys}}}}}\n"));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].ends_with(&format!("{both} both say when it is ready (remove one of them)")),
            "{found:?}"
        );
    }
}

#[test]
fn a_circle_is_told_with_its_way_once() {
    let checked = read_one(
        "ovr.yaml",
        "processes:\n  a: {command: x, depends_on: [b]}\n  b: {command: x, depends_on: [c, d]}\n  c: {command: x, depends_on: [b]}\n  d: {command: x, depends_on: [a]}\n  e: {command: x, depends_on: [a]}\n",
    );
    assert_eq!(
        told(&checked),
        "error: ovr.yaml:4:32: these wait for each other: b → c → b
    |
  4 |   c: {command: x, depends_on: [b]}
    |                                ^
  hint: remove one of these dependencies
error: ovr.yaml:5:32: these wait for each other: a → b → d → a
    |
  5 |   d: {command: x, depends_on: [a]}
    |                                ^
  hint: remove one of these dependencies"
    );
}

#[test]
fn a_configuration_without_a_service_is_an_error_with_an_example_that_is_read() {
    for text in [
        "",
        "# nothing\n",
        "processes: {}\n",
        "processes:\n",
        "version: '0.5'\n",
    ] {
        let checked = read_one("ovr.yaml", text);
        assert_eq!(checked.diagnostics.len(), 1, "{text:?}");
        assert_eq!(
            checked.diagnostics[0].message,
            "this configuration declares no service"
        );
        let example = checked.diagnostics[0].hints[0].split_once('\n').unwrap().1;
        assert_eq!(short(example), [""; 0]);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_nothing_is_concluded_from_what_is_missing() {
    let upper = "processes:\n  web: {replicas: 2, depends_on: [db]}\n";
    let checked = read_files(&["gone.yaml", "ovr.yaml"], &[("ovr.yaml", upper)], None);
    assert_eq!(
        told(&checked),
        "error: cannot read gone.yaml\n  because: entity not found"
    );
    let broken = "processes: [\n";
    let checked = read_files(
        &["ovr.yaml", "o.yaml"],
        &[("ovr.yaml", broken), ("o.yaml", upper)],
        None,
    );
    assert_eq!(checked.diagnostics.len(), 1, "{}", told(&checked));
}

/// Lines that are about as much of a configuration as people's mistakes are.
fn lines() -> impl Strategy<Value = String> {
    let key = "(processes|web|db|command|environment|depends_on|extends|readiness_probe|exec|watch|paths|shutdown|vars|<<|ä|x-y)";
    let value = r#"(|x|\$\{[A-Z]{0,2}[:#%/-]{0,2}|"\\x4|'a''b'|\[a, b\]|\{a: b\}|&a|\*a|\||>-|12|true|~|ö \$\$ \$\{N\}|\$\{X:\?y\})"#;
    let line = prop_oneof![
        string_regex(&format!(" {{0,6}}{key}:( {value})?")).unwrap(),
        string_regex(&format!(" {{0,6}}- {value}")).unwrap(),
        "(\t| ){0,4}[ -~ä]{0,12}".prop_map(|text| text),
        "(#.{0,5}|---|\r|)",
    ];
    prop::collection::vec(line, 0..14).prop_map(|lines| lines.join("\n"))
}

fn points_inside(text: &str) -> Result<(), proptest::test_runner::TestCaseError> {
    let checked = read_one("ovr.yaml", text);
    for diagnostic in &checked.diagnostics {
        prop_assert!(!diagnostic.to_string().is_empty());
        let Some(span) = &diagnostic.span else {
            prop_assert!(false, "no place: {diagnostic}");
            continue;
        };
        let line = span.source.text.split('\n').nth(span.line - 1);
        prop_assert!(line.is_some(), "{}: {text:?}", diagnostic.message);
        let length = line.unwrap_or_default().chars().count();
        prop_assert!(span.column <= length + 1, "{}: {text:?}", diagnostic.message);
        prop_assert!(
            span.length <= (length + 1).saturating_sub(span.column).max(1),
            "{}: {text:?}",
            diagnostic.message
        );
    }
    Ok(())
}

#[test]
fn a_nul_that_an_escape_makes_is_refused_wherever_it_stands() {
    assert_eq!(
        short(
            "environment: { A: \"\\0{x}\", \"B\\u0000\": b }\nprocesses: { web: { command: \"a\\x00b\" } }\n"
        ),
        [
            "1:19: a NUL byte cannot stand here",
            "1:28: a NUL byte cannot stand here",
            "2:30: a NUL byte cannot stand here",
        ]
    );
}

proptest! {
    #[test]
    fn whatever_the_text_is_nothing_panics_and_all_that_is_said_points_into_it(text in "(?s)[^\0]{0,120}") {
        points_inside(&text)?;
    }

    #[test]
    fn whatever_mistakes_are_made_nothing_panics_and_all_that_is_said_points_into_the_file(text in lines()) {
        points_inside(&text)?;
        points_inside(&format!("processes:\n  web:\n    command: x\n{text}"))?;
    }
}
