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
    let project = Project::with(THREE);
    let first = project.cmd(&["start", "-D"]).env("OVR_ANY_CAN_DIE", "1");
    first.env("OVR_TIMEOUT", "4").output().success();
    project.wait_state("worker", StateWord::Failed);
    project.write(".ovr.env", "OVR_TIMEOUT=9\n");
    kill_controller(&project);
    let start = project.ovr(&["start", "-D"]);
    start.success().says(&["started with: --any-can-die=1 -t 4\n"]);
    kill_controller(&project);
    let start = project.cmd(&["start", "-D"]).env("OVR_TIMEOUT", "5").output();
    start.success().says(&["started with: --any-can-die=1\n"]);
}

#[test]
fn what_a_file_has_decided_is_read_again_whatever_a_variable_had_said() {
    // A file goes before the caller's variable of the same name.
    let project = Project::with("web: exec sleep 1000\n").file(".ovr.env", "OVR_PORT=7100\n");
    let first = project.cmd(&["start", "-D"]).env("OVR_PORT", "7200");
    first.output().success();
    assert_eq!(project.service("web").port, Some(7100));
    kill_controller(&project);
    project
        .ovr(&["start", "-D"])
        .success()
        .never_says(&["keeps the options"]);
    assert_eq!(project.service("web").port, Some(7100));
}

#[test]
fn a_flag_of_the_session_goes_before_the_variables_that_are_set_all_the_while() {
    let project = Project::with("web: exec sleep 1000\nother: exec sleep 1000\n")
        .file("elsewhere/Procfile", "web: exec sleep 1000\n")
        .env("OVR_PROCFILE", "elsewhere/Procfile")
        .env("OVR_PORT", "7200")
        .env("OVERMIND_PORT", "7300")
        .env("PORT", "7400")
        .env("OVR_PORT_STEP", "70")
        .env("OVR_FORMATION", "web=1")
        .env("OVR_STOP_SIGNALS", "web=HUP")
        .env("OVR_TIMEOUT", "3")
        .env("OVR_PROCESSES", "other")
        .env("OVR_ANY_CAN_DIE", "0")
        .env("OVERMIND_AUTO_RESTART", "other");
    let flags = [
        "-f Procfile",
        "-l web",
        "-m web=2",
        "-p 7100",
        "-P 50",
        "--any-can-die",
        "-t 7",
        "-r web",
        "-i web=TERM",
    ];
    let words: Vec<&str> = flags.iter().flat_map(|flag| flag.split(' ')).collect();
    project.start_detached(&words);
    let before = project.wait_running(["web#1", "web#2"]);
    let ports = |project: &Project| ["web#1", "web#2"].map(|name| project.service(name).port);
    assert_eq!(ports(&project), [Some(7100), Some(7110)]);
    // The second time it is the kept flag that is kept.
    for _ in 0..2 {
        kill_controller(&project);
        let start = project.ovr(&["start", "-D"]);
        let kept =
            "started with: -f Procfile -l web -m web=2 -p 7100 -P 50 --any-can-die -r web -i web=TERM -t 7\n";
        start.success().says(&[kept]);
        assert_eq!(project.wait_running(["web#1", "web#2"]), before);
        assert_eq!(ports(&project), [Some(7100), Some(7110)]);
    }
    // What comes up from here on is what was started, too.
    project.ovr(&["restart", "web#2"]).success();
    assert_eq!(ports(&project), [Some(7100), Some(7110)]);
    // A flag that is typed now counts.
    kill_controller(&project);
    project
        .ovr(&["start", "-D", "-t", "2"])
        .success()
        .says(&["--any-can-die -r web"]);
}

#[test]
fn a_port_that_came_from_port_is_kept_and_another_port_moves_nothing_that_runs() {
    let project = Project::with("web: exec sleep 1000\n");
    let start = |port: &str| project.cmd(&["start", "-D"]).env("PORT", port).output();
    start("7100").success();
    assert_eq!(project.service("web").port, Some(7100));
    for next in ["7200", ""] {
        kill_controller(&project);
        start(next).success().says(&["started with: PORT=7100\n"]);
        assert_eq!(project.service("web").port, Some(7100), "{next:?}");
    }
    kill_controller(&project);
    let start = project.cmd(&["start", "-D"]).env("OVR_PORT", "7300").output();
    start.success().never_says(&["keeps the options"]);
    assert_eq!(project.service("web").port, Some(7300));
}

#[test]
fn a_port_that_nobody_chose_is_not_moved_by_the_callers() {
    let project = Project::with("web: exec sleep 1000\n");
    project.start_detached(&[]);
    let port = project.service("web").port;
    kill_controller(&project);
    let start = project.cmd(&["start", "-D"]).env("PORT", "7100").output();
    start.success();
    assert_eq!(project.service("web").port, port);
    project.ovr(&["quit"]).success();
    // Where nothing is taken over, it counts.
    let start = project.cmd(&["start", "-D"]).env("PORT", "7100").output();
    start.success();
    assert_eq!(project.service("web").port, Some(7100));
}

#[test]
fn files_that_a_variable_names_are_kept_as_the_variable_means_them() {
    let project = Project::with("web: echo $A >>$OUT/a; exec sleep 1000\n")
        .file("extra", "A=project\n")
        .file("sub/x", "");
    project.write("~/mine", "B=home\n");
    let first = project
        .cmd(&["start", "-D"])
        .dir("sub")
        .env("OVR_ENV", "extra,~/mine");
    first.output().success();
    project.wait_out("a");
    kill_controller(&project);
    let start = project.cmd(&["start", "-D"]).dir("sub").output();
    start.success().says(&["started with: -e extra,", "/mine\n"]);
    project.ovr(&["restart", "web"]).success();
    project.wait_until("the next run to have it", || {
        project.out("a") == "project\nproject\n"
    });
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
