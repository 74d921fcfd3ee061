//! `run`, `env`, `check`, `config` and `graph` beside a session: they are about the files and options that it was
//! started with, as the files are now.

use crate::adoption::kill_controller;
use crate::harness::{Project, processes};
use rustix::process::Signal;

const EXAMPLE: &str = "web: exec sleep 1000\nworker: exec sleep 1000\n";

/// A project whose only file has a name that nobody looks for, and a session of that.
fn of_example(options: &[&str]) -> Project {
    let project = Project::new()
        .file("Procfile.example", EXAMPLE)
        .file("sub/deep/x", "");
    project.start_detached(&[&["-f", "Procfile.example"], options].concat());
    project
}

/// What a command beside the session gets as worker's port.
fn port_of_worker(project: &Project, options: &[&str]) -> String {
    let words = [
        &["run"],
        options,
        &["--service", "worker", "sh", "-c", "echo $PORT"],
    ];
    let output = project.cmd(&words.concat()).dir("sub").output();
    output.success().stdout.trim().to_owned()
}

#[test]
fn the_files_and_options_of_a_session_are_meant_from_any_directory_of_its_root() {
    let project = of_example(&["-p", "7100", "-w", "The shop", "-m", "worker=2"]);
    let shown = |args: &[&str], dir: &str| project.cmd(args).dir(dir).output();
    for dir in [".", "sub/deep"] {
        let run = shown(&["run", "printenv", "OVERMIND_PROCESS_worker_PORT"], dir);
        assert_eq!(run.success().stdout, "7200\n", "{dir}");
        let run = shown(&["run", "--service", "worker#2", "printenv", "PORT"], dir);
        assert_eq!(run.success().stdout, "7210\n", "{dir}");
        shown(&["env"], dir)
            .success()
            .says(&["OVR_PROJECT='The shop'\n", "OVR_PROCESS_web_PORT=7100\n"]);
        shown(&["env", "worker#2", "--explain"], dir)
            .success()
            .says(&["PS='worker#2'"]);
        shown(&["check"], dir)
            .success()
            .says(&["shop/Procfile.example is sound: web, worker#1, worker#2\n"]);
        shown(&["config"], dir)
            .success()
            .says(&["exec sleep 1000", "Procfile.example:1"]);
        shown(&["graph", "--dot"], dir)
            .success()
            .says(&["web", "worker#2"]);
        shown(&["run", "sh", "-c", "exit 7"], dir).code(7);
        shown(&["env", "nobody"], dir).code(65);
    }
    // What is shared with a service is what the service has got.
    let [web] = project.wait_running(["web"]);
    let has = std::fs::read(format!("/proc/{web}/environ")).unwrap();
    let run = project.ovr(&["run", "--service", "web", "env", "-0"]);
    let ours = |variable: &&str| variable.starts_with("OVR_") || variable.starts_with("PORT=");
    let told: Vec<&str> = run.success().stdout.split('\0').filter(ours).collect();
    assert!(told.len() > 5, "{told:?}");
    for variable in told {
        let is_there = has.split(|byte| *byte == 0).any(|had| had == variable.as_bytes());
        assert!(is_there, "web has no {variable}");
    }
}

#[test]
fn run_has_the_terminal_beside_a_session_too() {
    let project = of_example(&[]);
    let script = "test -t 0 && printf 'name? '; read n; echo hello $n on $PORT; exit 9";
    let terminal = project.cmd(&["run", "--service", "worker", "sh", "-c", script]);
    let terminal = terminal.terminal();
    terminal.wait_for_output("name? ");
    terminal.type_keys("Ada\r");
    terminal.wait_for_output("hello Ada on 5100");
    assert_eq!(terminal.wait_exit(), 9);
}

#[test]
fn a_file_that_is_named_goes_before_the_sessions_and_the_directorys_own_counts_when_it_is_over() {
    let project = Project::with("worker: sleep 1000\n")
        .file("Procfile.example", EXAMPLE)
        .file("sub/x", "");
    project.start_detached(&["-f", "Procfile.example", "-p", "7100"]);
    assert_eq!(port_of_worker(&project, &[]), "7200");
    assert_eq!(port_of_worker(&project, &["-f", "../Procfile"]), "5000");
    assert_eq!(port_of_worker(&project, &["-d", ".."]), "5000");
    project.ovr(&["check"]).success().says(&["Procfile.example is"]);
    project
        .ovr(&["check", "-f", "Procfile"])
        .success()
        .says(&["Procfile is"]);
    project.ovr(&["quit"]).success();
    assert_eq!(port_of_worker(&project, &[]), "5000");
    project.ovr(&["check"]).success().says(&["Procfile is"]);
}

