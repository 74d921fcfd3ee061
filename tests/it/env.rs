//! The environment of services: env files, their order, their errors, and `ovr env`.

use crate::harness::Project;

/// Runs the only service of a project that prints `$A` and returns what it printed.
fn value_of_a(project: &Project) -> String {
    let output = project.ovr(&["run", "printenv", "A"]);
    output.stdout.trim_end_matches('\n').to_owned()
}

#[test]
fn each_source_of_the_environment_wins_over_the_one_below_it() {
    let project = Project::with("web: sleep 1000\n")
        .env("A", "caller")
        .env("OVR_ENV", "extra");
    project.write("extra", "");
    assert_eq!(value_of_a(&project), "caller");
    for (file, value) in [
        ("~/.ovr.env", "home"),
        (".ovr.env", "project"),
        (".env", "dotenv"),
        ("extra", "named"),
    ] {
        project.write(file, &format!("A={value}\n"));
        assert_eq!(value_of_a(&project), value, "{file}");
    }
}

#[test]
fn dotenv_can_be_skipped_and_overminds_files_are_read_where_ours_are_not() {
    let project = Project::with("web: sleep 1000\n")
        .file(".env", "A=dotenv\n")
        .file(".overmind.env", "A=overmind\nB=2\n");
    assert_eq!(value_of_a(&project), "dotenv");
    let skipped = project
        .cmd(&["run", "printenv", "A"])
        .env("OVR_SKIP_ENV", "1")
        .output();
    assert_eq!(skipped.stdout, "overmind\n");
    let skipped = project
        .cmd(&["run", "printenv", "A"])
        .env("OVERMIND_SKIP_ENV", "1")
        .output();
    assert_eq!(skipped.stdout, "overmind\n");
}

#[test]
fn values_of_env_files_arrive_as_they_are_written() {
    for (text, value) in [
        ("A=plain", "plain"),
        ("export A=1", "1"),
        ("A='a $B \\n'", "a $B \\n"),
        ("A=\"a\\nb\"", "a\nb"),
        ("A=\"x\ny\"", "x\ny"),
        ("A=a # c", "a"),
        ("A=a#c", "a#c"),
        ("A=\"a # c\" # d", "a # c"),
        ("A = 1", "1"),
        ("B=x\nA=$B", "x"),
        ("B=x\nA='$B'", "$B"),
        ("\u{feff}A=bom\r\nB=2\r", "bom"),
        ("A=", ""),
        ("A=1\nA=2", "2"),
        ("A=it's", "it's"),
    ] {
        let project = Project::with("web: sleep 1000\n").file(".env", &format!("{text}\n"));
        assert_eq!(value_of_a(&project), value, "{text:?}");
    }
}

#[test]
fn a_bad_line_of_an_env_file_is_an_error_with_its_place_and_starts_nothing() {
    for (text, place) in [
        ("A=1\nfoo bar\nB=2\n", ".env:2:"),
        ("A=1\n\nB=\"open\n", ".env:3:"),
        ("A-B=2\n", ".env:1:"),
    ] {
        let project = Project::with("web: touch $OUT/started; sleep 1000\n").file(".env", text);
        project.ovr(&["start"]).code(78).says(&[place, "^"]);
        assert!(!project.path("out").join("started").exists());
        project.ovr(&["check"]).code(78).says(&[place]);
    }
    let project = Project::with("web: sleep 1000\n").env("OVR_ENV", "missing.env");
    project.ovr(&["start"]).failure().says(&["missing.env"]);
}

#[test]
fn commands_reach_the_shell_as_they_are_written() {
    let project = Project::with("web: X='a b'; printf '%s|%s|%s' \"$X\" '$HOME' \"${NOPE:-x}\" $$ >$OUT/said; echo >>$OUT/said; sleep 1000\n").file(".env", "NOPE=\n");
    project.start_detached(&[]);
    assert!(project.wait_out("said").starts_with("a b|$HOME|x"));
}

