//! What `ovr` says when something is wrong: configuration, command line, a second start, nothing to start.

use crate::harness::{Project, processes};

#[test]
fn nothing_to_start_names_what_was_looked_for_and_shows_a_procfile() {
    let project = Project::new();
    let output = project.ovr(&["start"]);
    output
        .code(66)
        .says(&["Procfile", project.root.to_str().unwrap(), "web:"]);
    assert!(output.stdout.is_empty(), "{output}");
    let project = Project::new().file("package.json", "{\"scripts\": {\"dev\": \"true\"}}");
    project.ovr(&["start"]).code(66).says(&["package.json"]);
}

#[test]
fn all_errors_of_a_procfile_are_shown_with_place_and_caret_and_nothing_starts() {
    let project = Project::with("web: touch $OUT/started\nno colon here\nweb: again\nmy app: x\n");
    for command in ["start", "check"] {
        let output = project.ovr(&[command]);
        output
            .code(78)
            .says(&["Procfile:3:", "Procfile:4:", "^", "again"]);
    }
    assert!(!project.path("out").join("started").exists());
}

#[test]
fn a_line_that_is_no_entry_gets_a_warning_and_the_rest_runs() {
    let project = Project::with("web: sleep 1000\nno colon here\n");
    let output = project.ovr(&["check"]);
    output.says(&["Procfile:2:", "^"]);
    project.start_detached(&[]);
    project.wait_running(["web"]);
}

#[test]
fn an_empty_procfile_is_an_error() {
    for text in ["", "# nothing\n\n"] {
        Project::with(text).ovr(&["start"]).code(78).says(&["Procfile"]);
    }
}

#[test]
fn a_procfile_of_another_system_is_read() {
    let project = Project::with("\u{feff}# windows\r\nweb:\tsleep 1000\r\n\r\n  worker : sleep 1001\r\n");
    project.start_detached(&[]);
    project.wait_running(["web", "worker"]);
}

#[test]
fn a_second_start_names_project_pid_and_the_commands_that_help() {
    let project = Project::with("web: echo run >>$OUT/runs; sleep 1000\n").file("sub/x", "");
    project.start_detached(&[]);
    project.wait_out("runs");
    let controller = project.status().session.pid;
    for dir in [".", "sub"] {
        let output = project.cmd(&["start"]).dir(dir).output();
        output.code(73).says(&[
            project.root.to_str().unwrap(),
            &controller.to_string(),
            "ovr connect",
            "ovr quit",
        ]);
    }
    assert_eq!(project.out("runs"), "run\n");
    assert!(processes::is_alive(controller));
}

#[test]
fn misspelt_commands_and_flags_get_a_suggestion_without_a_page_of_usage() {
    let project = Project::with("web: sleep 1000\n");
    for (args, suggestion) in [
        (&["strat"][..], "start"),
        (&["start", "--procfle", "x"], "--procfile"),
    ] {
        let output = project.ovr(args);
        output.code(64).says(&[suggestion]);
        assert!(output.stderr.lines().count() <= 8, "{output}");
    }
}

#[test]
fn help_fits_a_screen_and_help_of_a_command_is_its_help() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    let help = project.ovr(&["--help"]);
    help.success().says(&["start", "connect", "restart", "ovr "]);
    assert!(
        help.stdout.lines().count() <= 24 && help.stderr.is_empty(),
        "{help}"
    );
    assert!(
        help.stdout.lines().all(|line| line.chars().count() <= 80),
        "{help}"
    );
    let long = project.ovr(&["restart", "--help"]);
    assert_eq!(project.ovr(&["help", "restart"]).stdout, long.success().stdout);
    let start = project.ovr(&["start", "--help"]);
    assert!(
        start.stdout.lines().all(|line| line.chars().count() <= 80),
        "{start}"
    );
    start.says(&["OVR_PORT", "5000", "Ctrl-C"]);
    project.ovr(&[]).says(&["Procfile", "2 services", "not running"]);
}

#[test]
fn a_detached_start_that_cannot_run_says_why_and_fails() {
    let project = Project::with("web: sleep 1000\n");
    let output = project
        .cmd(&["start", "-D"])
        .env("OVR_RUNTIME_DIR", "/proc/nowhere")
        .output();
    output.failure().says(&["/proc/nowhere"]);
    let output = project
        .cmd(&["start", "-D"])
        .env("OVR_TMUX", "/no/such/tmux")
        .output();
    output.code(72).says(&["/no/such/tmux"]);
    let project = Project::with("web: ./missing\n");
    project
        .ovr(&["start", "-D"])
        .says(&["Procfile:1:6", "./missing not found"]);
    project.wait_gone();
}

#[test]
fn check_says_what_it_found_in_words_and_json() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.ovr(&["check"]).success().says(&["web", "worker"]);
    let json = project.ovr(&["check", "--json"]).success().json();
    assert_eq!(json["schema"], 1);
    assert!(json.to_string().contains("worker"));
    assert!(project.processes().is_empty());
}