#[test]
fn a_file_of_variables_stands_in_for_the_sessions_own_and_the_rest_stays() {
    let project = Project::new()
        .file("Procfile.example", EXAMPLE)
        .file("one.env", "A=one\n")
        .file("sub/two.env", "A=two\n");
    project.start_detached(&["-f", "Procfile.example", "-p", "7100", "-e", "one.env"]);
    let run = |options: &[&str]| {
        let words = [
            &["run"],
            options,
            &["sh", "-c", "echo $A $OVR_PROCESS_worker_PORT"],
        ];
        project.cmd(&words.concat()).dir("sub").output().stdout
    };
    assert_eq!(run(&[]), "one 7200\n");
    assert_eq!(run(&["-e", "two.env"]), "two 7200\n");
}

#[test]
fn the_variables_of_who_asks_are_passed_on_and_say_nothing_about_the_session() {
    let project = Project::new()
        .file("Procfile.example", EXAMPLE)
        .file(".env", "DOTENV=read\n")
        .file("theirs.env", "A=theirs\n")
        .file("mine.env", "A=mine\n")
        .file("Procfile.other", "worker: sleep 1000\n");
    project.write("sub/x", "");
    // Base port and files by variables, from a directory that the files are not in.
    let start = project.cmd(&["start", "-D", "-f", "../Procfile.example"]);
    let start = start.env("PORT", "7300").env("OVR_ENV", "theirs.env");
    let start = start.env("OVR_SKIP_ENV", "1").env("OVR_ROOT", "..").dir("sub");
    start.output().success();
    let script = "echo $OVR_PROCESS_worker_PORT $A $MINE ${DOTENV-skipped}";
    let run = project.cmd(&["run", "sh", "-c", script]).env("MINE", "too");
    assert_eq!(run.output().success().stdout, "7400 theirs too skipped\n");
    let run = project.cmd(&["run", "sh", "-c", script]).env("PORT", "9000");
    let run = run.env("OVR_PORT", "9100").env("OVR_ENV", "mine.env");
    let run = run.env("OVR_PROCFILE", "Procfile.other").env("OVR_NO_PORT", "1");
    assert_eq!(run.output().success().stdout, "7400 theirs skipped\n");
    // Without a session they are heeded as ever.
    project.ovr(&["quit"]).success();
    let run = project.cmd(&["run", "sh", "-c", script]).env("OVR_PORT", "9100");
    let run = run
        .env("OVR_PROCFILE", "Procfile.other")
        .env("OVR_ENV", "mine.env");
    assert_eq!(run.output().success().stdout, "9100 mine read\n");
}

#[test]
fn files_are_read_as_they_are_now_and_a_scaled_service_keeps_its_number() {
    let project = of_example(&["-p", "7100"]);
    project.ovr(&["scale", "worker=2"]).success();
    let second = project.ovr(&["run", "--service", "worker#2", "printenv", "PORT"]);
    assert_eq!(second.success().stdout, "7210\n");
    project.write("Procfile.example", &format!("new: sleep 1000\n{EXAMPLE}"));
    project.write(".env", "A=new\n");
    let run = project.ovr(&["run", "--service", "worker#2", "sh", "-c", "echo $PORT $A"]);
    assert_eq!(run.success().stdout, "7310 new\n");
    project.write("Procfile.example", "no service\n");
    project.ovr(&["check"]).code(78).says(&["Procfile.example:1"]);
    project.ovr(&["run", "true"]).code(78);
    std::fs::remove_file(project.root.join("Procfile.example")).unwrap();
    project.ovr(&["run", "true"]).code(66).says(&[
        "Procfile.example",
        "the session here was started with it; -f FILE names another one",
    ]);
}

