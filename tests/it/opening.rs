//! How windows come to be: many at once, where tmux refuses a step, and what a controller that died in between left.

use crate::harness::{Project, processes, program};
use rustix::process::Signal;

/// The names of tmux's windows, in its order.
fn windows(project: &Project) -> Vec<String> {
    let names = project.tmux(&["list-windows", "-t", "=ovr:", "-F", "#{window_name}"]);
    names.stdout.lines().map(str::to_owned).collect()
}

fn panes(project: &Project) -> usize {
    let panes = project.tmux(&["list-panes", "-s", "-t", "=ovr:"]);
    panes.stdout.lines().count()
}

#[track_caller]
fn wait_windows(project: &Project, names: &[String]) {
    project.wait_until("each service, and nothing else, to have a window", || {
        windows(project) == names
    });
}

/// A tmux in which this command fails.
fn tmux_without(command: &str) -> String {
    format!(
        "#!/bin/sh\n\
         for word; do [ \"$last\" = -f ] && [ -z \"$config\" ] && config=$word; last=$word; done\n\
         [ -f \"$config\" ] && echo \"set -s command-alias[90] '{command}=send-keys -t =nobody --'\" >> \"$config\"\n\
         exec tmux \"$@\"\n"
    )
}

#[test]
fn services_that_start_together_have_windows_in_the_order_of_the_file() {
    let project = Project::with_many(30, |_| "exec sleep 1000".to_owned());
    project.start_detached(&[]);
    let names: Vec<String> = project
        .status()
        .services
        .iter()
        .map(|service| service.name.clone())
        .collect();
    assert_eq!(names.len(), 30);
    wait_windows(&project, &names);
}

#[test]
fn instances_of_one_service_that_start_together_have_windows_of_their_names() {
    let project = Project::with("web: exec sleep 1000\n");
    project.start_detached(&["-m", "web=15", "--formation-port-step", "5"]);
    let names: Vec<_> = (1..=15).map(|number| format!("web#{number}")).collect();
    wait_windows(&project, &names);
    for name in &names {
        project.wait_running([name.as_str()]);
    }
}

#[test]
fn a_service_begins_in_the_size_that_it_keeps() {
    let project = Project::with_many(12, |_| {
        "trap 'stty size >>$OUT/$PS.changed' WINCH; stty size >$OUT/$PS; while :; do sleep 0.01; done"
            .to_owned()
    });
    project.start_detached(&[]);
    let services = project.status().services;
    for service in &services {
        assert_eq!(project.wait_out(&service.name), "30 120");
    }
    // Whatever size tmux owes them comes before that of a terminal that looks.
    for service in services {
        let view = project.cmd(&["connect", &service.name]).size(24, 80).terminal();
        let changed = project.wait_out(&format!("{}.changed", service.name));
        assert!(changed.ends_with(" 80"), "{changed}");
        assert_eq!(changed.lines().count(), 1, "{changed}");
        drop(view);
    }
}

#[test]
fn a_line_end_alone_does_not_go_back_to_the_left_edge() {
    let project = Project::with("web: stty -opost; printf 'ab\\ncd'; exec sleep 1000\napi: sleep 1000\n");
    project.start_detached(&[]);
    project.wait_until("the words to stand as on any terminal", || {
        let screen = project.tmux(&["capture-pane", "-p", "-t", "=ovr:=web"]).stdout;
        screen.starts_with("ab\n  cd\n")
    });
}

#[test]
fn nothing_that_runs_in_tmux_is_told_how_to_keep_its_heap() {
    let project = Project::with_many(4, |_| "env >$OUT/$PS; exec sleep 1000".to_owned());
    project.start_detached(&[]);
    let by_hand = |name: &str| format!("env >{}", project.path("out").join(name).display());
    project.tmux(&["new-window", "-d", &by_hand("window")]).success();
    project.tmux(&["run-shell", &by_hand("job")]).success();
    let mut names: Vec<_> = project.status().services.into_iter().map(|s| s.name).collect();
    names.extend(["window", "job"].map(str::to_owned));
    for name in names {
        let environment = project.wait_out(&name);
        assert!(environment.contains("PATH="), "{name}: {environment}");
        assert!(!environment.contains("GLIBC_TUNABLES"), "{name}: {environment}");
    }
}

#[test]
fn a_service_whose_name_tmux_takes_for_more_gets_the_window_of_its_own() {
    let names = ["web", "1", "a.b", "0", "web2", "a", "7", "b.0", "ovr", "é"];
    let services: String = names
        .map(|name| format!("{name}: echo $PS; exec sleep 1000\n"))
        .concat();
    let project = Project::with(&services);
    project.start_detached(&[]);
    wait_windows(&project, &names.map(str::to_owned));
    let listed = project.tmux(&["list-windows", "-t", "=ovr:", "-F", "#{window_id} #{window_name}"]);
    for line in listed.stdout.lines() {
        let (id, name) = line.split_once(' ').unwrap();
        project.wait_service(name, "to have said its name", |service| {
            service.last_line.as_deref() == Some(name)
        });
        let shown = project.tmux(&["capture-pane", "-p", "-t", id]).stdout;
        assert!(shown.starts_with(&format!("{name}\n")), "{name}: {shown}");
    }
}

