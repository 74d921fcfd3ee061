//! Templates: `docs/process-compose.md`, "Templates and replicas".

use super::{out, project};

#[test]
fn templates_are_rendered_in_commands_directories_variables_and_probes() {
    let project = project(
        "vars: { DIR: sub, N: 40, LIST: [a, b], ON: true }\nprocesses:\n  web:\n    vars: { N: 41, WHERE: file }\n    command: 'echo {{.N}} \
         $V {{range .LIST}}_{{.}}{{end}} {{if .ON}}on{{end}} $F >$OUT/out; exec sleep 1000'\n    working_dir: '{{.DIR}}'\n    \
         env_file: '{{.WHERE}}.env'\n    namespace: '{{.DIR}}'\n    environment: ['V={{.WHERE}}{{.PC_REPLICA_NUM}}']\n    \
         readiness_probe: { exec: { command: 'test {{.N}} = 41 && test -e $OUT/out' }, period_seconds: 0.1 }\n    shutdown: { \
         command: 'echo {{.N}} >$OUT/stop' , timeout_seconds: 0.5 }\n",
    )
    .file("sub/file.env", "F=f\n");
    project.start_detached(&[]);
    let web = project.wait_service("web", "to be ready", |service| service.ready == Some(true));
    assert_eq!(web.namespaces, ["sub"]);
    assert_eq!(project.out("out"), "41 file0 _a_b on f\n");
    project.ovr(&["stop", "web"]).success();
    assert_eq!(project.out("stop"), "41\n");
}

#[test]
fn braces_can_be_written_and_is_template_disabled_leaves_a_command_alone() {
    let project = project(
        "processes:\n  a: { command: \"echo '{{\\\"{{\\\"}}.X}}' >>$OUT/out\" }\n  b: { command: \"echo '{{.PC_REPLICA_NUM}}' >>$OUT/out\", \
         is_template_disabled: true, depends_on: { a: { condition: process_completed } } }\n",
    );
    assert_eq!(out(&project), "{{.X}}\n{{.PC_REPLICA_NUM}}");
}

#[test]
fn an_unknown_name_is_an_error_in_a_value_and_stays_in_a_command() {
    let wrong = project("processes:\n  web: { command: x, working_dir: 'a/{{.NOBODY}}' }\n");
    wrong
        .ovr(&["check"])
        .code(78)
        .says(&["process-compose.yaml:2:38", "NOBODY"]);
    let broken = project("processes:\n  web: { command: x, environment: ['A={{if}}'] }\n");
    broken.ovr(&["check"]).code(78).says(&["process-compose.yaml:2:"]);
    let stays = project("processes:\n  web: { command: \"echo '{{.State.Health}}' >$OUT/out\" }\n");
    assert_eq!(out(&stays), "{{.State.Health}}");
}

#[test]
fn each_replica_has_its_number_in_templates_and_in_its_environment() {
    let project = project(
        "processes:\n  web: { command: 'echo 80{{.PC_REPLICA_NUM}}0 $PC_REPLICA_NUM $PC_PROC_NAME >$OUT/$OVR_INSTANCE', replicas: 2 }\n",
    );
    project.ovr(&["start"]).success();
    assert_eq!(project.out("web-0"), "8000 0 web\n");
    assert_eq!(project.out("web-1"), "8010 1 web\n");
}