#[test]
fn env_shows_what_a_service_gets_and_where_it_comes_from() {
    let project = Project::with("web: dump-env\nworker: sleep 1000\n").file(".env", "COLOUR=blue\n");
    project
        .ovr(&["env", "worker"])
        .success()
        .says(&["COLOUR=blue", "PORT=5100", "PS=worker"]);
    project
        .ovr(&["env", "web", "--explain"])
        .success()
        .says(&["COLOUR", ".env:1", "PORT"]);
    project
        .cmd(&["env", "web", "--explain"])
        .env("COLOUR", "red")
        .output()
        .success()
        .says(&["instead of red, from caller"]);
    let json = project.ovr(&["env", "web", "--json"]).success().json();
    assert!(json.to_string().contains("COLOUR"));
    project.start_detached(&[]);
    project.wait_until("web's environment", || !project.out("env.1").is_empty());
    let shown = project.ovr(&["env", "web"]).stdout;
    for entry in project.out("env.1").split('\0') {
        if entry.starts_with("COLOUR") || entry.contains("PORT=") || entry.starts_with("PS=") {
            assert!(shown.contains(entry), "{entry} in {shown}");
        }
    }
}

#[test]
fn settings_can_stand_in_env_files() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n")
        .file(".ovr.env", "OVR_PROCESSES=web\nOVERMIND_PORT=7500\n");
    project.start_detached(&[]);
    project.wait_running(["web"]);
    assert_eq!(project.service("web").port, Some(7500));
    assert_eq!(project.service("worker").pid, None);
}

#[test]
fn secrets_are_in_no_command_line_and_not_in_tmux() {
    let project = Project::with("web: dump-env\n").env("SECRET_TOKEN", "s3cr3t");
    project.start_detached(&[]);
    project.wait_until("the service to write", || !project.out("env.1").is_empty());
    // Nothing of the environment goes through a command line or tmux's own environment.
    for process in project.processes() {
        assert!(!process.command.contains("s3cr3t"), "{process:?}");
    }
    let tmux = project.tmux(&["show-environment", "-g"]).stdout;
    assert!(!tmux.contains("s3cr3t"), "{tmux}");
}

#[test]
fn files_that_a_flag_names_go_before_dotenv_and_in_place_of_those_of_the_variable() {
    let project = Project::new()
        .file(
            "process-compose.yaml",
            "processes:\n  web: { command: 'echo ${A} $A $B >$OUT/out' }\n",
        )
        .env("OVR_ENV", "variable.env")
        .file("variable.env", "A=variable\nB=variable\n")
        .file(".env", "A=dotenv\n")
        .file("sub/one.env", "A=one\nB=one\n")
        .file("sub/two.env", "B=two\n");
    let value = |args: &[&str]| {
        let args = [&["run"], args, &["sh", "-c", "echo $A $B"]].concat();
        project.cmd(&args).dir("sub").output().stdout
    };
    assert_eq!(value(&[]), "variable variable\n");
    assert_eq!(value(&["-e", "one.env", "--env", "two.env"]), "one two\n");
    assert_eq!(value(&["-e", "one.env,two.env"]), "one two\n");
    project.ovr(&["start", "-e", "sub/one.env"]).success();
    assert_eq!(project.out("out"), "one one one\n");
    project.ovr(&["up", "-e", "sub/two.env"]).success();
    assert_eq!(project.out("out"), "dotenv dotenv two\n");
    project
        .ovr(&["config", "-e", "sub/one.env"])
        .success()
        .says(&["echo one $A $B"]);
    for command in ["check", "env", "start"] {
        let refused = project.ovr(&[command, "-e", "none.env"]);
        assert_ne!(refused.code, 0);
        refused.says(&["none.env, which -e names"]);
    }
}

#[test]
fn the_callers_token_for_a_session_on_tcp_reaches_no_service() {
    let project = Project::with("web: echo \"token ${OVR_TOKEN-none}, a $A\" >$OUT/seen; sleep 1000\n")
        .env("OVR_TOKEN", "5ecret")
        .env("A", "1");
    project.start_detached(&[]);
    assert_eq!(project.wait_out("seen"), "token none, a 1");
    project.ovr(&["env", "web"]).success().never_says(&["5ecret"]);
    // Who wants one in a service says so.
    project.write(".env", "OVR_TOKEN=asked for\n");
    project
        .ovr(&["env", "web"])
        .success()
        .says(&["OVR_TOKEN=", "asked for"]);
}
