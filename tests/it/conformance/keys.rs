//! The keys of a project and of a process: `docs/process-compose.md`, "Keys".

use super::{out, project};
use ovr::model::StateWord;

#[test]
fn a_project_has_the_name_that_is_written_and_any_version() {
    let project = project(
        "version: '0.5'\nname: corner\nis_tui_disabled: true\nprocesses: { web: { command: exec sleep 1000 } }\n",
    );
    project.ovr(&["check"]).success().never_says(&["warning"]);
    project.start_detached(&[]);
    assert_eq!(project.status().session.project, "corner");
}

#[test]
fn a_service_has_its_own_variables_before_its_files_before_the_projects_before_the_callers() {
    let project = project(
        "environment: [B=project, C=project, D=project]\nprocesses:\n  web:\n    command: echo $A $B $C $D $PC_PROC_NAME \
         $PC_REPLICA_NUM >>$OUT/out\n    env_file: files/web.env\n    environment: { D: own }\n",
    )
    .file("files/web.env", "C=file\nD=file\n");
    let project = ["A", "B", "C", "D", "PC_PROC_NAME"]
        .into_iter()
        .fold(project, |project, name| project.env(name, "caller"));
    assert_eq!(out(&project), "caller project file own web 0");
}

#[test]
fn probes_stop_commands_and_hooks_have_the_services_surroundings() {
    let project = project(
        "processes:\n  web:\n    command: exec sleep 1000\n    environment: [A=own]\n    working_dir: sub\n    readiness_probe: \
         { exec: { command: 'echo $A $(basename $PWD) >$OUT/probe' } }\n    shutdown: { command: 'echo $A $(basename \
         $PWD) >$OUT/stop; kill $OVR_PID' }\n",
    )
    .file("sub/x", "");
    project.start_detached(&[]);
    assert_eq!(project.wait_out("probe"), "own sub");
    project.ovr(&["stop", "web"]).success();
    assert_eq!(project.out("stop"), "own sub\n");
}

#[test]
fn env_files_begin_at_the_working_directory_and_a_missing_one_is_an_error_with_its_place() {
    let project = project(
        "environment: [NAME=web]\nprocesses:\n  web:\n    command: echo $A >$OUT/out\n    working_dir: sub\n    env_file: \
         ['${NAME}.env']\n",
    )
    .file("sub/web.env", "A=1\n");
    assert_eq!(out(&project), "1");
    project.write(
        "process-compose.yaml",
        "processes:\n  web: { command: x, env_file: none.env }\n",
    );
    project
        .ovr(&["check"])
        .code(78)
        .says(&["process-compose.yaml:2:32", "cannot read none.env"]);
}

#[test]
fn is_dotenv_disabled_keeps_dotenv_from_the_service_and_not_from_the_text() {
    let project =
        project("processes:\n  web: { command: 'echo ${A} \"[$A]\" >$OUT/out', is_dotenv_disabled: true }\n")
            .file(".env", "A=1\n");
    assert_eq!(out(&project), "1 []");
}

#[test]
fn env_cmds_give_variables_by_the_projects_shell() {
    let project = project(
        "shell: { shell_command: sh, shell_argument: -euc }\nenvironment: [WHO=you]\nenv_cmds:\n  SAID: echo hello $WHO from \
         $0\nprocesses:\n  web: { command: 'echo $SAID >$OUT/out' }\n",
    );
    assert_eq!(out(&project), "hello you from sh");
}

#[test]
fn an_entrypoint_is_run_without_a_shell_and_its_words_are_filled_in() {
    let project = project(
        "environment: [G=g]\nprocesses:\n  web:\n    environment: [PORT=4711, OUT_FILE=out]\n    entrypoint: [sh, -c, 'echo \"$@\" \
         >$OUT/out', $0, 'a b', '$HOME', '${G}:${PORT}', '{{.PC_REPLICA_NUM}}', '${OVR_SERVICE}', '{{.State}}']\n",
    );
    assert_eq!(out(&project), "a b $HOME g:4711 0 web {{.State}}");
}

