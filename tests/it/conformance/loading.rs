//! Files, variables, merging: `docs/process-compose.md`, "Loading".

use super::{out, project};
use crate::harness::Project;

/// A file whose only service writes down this text.
fn saying(text: &str) -> String {
    format!("processes:\n  web: {{ command: 'echo {text} >>$OUT/out' }}\n")
}

#[test]
fn the_first_of_the_known_names_is_read_and_the_others_are_told() {
    let project = Project::new()
        .file("compose.yaml", &saying("compose"))
        .file("process-compose.yml", &saying("other"));
    project
        .ovr(&["check"])
        .success()
        .says(&["compose.yaml is used, and process-compose.yml is not"]);
    assert_eq!(out(&project), "compose");
}

#[test]
fn an_override_is_laid_over_the_file_beside_it() {
    let project = project(&saying("base")).file("process-compose.override.yaml", &saying("over"));
    assert_eq!(out(&project), "over");
}

#[test]
fn a_configuration_is_found_from_the_directories_below_it() {
    let project = project("processes:\n  web: { command: 'pwd >$OUT/out' }\n").file("deep/er/x", "");
    project.cmd(&["start"]).dir("deep/er").output().success();
    assert_eq!(project.out("out").trim_end(), project.root.to_str().unwrap());
}

#[test]
fn files_that_are_named_are_all_that_is_read_and_the_later_counts() {
    let project = project(&saying("base"))
        .file("process-compose.override.yaml", &saying("over"))
        .file("more.yaml", &saying("more"));
    let named = ["-f", "process-compose.yaml", "-f", "more.yaml"];
    project.ovr(&[&["start"], &named[..]].concat()).success();
    project
        .cmd(&["start"])
        .env("PC_CONFIG_FILES", "more.yaml,process-compose.yaml")
        .output()
        .success();
    assert_eq!(project.out("out"), "more\nbase\n");
}

#[test]
fn dotenv_goes_before_the_callers_in_the_text_and_for_services_alike() {
    let text =
        "processes:\n  web: { command: 'echo ${A} $A ${B} \"[$C]\" >>$OUT/out', environment: ['B=${A}'] }\n";
    let project = project(text)
        .file(".env", "A=file\n")
        .file(".pc_env", "C=settings\n")
        .env("A", "caller");
    assert_eq!(out(&project), "file file file []");
    for variable in ["PC_DISABLE_DOTENV", "OVR_SKIP_ENV"] {
        project.cmd(&["start"]).env(variable, "1").output().success();
    }
    let without = "caller caller caller []\n";
    assert_eq!(
        project.out("out"),
        format!("file file file []\n{without}{without}")
    );
}

#[test]
fn a_dotenv_that_cannot_be_read_is_an_error_and_not_half_an_environment() {
    let project = project(&saying("x")).file(".env", "A=1\nB='open\n");
    project.ovr(&["check"]).code(78).says(&[".env:2"]);
}

#[test]
fn every_form_of_a_variable_means_what_it_means_in_bash() {
    let forms = [
        ("${A}", "one/two/one"),
        ("${NONE:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NONE:=d}", "d"),
        ("${NONE=d}", "d"),
        ("${A:?no}", "one/two/one"),
        ("${A:+alt}", "alt"),
        ("${NONE:+alt}", ""),
        ("${A^}", "One/two/one"),
        ("${A^^}", "ONE/TWO/ONE"),
        ("${UP,}", "uP"),
        ("${UP,,}", "up"),
        ("${A#*/}", "two/one"),
        ("${A##*/}", "one"),
        ("${A%/*}", "one/two"),
        ("${A%%/*}", "one"),
        ("${A/one/1}", "1/two/one"),
        ("${A//one/1}", "1/two/1"),
        ("${A/#one/1}", "1/two/one"),
        ("${A/%one/1}", "one/two/1"),
        ("${A:4}", "two/one"),
        ("${A:4:3}", "two"),
        ("${#A}", "11"),
        ("${NONE:-${UP}}", "UP"),
        ("$$", "$"),
    ];
    let values: Vec<String> = (0..forms.len())
        .map(|n| format!("      - 'F{n}={}'\n", forms[n].0))
        .collect();
    let print: Vec<String> = (0..forms.len()).map(|n| format!("\"$F{n}\"")).collect();
    let text = format!(
        "processes:\n  web:\n    command: printf '%s\\n' {} >$OUT/out\n    environment:\n{}",
        print.join(" "),
        values.concat()
    );
    let project = project(&text)
        .file(".env", "A=one/two/one\nEMPTY=\n")
        .env("UP", "UP");
    project.ovr(&["start"]).success();
    let said = project.out("out");
    let said: Vec<(&str, &str)> = forms.iter().map(|form| form.0).zip(said.lines()).collect();
    assert_eq!(said, forms);
}