#[test]
fn where_tmux_refuses_a_step_services_start_all_the_same() {
    for command in [
        "split-window",
        "break-pane",
        "resize-window",
        "move-window",
        "respawn-pane",
        "set-hook",
        "rename-window",
    ] {
        // More than are made without a hook.
        let project = Project::with_many(12, |_| "exec sleep 1000".to_owned())
            .script("odd-tmux", &tmux_without(command))
            .env("OVR_TMUX", "odd-tmux");
        project.start_detached(&[]);
        let mut names: Vec<_> = project.status().services.into_iter().map(|s| s.name).collect();
        names.sort_unstable();
        for name in &names {
            project.wait_running([name.as_str()]);
        }
        project.wait_until("each service, and nothing else, to have a window", || {
            let mut found = windows(&project);
            found.sort_unstable();
            found == names
        });
        assert_eq!(panes(&project), names.len(), "{command}");
    }
}

/// A tmux that begins a server only as far as to this command.
fn tmux_without_what_follows(command: &str) -> String {
    format!(
        "#!/bin/sh\n\
         case \" $* \" in *' -C new-session '*)\n\
             count=$#\n\
             while [ $count -gt 0 ]; do\n\
                 [ \"$1\" = {command} ] && cut=yes\n\
                 [ -z \"$cut\" ] && set -- \"$@\" \"$1\"\n\
                 shift\n\
                 count=$((count - 1))\n\
             done;;\n\
         esac\n\
         exec tmux \"$@\"\n"
    )
}

#[test]
fn a_server_that_comes_to_begin_only_in_part_has_each_service_in_a_window_all_the_same() {
    for command in [
        "set-environment",
        "split-window",
        "resize-window",
        "set-option",
        "break-pane",
        "set-hook",
        "rename-window",
    ] {
        let project = Project::with_many(4, |_| "exec sleep 1000".to_owned())
            .script("odd-tmux", &tmux_without_what_follows(command))
            .env("OVR_TMUX", "odd-tmux");
        project.start_detached(&[]);
        let names: Vec<_> = project.status().services.into_iter().map(|s| s.name).collect();
        for name in &names {
            project.wait_running([name.as_str()]);
        }
        wait_windows(&project, &names);
        project.wait_until("no other pane", || panes(&project) == names.len());
        for name in &names {
            let service = project
                .status()
                .services
                .into_iter()
                .find(|s| s.name == *name)
                .unwrap();
            assert_eq!(service.restarts, 0, "{command}: {name}");
        }
    }
}

#[test]
fn a_service_that_starts_later_has_the_size_of_the_others() {
    let project = Project::with(
        "web: stty size >$OUT/web; exec sleep 1000\napi: stty size >$OUT/api; exec sleep 1000\n",
    );
    project.start_detached(&["-x", "api"]);
    assert_eq!(project.wait_out("web"), "30 120");
    project.ovr(&["start", "api"]).success();
    assert_eq!(project.wait_out("api"), "30 120");
}

#[test]
fn a_window_can_be_looked_at_however_early() {
    let project = Project::with_many(20, |_| "echo here; exec sleep 1000".to_owned());
    project.start_detached(&[]);
    let last = project.status().services.pop().unwrap();
    let view = project.connect(&last.name);
    view.wait_for_screen("what it has said", |screen| screen.contents().contains("here"));
}

#[test]
fn what_a_controller_left_that_died_while_it_opened_windows_goes_with_the_next() {
    let project = Project::with("web: exec sleep 1000\n");
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    wait_windows(&project, &["web".to_owned()]);
    let shim = project
        .tmux(&["list-panes", "-a", "-F", "#{pane_start_command}"])
        .stdout;
    let socket = shim
        .split_whitespace()
        .find(|word| word.ends_with("shim.sock"))
        .unwrap()
        .to_owned();
    let ovr = program();
    let hold = [
        "new-window",
        "-d",
        "-n",
        "ovr",
        "--",
        ovr.to_str().unwrap(),
        "hold",
        &socket,
    ];
    project.tmux(&hold).success();
    for _ in 0..2 {
        project
            .tmux(&["split-window", "-d", "-t", "=ovr:=ovr", ""])
            .success();
        project
            .tmux(&["break-pane", "-d", "-s", "=ovr:=ovr.1", "-n", "api"])
            .success();
    }
    // One that did not come to leave the room of the first window.
    project
        .tmux(&["split-window", "-d", "-t", "=ovr:=web", ""])
        .success();
    assert_eq!((windows(&project).len(), panes(&project)), (4, 5));
    processes::kill(project.status().session.pid, Signal::KILL);
    project.start_detached(&[]);
    assert_eq!(project.wait_running(["web"]), [web]);
    project.wait_until("only the service's pane to be left", || panes(&project) == 1);
    wait_windows(&project, &["web".to_owned()]);
}

#[test]
fn what_keeps_a_window_open_is_nothing_to_type() {
    let project = Project::new();
    project
        .ovr(&["hold"])
        .code(64)
        .says(&["usage: ovr hold", "ovr itself"]);
}
