//! Ports: which service gets which, what the others know of it, and ports that somebody else holds.

use crate::harness::Project;
use ovr::model::StateWord;
use std::net::TcpListener;

#[test]
fn the_place_in_the_file_decides_the_port_also_of_a_subset() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n# a comment\ndb: sleep 1000\n");
    project.start_detached(&["-l", "db,web", "-p", "6000", "-P", "10"]);
    project.wait_running(["db", "web"]);
    assert_eq!(project.service("web").port, Some(6000));
    assert_eq!(project.service("db").port, Some(6020));
}

#[test]
fn scaling_a_service_never_moves_anothers_port() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&["-m", "web=3", "--formation-port-step", "7"]);
    project.wait_running(["web#3", "worker"]);
    assert_eq!(project.service("web#3").port, Some(5014));
    assert_eq!(project.service("worker").port, Some(5100));
}

#[test]
fn every_service_knows_every_port_by_name() {
    let project = Project::with("web: dump-env\nmy-api.v2: sleep 1000\n");
    project.start_detached(&[]);
    project.wait_until("the environment", || !project.out("env.1").is_empty());
    let env = project.out("env.1");
    for entry in [
        "PORT=5000",
        "PS=web",
        "OVERMIND_PROCESS_web_PORT=5000",
        "OVERMIND_PROCESS_WEB_PORT=5000",
        "OVR_PROCESS_web_PORT=5000",
        "OVERMIND_PROCESS_my_api_v2_PORT=5100",
        "OVR_PROCESS_MY_API_V2_PORT=5100",
    ] {
        assert!(env.split('\0').any(|found| found == entry), "{entry} in {env}");
    }
}

#[test]
fn an_explicit_port_wins_and_status_says_where_it_comes_from() {
    let with = |name: &str, value: &str| Project::with("web: sleep 1000\n").env(name, value);
    for (project, args, port, source) in [
        (with("X", "1"), vec![], 5000, "default"),
        (with("PORT", "3000"), vec![], 3000, "PORT"),
        (with("PORT", "3000"), vec!["-p", "4000"], 4000, "-p"),
        (
            with("X", "1").file(".env", "\nPORT=3500\n"),
            vec![],
            3500,
            ".env:2",
        ),
    ] {
        project.start_detached(&args);
        project.wait_running(["web"]);
        let web = project.service("web");
        assert_eq!(web.port, Some(port), "{web:?}");
        assert!(
            web.port_source.as_ref().is_some_and(|text| text.contains(source)),
            "{web:?}"
        );
    }
}

#[test]
fn no_port_exports_none() {
    let project = Project::with("web: dump-env\n");
    project.start_detached(&["-N"]);
    project.wait_until("the environment", || !project.out("env.1").is_empty());
    assert!(
        !project.out("env.1").contains("PORT="),
        "{}",
        project.out("env.1")
    );
    assert_eq!(project.service("web").port, None);
}

#[test]
fn a_port_that_another_program_holds_is_named_with_its_holder_before_the_start() {
    for address in ["127.0.0.1", "0.0.0.0", "::1"] {
        let held = TcpListener::bind((address, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let project = Project::with("web: exec listener\nworker: sleep 1000\n");
        let console = project.start_piped(&["-p", &port.to_string(), "--any-can-die"]);
        console.wait_for_output("2 services up");
        let text = console.plain() + &console.stderr();
        let own = std::process::id().to_string();
        for part in [port.to_string().as_str(), "taken", own.as_str()] {
            assert!(text.contains(part), "no {part:?} for {address} in:\n{text}");
        }
        project.wait_running(["worker"]);
    }
}

#[test]
fn a_service_that_lost_its_port_says_so_in_the_status() {
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = held.local_addr().unwrap().port();
    let project = Project::with("web: exec listener\nworker: sleep 1000\n");
    project.start_detached(&["-p", &port.to_string(), "--any-can-die"]);
    let web = project.wait_state("web", StateWord::Failed);
    assert_eq!(web.exit_code, Some(9));
    project
        .ovr(&["status"])
        .answered()
        .says(&[&port.to_string(), "taken", &std::process::id().to_string()]);
    project.wait_running(["worker"]);
}

#[test]
fn a_port_that_has_become_free_is_told_no_more() {
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = held.local_addr().unwrap().port();
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&["-p", &port.to_string()]);
    project.wait_running(["web"]);
    let reason = project.service("web").reason;
    assert!(reason.is_some_and(|reason| reason.contains("is taken by")));
    drop(held);
    assert_eq!(project.service("web").reason, None);
}

#[test]
fn another_base_port_is_no_advice_for_a_port_that_is_fixed() {
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = held.local_addr().unwrap().port();
    let yaml = format!("processes:\n  web:\n    command: sleep 1000\n    port: {port}\n");
    let project = Project::new().file("ovr.yaml", &yaml);
    project
        .ovr(&["start", "-D"])
        .success()
        .says(&["is taken by", "fixed in ovr.yaml"])
        .never_says(&["start -p"]);
}

#[test]
fn who_was_killed_did_not_fail_for_its_port() {
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = held.local_addr().unwrap().port();
    let project = Project::with("web: exec sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&["-p", &port.to_string(), "--any-can-die"]);
    project.wait_running(["web"]);
    project.ovr(&["signal", "KILL", "web"]).success();
    let web = project.wait_state("web", StateWord::Failed);
    assert_eq!((web.exit_signal.as_deref(), web.reason), (Some("SIGKILL"), None));
}

#[test]
fn the_port_of_a_stopped_service_is_free() {
    let project = Project::with("web: sh -c 'listener; true'\nworker: sleep 1000\n");
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = held.local_addr().unwrap().port();
    drop(held);
    let console = project.start_piped(&["-p", &port.to_string()]);
    console.wait_for_output(&format!("│ listening on {port}"));
    project.ovr(&["stop", "web"]).success();
    TcpListener::bind(("127.0.0.1", port)).unwrap();
}