#[test]
fn what_has_to_be_set_is_an_error_with_its_place_and_its_message() {
    let project = project("processes:\n  web:\n    command: 'true'\n    working_dir: ${DIR:?say where}\n");
    project
        .ovr(&["start"])
        .code(78)
        .says(&["process-compose.yaml:4:18", "DIR has to be set: say where"]);
}

#[test]
fn what_is_a_shells_reaches_the_shell_and_backslashes_stay() {
    let project = project(
        "# ${ and ${X-d} are nothing in a comment\nprocesses:\n  web:\n    command: |\n      X=1; a=(x y)\n      \
         echo $X $(echo 2) ${X} ${a[@]} $? >>$OUT/out\n      printf '%s\\n' 'a\\\\b\\/c' >>$OUT/out\n",
    );
    assert_eq!(out(&project), "1 2 1 x y 0\na\\\\b\\/c");
}

#[test]
fn disable_env_expansion_leaves_every_text_as_it_is_written() {
    let text = "disable_env_expansion: true\nenvironment: [G=g]\nprocesses:\n  web:\n    command: 'echo \"$V\" >$OUT/out'\n    \
                environment: ['V=${HOME} ${G} ${PC_PROC_NAME} $$ ${']\n";
    assert_eq!(out(&project(text)), "${HOME} ${G} ${PC_PROC_NAME} $$ ${");
}

#[test]
fn anchors_merge_keys_and_keys_of_ones_own_work() {
    let text = "x-base: &base\n  environment: [A=1]\n  namespace: back\nprocesses:\n  web:\n    <<: *base\n    x-note: any\n    \
                command: echo $A >$OUT/out\n";
    let project = project(text);
    project.ovr(&["check"]).success().never_says(&["warning"]);
    assert_eq!(out(&project), "1");
}

#[test]
fn a_key_that_is_there_twice_and_a_value_of_another_kind_are_errors_with_their_places() {
    let twice = project("processes:\n  web:\n    command: a\n    command: b\n");
    twice.ovr(&["check"]).code(78).says(&["process-compose.yaml:4:5"]);
    let wrong = project(
        "processes:\n  web:\n    command: [a]\n    replicas: many\n    disabled: perhaps\n    shutdown: 3\n",
    );
    wrong.ovr(&["check"]).code(78).says(&[
        "process-compose.yaml:3:14",
        "process-compose.yaml:4:15",
        "process-compose.yaml:5:15",
        "process-compose.yaml:6:15",
    ]);
}

#[test]
fn an_unknown_key_is_a_warning_and_in_a_strict_configuration_an_error() {
    let text = "processes:\n  web:\n    command: 'true'\n    comand: x\n";
    let warned = project(text);
    let hint = ["process-compose.yaml:4:5", "did you mean `command`?"];
    warned.ovr(&["start"]).success().says(&hint);
    let strict = project(&format!("{text}is_strict: true\n"));
    strict.ovr(&["start"]).code(78).says(&hint);
    let nested = project("is_strict: true\nprocesses:\n  web: { command: a, shutdown: { signl: 2 } }\n");
    nested.ovr(&["check"]).code(78).says(&["did you mean `signal`?"]);
}

#[test]
fn check_reads_everything_starts_nothing_and_fails_where_start_would() {
    let project = project(&saying("never"));
    project.ovr(&["check"]).success().says(&["is sound: web"]);
    assert_eq!(project.out("out"), "");
    project.write(
        "process-compose.yaml",
        "processes:\n  web: { command: a, depends_on: { wbe: {} } }\n  wee: {}\n",
    );
    project
        .ovr(&["check"])
        .code(78)
        .says(&["wbe", "\"wee\" has no command"]);
}