#[test]
fn a_command_goes_before_an_entrypoint_with_a_warning_and_neither_is_an_error() {
    let project = project("processes:\n  web: { command: echo command >$OUT/out, entrypoint: [echo] }\n");
    project.ovr(&["start"]).success().says(&["`command` counts"]);
    assert_eq!(project.out("out"), "command\n");
    project.write(
        "process-compose.yaml",
        "processes:\n  web: { description: nothing }\n",
    );
    project
        .ovr(&["check"])
        .code(78)
        .says(&["process-compose.yaml:2:3", "\"web\" has no command"]);
}

#[test]
fn one_half_of_a_shell_leaves_the_other_at_its_default() {
    let text = |shell: &str| format!("{shell}processes:\n  web: {{ command: 'echo $0 $- >>$OUT/out' }}\n");
    let project = project(&text("shell: { shell_command: sh }\n"));
    project.ovr(&["start"]).success();
    project.write("process-compose.yaml", &text("shell: { shell_argument: -euc }\n"));
    project.ovr(&["start"]).success();
    project.write("process-compose.yaml", &text(""));
    project
        .cmd(&["start"])
        .env("COMPOSE_SHELL", "dash")
        .output()
        .success();
    let said = project.out("out");
    let shells: Vec<&str> = said.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(shells, ["sh", "bash", "dash"]);
    let flags = said.lines().nth(1).unwrap();
    assert!(flags.contains('e') && flags.contains('u'), "{flags}");
}

#[test]
fn a_shell_that_is_not_there_fails_the_service_and_says_which() {
    let project = project(
        "shell: { shell_command: nosuchshell }\nprocesses:\n  web: { command: 'true' }\n  other: { entrypoint: [sh, -c, 'echo up \
         >$OUT/out'] }\n",
    );
    project
        .ovr(&["start"])
        .says(&["web could not start", "nosuchshell"]);
    assert_eq!(project.out("out"), "up\n");
}

#[test]
fn the_program_for_root_and_its_argument_can_be_chosen() {
    let project = project(
        "shell: { elevated_shell_command: become, elevated_shell_argument: -u root }\nprocesses:\n  web: { command: 'echo by \
         $BY >$OUT/out', is_elevated: true }\n",
    )
    .script("become", "#!/bin/sh\nexport BY=\"$1 $2\"; shift 2; exec \"$@\"\n");
    assert_eq!(out(&project), "by -u root");
}

#[test]
fn a_working_directory_that_is_not_there_is_a_failure_with_its_reason() {
    let project = project(
        "processes:\n  web: { command: 'true', working_dir: none }\n  keeper: { command: exec sleep 1000 }\n",
    );
    let console = project.start(&[]);
    let web = project.wait_state("web", StateWord::Failed);
    assert!(
        web.reason.as_ref().is_some_and(|reason| reason.contains("none")),
        "{web:?}"
    );
    drop(console);
}

#[test]
fn what_is_disabled_starts_by_name_and_is_disabled_takes_it_back() {
    let stays = "command: exec sleep 1000";
    let project = project(&format!(
        "processes:\n  off: {{ {stays}, disabled: true }}\n  back: {{ {stays}, disabled: true, is_disabled: 'false' }}\n  \
         too: {{ {stays}, is_disabled: 'true' }}\n  named: {{ {stays} }}\n"
    ))
    .env("PC_DISABLED_PROCESSES", "named");
    project.start_detached(&[]);
    project.wait_running(["back"]);
    for name in ["off", "too", "named"] {
        assert_eq!(project.service(name).state, StateWord::Disabled, "{name}");
    }
    project.ovr(&["start", "off"]).success();
    project.wait_running(["off"]);
}

#[test]
fn namespaces_are_one_or_several_and_the_default_is_called_default() {
    let project = project(
        "processes:\n  a: { command: exec sleep 1000, namespace: one }\n  b: { command: exec sleep 1000, namespace: [one, two, two, \
         ''] }\n  c: { command: exec sleep 1000 }\n",
    )
    .env("PC_NAMESPACES", "two,default");
    project.start_detached(&[]);
    project.wait_running(["b", "c"]);
    assert_eq!(project.service("a").state, StateWord::Disabled);
    assert_eq!(project.service("b").namespaces, ["one", "two"]);
    assert_eq!(project.service("c").namespaces, ["default"]);
}

