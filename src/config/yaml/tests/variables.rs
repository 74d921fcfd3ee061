//! Which `${NAME}` of a configuration are replaced, and which are left to whom.

use super::{good, process, read_one, told};

fn command(text: &str) -> String {
    process(text).command.unwrap().value
}

#[test]
fn what_is_known_is_put_in_and_a_command_keeps_what_its_shell_may_know() {
    for (written, expected) in [
        ("cd ${HOME}", "cd /home/ann"),
        ("echo $HOME $$HOME $(id) $?", "echo $HOME $HOME $(id) $?"),
        (
            "echo ${UNKNOWN} ${UNKNOWN:-x} ${A[@]} ${!P} ${#A[@]} ${1:-y}",
            "echo ${UNKNOWN} ${UNKNOWN:-x} ${A[@]} ${!P} ${#A[@]} ${1:-y}",
        ),
        ("echo ${EMPTY:-filled} ${N:+some}", "echo filled some"),
        (
            "for i in 1 2; do echo ${i}; done",
            "for i in 1 2; do echo ${i}; done",
        ),
    ] {
        assert_eq!(command(&format!("command: '{written}'")), expected);
    }
    // Its own variable is what its shell sees, whatever the name is outside.
    assert_eq!(
        command("command: echo ${HOME}\nenvironment: [HOME=/srv]"),
        "echo ${HOME}"
    );
}

#[test]
fn a_value_keeps_what_the_configuration_sets_and_what_ovr_injects() {
    let project = good(
        "environment: [A=1, 'B=${A}', 'HOME=${HOME}/x']\nenv_cmds: {C: date}\nprocesses:\n  web:\n    command: x ${C} ${A}\n    environment: ['D=${A}-${C}-${PS}', 'N=${N}', 'OWN=1', 'E=${OWN}', 'F=${EMPTY}${PORT}']\n    working_dir: ${HOME}\n",
    );
    let values: Vec<_> = project.environment.iter().map(|a| a.value.as_str()).collect();
    assert_eq!(values, ["1", "${A}", "/home/ann/x"]);
    let web = &project.services[0];
    let values: Vec<_> = web.environment.iter().map(|a| a.value.as_str()).collect();
    assert_eq!(values, ["${A}-${C}-${PS}", "3", "1", "${OWN}", "4000"]);
    assert_eq!(web.command.as_ref().unwrap().value, "x ${C} ${A}");
    assert_eq!(web.working_dir.as_ref().unwrap().value, "${HOME}");
}

#[test]
fn what_is_not_set_is_empty_and_told_once() {
    let checked = read_one(
        "ovr.yaml",
        "processes:\n  web:\n    command: x\n    working_dir: a${NOPE}\n    description: ${NOPE} again\n",
    );
    assert_eq!(
        told(&checked),
        "warning: ovr.yaml:4:19: NOPE is not set, so `${NOPE}` is empty
    |
  4 |     working_dir: a${NOPE}
    |                   ^^^^^^^
  hint: set it in `.env`, or write `${NOPE:-}` if it may be empty"
    );
    assert_eq!(
        checked.value.services[0].description.as_ref().unwrap().value,
        " again"
    );
}

#[test]
fn what_cannot_be_read_or_is_required_is_an_error_at_its_place() {
    let checked = read_one(
        "ovr.yaml",
        "# a comment with ${ in it\nprocesses:\n  web:\n    command: |\n      first\n      echo ${oops\n    working_dir: \"${A.B}\"\n    environment:\n      - KEY=${KEY:?ask Ann}\n",
    );
    assert_eq!(
        told(&checked),
        "error: ovr.yaml:6:12: this `${` is never closed
    |
  6 |       echo ${oops
    |            ^^
  hint: close it with a `}`, or write `$${` for the two characters
error: ovr.yaml:7:19: no variable can be read here
    |
  7 |     working_dir: \"${A.B}\"
    |                   ^^^^^^
  hint: write `${NAME}` or one of its forms (`${NAME:-default}`), or `$${` for the two characters
error: ovr.yaml:9:13: KEY has to be set: ask Ann
    |
  9 |       - KEY=${KEY:?ask Ann}
    |             ^^^^^^^^^^^^^^^"
    );
}

#[test]
fn a_file_may_ask_to_be_left_as_it_is() {
    let project = good(
        "disable_env_expansion: true\nprocesses:\n  web:\n    command: echo $$ ${HOME}\n    working_dir: ${A.B}\n",
    );
    let web = &project.services[0];
    assert_eq!(web.command.as_ref().unwrap().value, "echo $$ ${HOME}");
    assert_eq!(web.working_dir.as_ref().unwrap().value, "${A.B}");
}