#[test]
fn a_later_file_can_say_false_nought_and_no_and_values_keep_their_equals_signs() {
    let base = "processes:\n  web:\n    command: 'echo \"$U\" >>$OUT/out; exit 3'\n    disabled: true\n    environment: \
                ['U=a=b=c', 'V=1']\n    availability: { restart: on_failure, max_restarts: 2 }\n";
    let over = "processes:\n  web:\n    disabled: false\n    environment: ['V=2']\n    availability: { restart: 'no' }\n";
    let project = project(base).file("process-compose.override.yaml", over);
    assert_eq!(out(&project), "a=b=c");
}

#[test]
fn lists_get_longer_mappings_are_merged_by_key_and_another_way_to_check_replaces_the_first() {
    let base = "processes:\n  web:\n    entrypoint: [sh, -c, 'echo $0 $1 $A $B >$OUT/out; exec sleep 1000']\n    environment: \
                [A=1, B=1]\n    namespace: [one]\n    readiness_probe: { exec: { command: 'false' }, period_seconds: \
                0.1 }\n    depends_on: { db: { condition: process_completed_successfully } }\n  db: { command: exit 1 }\n";
    let over = "processes:\n  web:\n    entrypoint: [x, y]\n    environment: [B=2]\n    namespace: two\n    \
                readiness_probe: { exec: { command: test -e $OUT/out } }\n    depends_on: { db: { condition: \
                process_completed } }\n";
    let project = project(base).file("process-compose.override.yaml", over);
    project.start_detached(&[]);
    let web = project.wait_service("web", "to be ready", |service| service.ready == Some(true));
    assert_eq!(project.out("out"), "x y 1 2\n");
    assert_eq!(web.namespaces, ["two"]);
}

#[test]
fn a_file_extends_another_whose_processes_run_in_its_directory() {
    let base = "environment: [G=base]\nprocesses:\n  web: { command: 'echo $G $(basename $PWD) >>$OUT/out' }\n  sub: { command: \
                'echo $G $(basename $PWD) >>$OUT/out', working_dir: sub, depends_on: { web: { condition: \
                process_completed } } }\n";
    let project = project("extends: base/all.yaml\nenvironment: [G=mine]\n")
        .file("base/all.yaml", base)
        .file("base/sub/x", "");
    assert_eq!(out(&project), "mine base\nmine sub");
    project.write("base/all.yaml", "extends: ../process-compose.yaml\n");
    project
        .ovr(&["check"])
        .code(78)
        .says(&["base/all.yaml:1:10", "these files extend each other"]);
}

#[test]
fn a_process_extends_another_and_a_disabled_one_without_a_command_is_no_service() {
    let project = project(
        "processes:\n  base:\n    disabled: true\n    environment: ['URL=a=b', X=1]\n  web:\n    extends: base\n    \
         environment: [X=2]\n    command: echo $URL $X >$OUT/out\n",
    );
    assert_eq!(out(&project), "a=b 2");
    project.ovr(&["check"]).success().says(&["is sound: web\n"]);
    project.write(
        "process-compose.yaml",
        "processes:\n  a: { extends: b, command: x }\n  b: { extends: a, command: x }\n  c: { extends: bb, command: x }\n",
    );
    project
        .ovr(&["check"])
        .code(78)
        .says(&["these processes extend each other", "did you mean \"b\"?"]);
}

#[test]
fn what_two_dollars_keep_apart_is_never_filled_in_whoever_sets_the_name() {
    let project = project(
        "environment: [G=global, 'ESCAPED_G=$${G}']\nprocesses:\n  web:\n    environment:\n      - A=1\n      - 'B=$${A} $${PORT} \
         ${A}'\n      - 'C=${B} $${C:-x} $$$${A}'\n    entrypoint: [sh, -c, 'printf \"%s\\\\n\" \"$B\" \"$C\" \"$ESCAPED_G\" \"$1\" \
         >$OUT/out', sh, '$${G}']\n",
    );
    assert_eq!(
        out(&project),
        "${A} ${PORT} 1\n${A} ${PORT} 1 ${C:-x} $${A}\n${G}\n${G}"
    );
    project.ovr(&["config"]).success().says(&["${A} ${PORT} "]);
}

#[test]
fn a_misspelt_command_is_one_error_and_no_second_one_for_want_of_a_command() {
    let project = super::configured("  web: { comand: x }\n  api: {}\n");
    let checked = project.ovr(&["check"]);
    checked
        .code(78)
        .says(&[
            "ovr.yaml:2:10",
            "did you mean `command`?",
            "\"api\" has no command",
        ])
        .never_says(&["\"web\" has no command"]);
}
