//! Completion: scripts for the shells, and live names.

use crate::harness::Project;

/// What is offered for the last word of this command line, by the program's own protocol for bash.
fn offered(project: &Project, words: &[&str]) -> Vec<String> {
    let mut args = vec!["--", "ovr"];
    args.extend_from_slice(words);
    let index = (args.len() - 2).to_string();
    let output = project
        .cmd(&args)
        .env("OVR_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", index)
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true")
        .env("_CLAP_IFS", "\n")
        .output();
    output.success().stdout.lines().map(str::to_owned).collect()
}

#[test]
fn names_are_completed_from_the_procfile_and_from_the_session() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\ndb: sleep 1000\n").file("sub/x", "");
    assert_eq!(offered(&project, &["restart", "w"]), ["web", "worker"]);
    project.start_detached(&["-l", "web,db"]);
    project.wait_running(["web", "db"]);
    assert_eq!(offered(&project, &["start", ""]), ["worker"]);
    let offered = offered(&project, &["stop", ""]);
    assert!(
        offered.contains(&"web".to_owned()) && !offered.contains(&"worker".to_owned()),
        "{offered:?}"
    );
}

#[test]
fn names_are_those_of_the_sessions_files_also_where_its_controller_is_gone() {
    let project = Project::new().file(
        "Procfile.example",
        "web: exec sleep 1000\nworker: exec sleep 1000\n",
    );
    project.start_detached(&["-f", "Procfile.example"]);
    assert_eq!(offered(&project, &["run", "--service", "w"]), ["web", "worker"]);
    crate::adoption::kill_controller(&project);
    assert_eq!(offered(&project, &["run", "--service", "w"]), ["web", "worker"]);
    assert_eq!(offered(&project, &["env", "wo"]), ["worker"]);
}

#[test]
fn a_script_comes_for_every_shell_and_bash_can_load_it_alone() {
    let project = Project::with("web: sleep 1000\n");
    for shell in ["bash", "zsh", "fish"] {
        project.ovr(&["completions", shell]).success().says(&["ovr"]);
    }
    let script = project.ovr(&["completions", "bash"]).stdout;
    project.write("script.bash", &script);
    let check = project
        .cmd(&[
            "--norc",
            "--noprofile",
            "-c",
            "set -eu; source script.bash; complete -p ovr",
        ])
        .program("/bin/bash")
        .output();
    check.success().says(&["ovr"]);
}

#[test]
fn the_manual_is_printed() {
    let project = Project::new();
    project.ovr(&["man"]).success().says(&["ovr"]);
}