#[test]
fn replicas_are_counted_from_nought_as_wide_as_they_are_many() {
    let project = project(
        "processes:\n  nine: { command: exec sleep 1000, replicas: 9 }\n  ten: { command: exec sleep 1000, replicas: 10 }\n  one: { \
         command: exec sleep 1000, replicas: 1 }\n  none: { command: exec sleep 1000, replicas: 0 }\n  last: { command: exec \
         sleep 1000, depends_on: { nine: { condition: process_started }, ten-09: { condition: process_started } } }\n",
    );
    let checked = project.ovr(&["check"]);
    checked
        .success()
        .says(&["nine-0, ", "nine-8, ten-00, ", "ten-09, one, last\n"]);
    project.write(
        "process-compose.yaml",
        "processes:\n  web: { command: x, replicas: -1 }\n  api: { command: x, depends_on: { web-3: {} } }\n",
    );
    project
        .ovr(&["check"])
        .code(78)
        .says(&["process-compose.yaml:2:32", "process-compose.yaml:3:36"]);
}

#[test]
fn a_description_is_rendered_and_shown() {
    let project = project(
        "vars: { WHAT: shop }\nenvironment: [SIDE=front]\nprocesses:\n  web: { command: exec sleep 1000, description: 'the {{.WHAT}}, \
         ${SIDE}' }\n",
    );
    project.start_detached(&[]);
    assert_eq!(
        project.service("web").description.as_deref(),
        Some("the shop, front")
    );
    project
        .ovr(&["status", "-v"])
        .success()
        .says(&["the shop, front"]);
}

#[test]
fn keys_without_an_effect_are_told_with_their_reasons_and_the_services_start() {
    let of_project = [
        ("log_length", "10"),
        ("log_level", "debug"),
        ("log_format", "json"),
        ("mcp_server", "{ transport: stdio }"),
        ("file_names", "[]"),
        ("env_file_names", "[]"),
        ("dot_env_vars", "{}"),
    ];
    let of_process = [
        ("is_tty", "true"),
        ("is_interactive", "true"),
        ("disable_ansi_colors", "true"),
        ("truncate_log", "true"),
        ("monitor_for", "silence"),
        ("monitor_silence_threshold", "5s"),
        ("mcp", "{ type: tool }"),
        ("name", "other"),
        ("args", "[x]"),
        ("executable", "x"),
        ("original_config", "x"),
        ("replica_name", "x"),
        ("replica_num", "1"),
    ];
    let mut text = "is_strict: true\n".to_owned();
    for (key, value) in of_project {
        text.extend([key, ": ", value, "\n"]);
    }
    text += "processes:\n  web:\n    command: echo up >$OUT/out\n";
    for (key, value) in of_process {
        text.extend(["    ", key, ": ", value, "\n"]);
    }
    let project = project(&text);
    let checked = project.ovr(&["check"]);
    for (line, (key, _)) in (2..).zip(of_project) {
        checked.says(&[&format!("process-compose.yaml:{line}:1: `{key}` has no effect: ")]);
    }
    for (line, (key, _)) in (12..).zip(of_process) {
        checked.says(&[&format!("process-compose.yaml:{line}:5: `{key}` has no effect: ")]);
    }
    assert_eq!(out(&project), "up");
}

#[test]
fn output_is_kept_over_restarts_with_its_last_line_whether_or_not_log_keys_ask_for_it() {
    let project = project(
        "log_length: 1\nprocesses:\n  web: { command: 'echo first; printf last; exit 1', truncate_log: true, \
         availability: { restart: on_failure, backoff_seconds: 0.1, max_restarts: 1 } }\n",
    );
    project.ovr(&["start"]);
    let logs = project.ovr(&["logs", "web", "--plain"]);
    assert_eq!(logs.success().stdout.matches("first").count(), 2, "{logs}");
    assert_eq!(logs.stdout.matches("last").count(), 2, "{logs}");
}
