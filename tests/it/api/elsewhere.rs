//! The commands about files and a machine, against the session's address: what they say is what they say on the
//! session's machine.

use crate::harness::Project;
use crate::harness::Served;
use ovr::model::StateWord;
use serde_json::json;

const PROCFILE: &str = "web: sleep 1000\nworker: sleep 1000\n";

impl Served {
    /// Runs the command here in the project and there against the address; both have to say the same.
    #[track_caller]
    fn says_the_same(&self, args: &[&str]) -> crate::harness::Output {
        let (here, there) = (self.project.ovr(args), self.ovr(args));
        assert_eq!(there.stdout, here.stdout, "{args:?}\n{there}");
        assert_eq!(there.stderr, here.stderr, "{args:?}\n{there}");
        assert_eq!(there.code, here.code, "{args:?}\n{there}");
        there
    }
}

#[test]
fn env_shows_what_the_session_gives_its_services() {
    let served = Served::of(
        Project::with(PROCFILE).file(".env", "COLOUR=blue\nPHRASE=\"it's\"\n"),
        &[],
    );
    for args in [
        &["env"][..],
        &["env", "--explain"],
        &["env", "--json"],
        &["env", "worker"],
        &["env", "worker", "--explain"],
        &["env", "worker", "--json"],
    ] {
        served.says_the_same(args).success().says(&["COLOUR"]);
    }
    served
        .ovr(&["env", "worker", "--explain"])
        .success()
        .says(&[".env:1", "PORT=5100", "PS=worker"]);
    served
        .says_the_same(&["env", "wroker"])
        .code(65)
        .says(&["worker"]);
    // The session has what its files said when it was started, and a file that says something else is no source.
    served.project.write(".env", "COLOUR=red\n");
    let told = served.ovr(&["env", "web", "--json"]).success().json();
    let variables = told["variables"].as_array().unwrap();
    let colour = variables.iter().find(|variable| variable["name"] == "COLOUR");
    assert_eq!(
        *colour.unwrap(),
        json!({ "name": "COLOUR", "value": "blue", "source": "the session", "overrides": [] })
    );
    served.ovr(&["reload"]).success();
    served.says_the_same(&["env", "web"]).says(&["COLOUR=red"]);
    // Files with errors take nothing from what the session has; what all share is only in them.
    served.project.write(".env", "no assignment\n");
    served.ovr(&["env", "web"]).success().says(&["COLOUR=red"]);
    served.ovr(&["env"]).code(78).says(&[".env:1", "ovr check"]);
}

#[test]
fn instances_that_were_scaled_up_have_an_environment_too() {
    let served = Served::start(PROCFILE);
    served.ovr(&["scale", "web=2"]).success();
    served
        .ovr(&["env", "web#2", "--explain"])
        .success()
        .says(&["PORT=5010", "ovr"])
        .never_says(&["the session"]);
}

#[test]
fn check_and_config_read_the_files_of_the_session_on_its_machine() {
    let served = Served::of(
        Project::with(PROCFILE).file(
            "ovr.yaml",
            "processes:\n  web:\n    shutdown:\n      signal: 15\n",
        ),
        &[],
    );
    for args in [
        &["check"][..],
        &["check", "--json"],
        &["config"],
        &["config", "--json"],
    ] {
        served.says_the_same(args).success();
    }
    served.ovr(&["check"]).says(&["is sound: web, worker"]);
    served.ovr(&["config"]).says(&["signal: 15  # ovr.yaml:4"]);
    // All that is wrong, with carets, as it is told here.
    served
        .project
        .write("ovr.yaml", "processes:\n  web:\n    comand: x\n");
    let wrong = served.says_the_same(&["check"]);
    wrong.code(78).says(&["ovr.yaml:3:5", "^^^^^^", "did you mean"]);
    served.says_the_same(&["check", "--json"]).code(78);
    served.says_the_same(&["config"]);
    served.project.write("ovr.yaml", "processes: {\n");
    served
        .says_the_same(&["config"])
        .code(78)
        .says(&["ovr.yaml", "^"]);
    served.says_the_same(&["check"]).code(78);
    assert_eq!(served.project.service("web").state, StateWord::Running);
}

