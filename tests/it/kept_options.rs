//! A start that takes over a session keeps the options that this was started with.

use crate::adoption::kill_controller;
use crate::harness::Project;
use ovr::model::StateWord;

const THREE: &str = "web: exec sleep 1000\nworker: exit 3\nother: exec sleep 1000\n";

#[test]
fn a_start_after_kill_9_keeps_what_the_session_was_started_with_and_says_so() {
    let project = Project::with(THREE);
    project.start_detached(&["--any-can-die", "-t", "7", "-l", "web,worker"]);
    let [web] = project.wait_running(["web"]);
    project.wait_state("worker", StateWord::Failed);
    kill_controller(&project);
    let start = project.ovr(&["start", "-D"]);
    start.success().says(&[
        "keeps the options that it was started with: -l web,worker --any-can-die -t 7\n",
        "adopted web",
    ]);
    assert_eq!(project.service("web").pid, Some(web));
    assert_eq!(project.service("worker").state, StateWord::Failed);
    assert_eq!(project.service("other").state, StateWord::Disabled);
    // What is given now counts, and is kept in its turn; so is what has been kept.
    kill_controller(&project);
    let start = project.ovr(&["start", "-D", "-t", "2"]);
    start
        .success()
        .says(&["started with: -l web,worker --any-can-die\n"]);
    kill_controller(&project);
    let start = project.ovr(&["start", "-D"]);
    start
        .success()
        .says(&["started with: -l web,worker --any-can-die -t 2\n"]);
    // Nothing of an old session is in a fresh one.
    kill_controller(&project);
    let fresh = project.ovr(&["start", "-D", "--fresh", "--any-can-die"]);
    fresh.never_says(&["keeps the options"]);
    project.wait_running(["web", "other"]);
}

#[test]
fn what_a_variable_had_said_is_kept_and_goes_before_a_file_but_not_before_a_variable_now() {
    let project = Project::with(THREE).file(".ovr.env", "OVR_TIMEOUT=9\n");
    let first = project.cmd(&["start", "-D"]).env("OVR_ANY_CAN_DIE", "1");
    first.env("OVR_TIMEOUT", "4").output().success();
    project.wait_state("worker", StateWord::Failed);
    kill_controller(&project);
    let start = project.ovr(&["start", "-D"]);
    start.success().says(&["started with: --any-can-die=1 -t 4\n"]);
    kill_controller(&project);
    let start = project.cmd(&["start", "-D"]).env("OVR_TIMEOUT", "5").output();
    start.success().says(&["started with: --any-can-die=1\n"]);
}

#[test]
fn a_file_that_the_session_was_started_from_is_kept_from_another_directory_and_over_a_detach() {
    let project = Project::new().file("dev/Procfile.dev", "web: exec sleep 1000\n");
    project.write("dev/sub/x", "");
    let dir = project.root.join("dev");
    let first = project.cmd(&["start", "-D", "-f", "Procfile.dev"]).dir(&dir);
    first.output().success();
    let status = |what: &str| {
        let output = project.cmd(&["status", "--json"]).dir(&dir).output();
        output.json()["services"][0][what].clone()
    };
    let (pid, controller) = (
        status("pid"),
        project.cmd(&["status", "--json"]).dir(&dir).output().json(),
    );
    let controller = controller["session"]["pid"].as_u64().unwrap();
    crate::harness::processes::kill(u32::try_from(controller).unwrap(), rustix::process::Signal::KILL);
    let start = project.cmd(&["start"]).dir(dir.join("sub")).piped();
    start.wait_for_output("keeps the options that it was started with: -f Procfile.dev");
    start.wait_for_output("adopted web");
    project.cmd(&["detach"]).dir(&dir).output().success();
    assert_eq!(start.wait_exit(), 0);
    assert_eq!(status("pid"), pid);
    project.cmd(&["quit"]).dir(&dir).output().success();
}

#[test]
fn the_base_port_and_the_files_that_variables_had_said_are_kept() {
    let project = Project::with(THREE)
        .file(".env", "A=dotenv\n")
        .file("named.env", "B=named\n");
    project.write("sub/x", "");
    let first = project.cmd(&["start", "-D", "--any-can-die"]).dir("sub");
    let first = first.env("PORT", "7300").env("OVR_ENV", "named.env");
    first.env("OVR_SKIP_ENV", "1").output().success();
    let [web] = project.wait_running(["web"]);
    kill_controller(&project);
    let start = project.ovr(&["start", "-D"]);
    start
        .success()
        .says(&["-e named.env --any-can-die PORT=7300 OVR_SKIP_ENV=1\n"]);
    assert_eq!(project.service("web").pid, Some(web));
    assert_eq!(project.service("web").port, Some(7300));
    let run = project.ovr(&["run", "sh", "-c", "echo $B ${A-none} $OVR_PROCESS_worker_PORT"]);
    assert_eq!(run.success().stdout, "named none 7400\n");
}
