//! Every command without a terminal: nothing asks, pages, colours or draws; errors stand on standard error with a
//! documented code and a next step; with `--json`, standard output holds JSON or nothing and errors are JSON too.

use crate::harness::{Output, Project};
use ovr::cli::args::definition;
use serde_json::Value;

/// The codes of `docs/exit-codes.md`.
const CODES: [i32; 20] = [
    0, 1, 64, 65, 66, 69, 71, 72, 73, 74, 75, 76, 78, 124, 126, 127, 130, 143, 129, 137,
];

/// What each command is called with where a session runs; `None` for what would go on for ever there, or would end
/// what the others need. A command that is not listed is tried where there is no project.
fn words(command: &str) -> Option<&'static [&'static str]> {
    Some(match command {
        "connect" | "window" | "why" => &["web"],
        "wait" => &["--timeout", "30s"],
        "signal" => &["HUP", "nobody"],
        "scale" => &["web=1"],
        "run" => &["true"],
        "completions" => &["bash"],
        "logs" => &["-n", "3"],
        "start" | "status" | "graph" | "ls" | "check" | "config" | "env" | "clean" | "man" | "up"
        | "reload" => &[],
        "restart" | "stop" | "kill" => &["nobody"],
        _ => return None,
    })
}

/// Which of them would bring a session up where none runs.
fn starts(command: &str) -> bool {
    matches!(command, "start" | "up" | "hook" | "mcp")
}

fn call(project: &Project, args: &[&str]) -> Output {
    let program = project.path("bin").join("ovr");
    let whole = [&["-w", program.to_str().unwrap()], args].concat();
    project.cmd(&whole).program("/usr/bin/setsid").output()
}

/// What holds for every command in every place.
fn check(output: &Output, json: bool) {
    assert!(
        CODES.contains(&output.code),
        "a code that is not documented: {output}"
    );
    let all = format!("{}{}", output.stdout, output.stderr);
    assert!(!all.contains('\x1b'), "drawn on no terminal: {output}");
    assert!(!output.stdout.contains("[y/N]"), "asks nobody: {output}");
    if json {
        let whole = serde_json::from_str::<Value>(&output.stdout).is_ok();
        let lines = output
            .stdout
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok());
        assert!(whole || lines, "standard output is no JSON: {output}");
        for line in output.stderr.lines() {
            let told: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {output}"));
            let told = told.get("error").or(told.get("warning")).unwrap();
            assert!(
                told["code"].is_string() && told["message"].is_string(),
                "{output}"
            );
        }
    }
    let by_health = matches!(output.code, 74 | 76);
    if output.code != 0 && !by_health {
        assert!(!output.stderr.is_empty(), "fails without a word: {output}");
        if json {
            assert!(output.stderr.contains("\"error\""), "{output}");
        } else {
            assert!(output.stderr.starts_with("error: "), "{output}");
            assert!(output.stderr.contains("hint: "), "no next step: {output}");
        }
    }
}

fn try_all(project: &Project, wanted: impl Fn(&str) -> Option<Vec<&'static str>>) {
    if !project.path("bin").join("ovr").exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ovr"), project.path("bin").join("ovr")).unwrap();
    }
    for command in definition().get_subcommands() {
        let name = command.get_name();
        let Some(args) = wanted(name) else { continue };
        let line = [&[name], args.as_slice()].concat();
        check(&call(project, &line), false);
        if command.get_arguments().any(|arg| arg.get_long() == Some("json")) {
            check(&call(project, &[line.as_slice(), &["--json"]].concat()), true);
        }
    }
}

#[test]
fn outside_of_a_project_every_command_ends_with_a_code_and_a_next_step() {
    let project = Project::new();
    try_all(&project, |command| {
        Some(words(command).unwrap_or_default().to_vec())
    });
    for line in [
        &["strat", "--json"][..],
        &["status", "--jsno", "--json"],
        &["wait", "--for", "x", "--json"],
    ] {
        let output = call(&project, line);
        check(&output, true);
        assert!(output.code == 64 && output.stdout.is_empty(), "{output}");
    }
}

#[test]
fn where_nothing_runs_every_command_ends_with_a_code_and_a_next_step() {
    let project = Project::with("web: sleep 1000\n");
    try_all(&project, |command| {
        words(command).filter(|_| !starts(command)).map(<[_]>::to_vec)
    });
    check(&call(&project, &["wait", "--json"]), true);
}

#[test]
fn beside_a_running_session_every_command_ends_with_a_code_and_a_next_step() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    project.wait_running(["web"]);
    try_all(&project, |command| words(command).map(<[_]>::to_vec));
    let output = call(&project, &["why", "nobody", "--json"]);
    check(&output, true);
    output.code(65);
}

#[test]
fn with_an_error_in_the_configuration_every_command_says_it_in_its_own_way() {
    let project = Project::new().file("ovr.yaml", "processes:\n  web: {comand: sleep 1}\n");
    try_all(&project, |command| words(command).map(<[_]>::to_vec));
    let output = call(&project, &["config", "--json"]);
    check(&output, true);
    output.code(78).says(&["comand"]);
}