#[test]
fn the_options_of_the_session_count_there_and_files_that_are_named_are_here() {
    let served = Served::start_with(PROCFILE, &["-l", "worker", "-p", "7100"]);
    served.ovr(&["check", "--json"]).success().says(&["7100", "7200"]);
    for args in [
        &["check", "-f", "Procfile"][..],
        &["env", "-e", ".env"],
        &["config", "-d", "."],
        &["graph", "-f", "Procfile"],
    ] {
        served
            .ovr(args)
            .code(64)
            .says(&["name files here", &served.address]);
    }
    // An address that only a variable names, and at which nobody listens, is one to start a session at.
    let elsewhere = Project::with("other: true\n");
    let variable = |args: &[&str], address: &str| {
        let call = elsewhere.cmd(args).env("OVR_SOCKET", format!("tcp://{address}"));
        call.env("OVR_TOKEN", &served.token).output()
    };
    variable(&["check"], &served.address).success().says(&["worker"]);
    variable(&["check", "-f", "Procfile"], &served.address)
        .success()
        .says(&["other"]);
    variable(&["check"], "127.0.0.1:1").success().says(&["other"]);
    variable(&["ls"], "127.0.0.1:1").success();
    for args in [&["clean", "--yes"][..], &["run", "true"]] {
        variable(args, "127.0.0.1:1").code(69).says(&["nobody listens"]);
    }
}

#[test]
fn ls_lists_the_sessions_of_the_sessions_machine() {
    let served = Served::start(PROCFILE);
    let other = Project::beside(&served.project, "other").procfile("api: sleep 1000\n");
    other.start_detached(&["-p", "7300"]);
    served.project.wait_running(["web", "worker"]);
    other.wait_running(["api"]);
    served.ovr(&["ls"]).success().says(&["2/2", "1/1"]);
    let listed = served.says_the_same(&["ls", "--json"]).success().json();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(listed["schema"], 1);
    // One that does not answer is not passed over.
    crate::adoption::kill_controller(&other);
    served
        .says_the_same(&["ls"])
        .success()
        .says(&["warning", "ovr start"]);
}

#[test]
fn clean_removes_what_ended_sessions_have_left_there_and_nothing_of_a_running_one() {
    let served = Served::start(PROCFILE);
    let other = Project::beside(&served.project, "other").procfile("api: echo hello; sleep 1000\n");
    other.start_detached(&["-p", "7300"]);
    other.wait_running(["api"]);
    other.ovr(&["quit"]).success();
    let running = served.project.wait_running(["web", "worker"]);
    let before = served.says_the_same(&["clean", "--dry-run"]);
    before.success().says(&["in all", "other"]);
    served
        .says_the_same(&["clean"])
        .success()
        .says(&["nothing was removed"]);
    let left = served.project.path("state").join("ovr/logs");
    let logs = || std::fs::read_dir(&left).unwrap().count();
    assert_eq!(logs(), 2);
    served.ovr(&["clean", "--yes"]).success().says(&["removed"]);
    assert_eq!(logs(), 1);
    served
        .says_the_same(&["clean", "--yes"])
        .success()
        .says(&["nothing to clean"]);
    assert_eq!(served.project.wait_running(["web", "worker"]), running);
    // A path that is no leftover is left alone, whoever names it.
    let precious = served.project.root.join("Procfile");
    let body = json!({ "paths": [precious, "/etc/passwd"] }).to_string();
    let answer = served.ovr(&["api", "POST", "/v1/clean", "--data", &body]);
    assert_eq!(answer.success().json()["items"], 0);
    assert!(precious.exists());
}

#[test]
fn what_tells_of_the_machine_needs_the_token() {
    let served = Served::start(PROCFILE);
    for route in ["check", "config", "environment", "sessions", "leftovers"] {
        let request = format!("GET /v1/{route}");
        let host = served.host();
        assert_eq!(
            served.ask(&request, std::slice::from_ref(&host), "").0,
            401,
            "{route}"
        );
        let page = "origin: http://evil.example".to_owned();
        assert_eq!(
            served.ask(&request, &[host.clone(), served.bearer(), page], "").0,
            403
        );
        let (code, answer) = served.ask(&request, &[host, served.bearer()], "");
        assert_eq!(code, 200, "{route}: {answer}");
    }
    let in_query = format!("GET /v1/environment?token={}", served.token);
    assert_eq!(served.ask(&in_query, &[served.host()], "").0, 401);
}
