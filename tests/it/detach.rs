//! Sessions in the background: `start -D`, and `detach` of one in the foreground.

use crate::harness::Project;

#[test]
fn after_a_detached_start_the_session_answers_at_once_with_everything_spawned() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\ndb: sleep 1000\n");
    for _ in 0..10 {
        project.ovr(&["start", "-D"]).success();
        let status = project.ovr(&["status", "--json"]);
        let json = status.success().json();
        for service in json["services"].as_array().unwrap() {
            assert!(service["pid"].is_u64(), "{service}");
        }
        assert_eq!(json["session"]["detached"], true);
        project.ovr(&["quit"]).success();
    }
}

#[test]
fn a_detached_start_shows_the_table_and_three_commands_and_leaves_no_descriptor_open() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    // `output` waits until nobody holds its pipes any more.
    let output = project.ovr(&["start", "-D"]);
    output
        .success()
        .says(&["web", "worker", "5000", "ovr connect", "ovr echo", "ovr quit"]);
}

#[test]
fn detach_hands_a_foreground_session_to_the_background_and_nothing_restarts() {
    let project = Project::with("web: sleep 1000\nask: asker\n");
    let console = project.start(&[]);
    let before = project.wait_running(["web", "ask"]);
    let foreground = project.status().session.pid;
    project.ovr(&["detach"]).success();
    assert_eq!(console.wait_exit(), 0);
    assert_eq!(project.wait_running(["web", "ask"]), before);
    let session = project.status().session;
    assert!(session.detached && session.pid != foreground, "{session:?}");
    let view = project.connect("ask");
    view.wait_for_screen_text("continue?");
    view.type_keys("yes\r");
    assert_eq!(project.wait_out("answer"), "yes");
}

#[test]
fn the_closed_terminal_of_a_detached_session_changes_nothing() {
    let project = Project::with("web: sleep 1000\n");
    let mut shell = project.shell();
    shell.type_keys("ovr start -D\r");
    let before = project.wait_running(["web"]);
    shell.hang_up();
    shell.wait_exit();
    assert_eq!(project.wait_running(["web"]), before);
}

#[test]
fn a_session_that_ends_by_itself_in_the_background_says_so_afterwards() {
    let project =
        Project::with("web: until [ -e $OUT/go ]; do sleep 0.02; done; exit 4\nworker: sleep 1000\n");
    project.start_detached(&[]);
    project.wait_running(["web", "worker"]);
    std::fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_gone();
    project.ovr(&["status"]).code(69).says(&["web", "4"]);
}