#[test]
fn a_session_that_does_not_answer_and_one_without_its_controller_are_meant_too() {
    let project = of_example(&["-p", "7100"]);
    let controller = project.status().session.pid;
    processes::kill(controller, Signal::STOP);
    assert_eq!(port_of_worker(&project, &[]), "7200");
    project.ovr(&["env", "worker"]).success().says(&["PORT=7200"]);
    processes::kill(controller, Signal::CONT);
    kill_controller(&project);
    assert_eq!(port_of_worker(&project, &[]), "7200");
    project.ovr(&["check"]).success().says(&["Procfile.example is"]);
    project.ovr(&["graph", "--json"]).success().says(&["worker"]);
    // What a crash has left of a session is none.
    let server = project.processes_with("tmux.sock");
    processes::kill(server[0].pid, Signal::KILL);
    project.wait_gone();
    project
        .ovr(&["run", "true"])
        .code(66)
        .says(&["no project here or above"]);
    project.start_detached(&["-f", "Procfile.example"]);
    assert_eq!(port_of_worker(&project, &[]), "5100");
}

#[test]
fn a_session_under_another_root_or_name_is_meant_from_its_root_and_by_its_name() {
    let project = Project::new()
        .file("Procfile.example", EXAMPLE)
        .file("app/sub/x", "");
    project.start_detached(&["-f", "Procfile.example", "-d", "app", "-p", "7100"]);
    let run = project.cmd(&["run", "printenv", "OVR_PROCESS_worker_PORT"]);
    assert_eq!(run.dir("app/sub").output().success().stdout, "7200\n");
    // In the directory of the file the session is told.
    let root = project.root.display().to_string();
    let told = format!("a session of {root}/app runs {root}/Procfile.example; to mean it: -s {root}/app");
    for command in [
        &["run", "true"][..],
        &["env"],
        &["check"],
        &["config"],
        &["graph"],
    ] {
        project.ovr(command).code(66).says(&[&told]);
    }
    let run = project.ovr(&["-s", "app", "run", "printenv", "OVR_PROCESS_worker_PORT"]);
    assert_eq!(run.success().stdout, "7200\n");
    project.ovr(&["-s", "app", "quit"]).success();

    let project = Project::new().file("Procfile.example", EXAMPLE);
    project.start_detached(&["-s", "./a.sock", "-f", "Procfile.example", "-p", "7100"]);
    project
        .ovr(&["run", "true"])
        .code(66)
        .says(&["Procfile.example; to mean it: -s "]);
    let words = ["-s", "./a.sock", "run", "printenv", "OVR_PROCESS_worker_PORT"];
    assert_eq!(project.ovr(&words).success().stdout, "7200\n");
    let by_variable = project.cmd(&words[2..]).env("OVR_SOCKET", "./a.sock");
    assert_eq!(by_variable.output().success().stdout, "7200\n");
    // Who types the name of one that does not run is told so; a variable may be for the next start.
    let none = ["-s", "./b.sock", "run", "-e", "x.env", "true"];
    project.ovr(&none).code(69).says(&["no session at ./b.sock"]);
    let idle = project.cmd(&["run", "-f", "Procfile.example", "true"]);
    idle.env("OVR_SOCKET", "./b.sock").output().success();
    project.ovr(&["-s", "./a.sock", "quit"]).success();
}

#[test]
fn a_configuration_that_was_found_is_found_again_from_a_root_that_lies_elsewhere() {
    let project =
        Project::with(EXAMPLE).file("ovr.yaml", "processes:\n  web: { environment: [A=overlaid] }\n");
    let root = project.path("out").join("elsewhere");
    std::fs::create_dir_all(root.join("sub")).unwrap();
    project.start_detached(&["-d", root.to_str().unwrap(), "-p", "7100"]);
    let run = project.cmd(&["run", "--service", "web", "sh", "-c", "echo $A $PORT"]);
    assert_eq!(
        run.dir(root.join("sub")).output().success().stdout,
        "overlaid 7100\n"
    );
    project.cmd(&["quit"]).dir(&root).output().success();
}

#[test]
fn a_profile_of_the_sessions_files_can_be_started_in_it() {
    let yaml = "profiles:\n  jobs: worker\nprocesses:\n  web: { command: exec sleep 1000 }\n  \
                worker: { command: exec sleep 1000 }\n";
    for command in [&["start"][..], &["up"]] {
        let project = Project::new().file("dev.yaml", yaml);
        project.start_detached(&["-f", "dev.yaml", "-l", "web"]);
        project.wait_running(["web"]);
        assert_eq!(project.service("worker").pid, None);
        project.ovr(&[command, &["--profile", "jobs"]].concat()).success();
        project.wait_running(["worker"]);
    }
}
