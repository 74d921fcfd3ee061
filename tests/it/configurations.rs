//! YAML configurations: real files, as their users wrote them, do what they say. Programs that are not on this
//! machine are scripts on the services' path.

use crate::harness::Project;
use ovr::model::StateWord;

/// Writes down what it was called with, and stays.
const STAYS: &str = "#!/bin/sh\necho \"$*\" >\"$OUT/$OVR_INSTANCE\"\nexec sleep 1000\n";

fn with(name: &str, text: &str) -> Project {
    Project::new().file(name, text)
}

fn example(text: &str) -> Project {
    with("process-compose.yaml", text)
}

#[test]
fn the_quick_start_brings_up_web_behind_redis() {
    let project = example(include_str!("examples/quick-start.yaml"))
        .script("redis-server", STAYS)
        .script("npm", STAYS);
    project.start_detached(&[]);
    project.wait_running(["redis", "web"]);
    assert_eq!(project.wait_out("redis"), "--port 6379");
    assert_eq!(project.wait_out("web"), "run dev");
    // No port was asked for, so none is handed out.
    assert_eq!(project.service("web").port, None);
}

#[test]
fn replicas_have_names_and_numbers_of_their_own() {
    let project = example(include_str!("examples/replicas.yaml")).script("uvicorn", STAYS);
    project.start_detached(&[]);
    let old = project.wait_running(["api-0", "api-1", "api-2"]);
    for number in 0..3 {
        let said = project.wait_out(&format!("api-{number}"));
        assert_eq!(said, format!("app:main --port 300{number}"));
    }
    // One, by either name; all, by the service's.
    project.ovr(&["restart", "api-1"]).success().says(&["api-1"]);
    project.ovr(&["restart", "api#3"]).success().says(&["api-2"]);
    assert_eq!(project.service("api-0").pid, Some(old[0]));
    let restarted = project.ovr(&["restart", "api"]);
    restarted.success().says(&["api-0", "api-1", "api-2"]);
    assert_ne!(project.service("api-0").pid, Some(old[0]));
}

#[test]
fn a_port_that_an_environment_gives_is_the_services_port() {
    let project = example(include_str!("examples/replicas-env.yaml")).script("python", STAYS);
    project.start_detached(&[]);
    for number in 0..5 {
        let name = format!("api-{number}");
        assert_eq!(project.wait_out(&name), format!("app.py --port 300{number}"));
        assert_eq!(project.service(&name).port, Some(3000 + number));
    }
}

#[test]
fn what_a_command_prints_is_a_variable_of_values_commands_and_templates() {
    let text = include_str!("examples/topolop.yaml").replace("/home/user/projects/topolop", ".");
    let project = example(&text)
        .script(
            "styxy",
            "#!/bin/sh\ncase $2 in *http) echo 27474;; *bolt) echo 27687;; esac\n",
        )
        .script("docker", STAYS)
        .script("npm", STAYS);
    let explained = project.ovr(&["env", "neo4j", "--explain"]);
    explained
        .success()
        .says(&["NEO4J_HTTP_PORT=27474", "NEO4J_BOLT_PORT=27687"]);
    let console = project.start(&[]);
    let said = project.wait_out("neo4j");
    for part in ["-p 27474:7474", "-p 27687:7687", "NEO4J_AUTH=neo4j/password"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(project.service("topolop-indexer").state, StateWord::Pending);
    drop(console);
}

#[test]
fn an_env_cmd_that_fails_is_an_error_with_its_place_and_nothing_starts() {
    let project = example(include_str!("examples/topolop.yaml"))
        .script("styxy", "#!/bin/sh\necho 'no such project' >&2\nexit 3\n");
    let refused = project.ovr(&["start"]);
    refused.code(78).says(&[
        "process-compose.yaml:6:20",
        "NEO4J_HTTP_PORT",
        "exited with code 3",
        "no such project",
        "NEO4J_BOLT_PORT",
    ]);
}

/// Launches by touching a file, and tells by it.
const DOCKER: &str = "#!/bin/sh
case \"$*\" in
  *' up -d '*) for service; do :; done; touch \"$OUT/up-$service\";;
  *\"--format={{.State.Health.Status}}\"*) name=${2#autogen-}; test -e \"$OUT/up-$name\" && echo healthy;;
esac
";

#[test]
fn what_docker_launches_is_ready_when_docker_says_so() {
    let text = include_str!("examples/autogen.yaml")
        .replace("/home/user/.claude/logs", "${OUT}")
        .replace("/home/user/projects/Utility/MULTI-AGENT/autogen-local", ".")
        // Nobody wants to wait for ten seconds in a test.
        .replace("initial_delay_seconds: 10", "initial_delay_seconds: 0")
        .replace("initial_delay_seconds: 5", "initial_delay_seconds: 0");
    let project = example(&text).script("docker", DOCKER);
    let console = project.start(&[]);
    for name in ["zookeeper", "kafka"] {
        project.wait_service(name, "to be ready", |service| service.ready == Some(true));
    }
    drop(console);
}

#[test]
fn a_launched_service_lets_what_waits_for_it_begin() {
    let text = include_str!("examples/autogen-short.yaml").replace("/home/user/projects/autogen-local", ".");
    let project = example(&text)
        .script("docker", DOCKER)
        .script("curl", "#!/bin/sh\ntest -e \"$OUT/up-zookeeper\"\n");
    let console = project.start(&[]);
    for name in ["zookeeper", "kafka"] {
        project.wait_service(name, "to be ready", |service| service.ready == Some(true));
    }
    // It is to be restarted whenever it ends, and what it launched has not.
    assert_eq!(project.service("zookeeper").restarts, 0);
    drop(console);
}

#[test]
fn containers_are_launched_again_when_their_probe_fails_for_good() {
    let project = example(
        "processes:\n  db:\n    command: docker compose up -d db\n    readiness_probe: { exec: { command: test -e $OUT/up-db }, \
         period_seconds: 0.1 }\n    availability: { restart: always, backoff_seconds: 0.1 }\n",
    )
    .script("docker", DOCKER);
    project.start_detached(&[]);
    project.wait_service("db", "to be ready", |service| service.ready == Some(true));
    std::fs::remove_file(project.path("out/up-db")).unwrap();
    project.wait_service("db", "to be launched again", |service| {
        service.restarts == 1 && service.ready == Some(true)
    });
}

#[test]
fn the_shell_of_a_configuration_runs_its_commands() {
    let text = include_str!("examples/shell.yaml").replace("$SHELL", "$USED >$OUT/shell");
    let project = example(&text).script("zsh", "#!/bin/sh\nUSED=zsh exec sh \"$@\"\n");
    project.start_detached(&[]);
    assert_eq!(project.wait_out("shell"), "zsh");
}

#[test]
fn what_belongs_into_the_foreground_starts_when_it_is_named() {
    let project = example(include_str!("examples/foreground.yaml"));
    project.ovr(&["check"]).success();
    let started = project.ovr(&["start", "-D"]);
    started.success().says(&["ovr start interactive"]);
    project.ovr(&["start", "interactive"]).success();
    project.wait_running(["interactive"]);
}

const PROFILES: &str = "profiles:\n  front: [web]\n  jobs: worker\n  none: []\nprocesses:\n  \
     db: { command: exec sleep 1000 }\n  web: { command: exec sleep 1000, depends_on: [db], disabled: true }\n  \
     worker: { command: exec sleep 1000, namespace: back }\n  mail: { command: exec sleep 1000 }\n";

#[test]
fn a_profile_is_a_named_choice_of_what_to_start() {
    let project = Project::new().file("ovr.yaml", PROFILES);
    project.ovr(&["check"]).success();
    project.ovr(&["config"]).success().says(&["profiles:", "front:"]);
    project.start_detached(&["--profile", "front"]);
    project.wait_running(["db", "web"]);
    for name in ["worker", "mail"] {
        assert_eq!(project.service(name).state, StateWord::Disabled, "{name}");
    }
    // A reload chooses as the start did.
    project.ovr(&["reload"]).success();
    assert_eq!(project.service("worker").state, StateWord::Disabled);
    project.ovr(&["start", "--profile", "jobs"]).success();
    project.wait_running(["worker"]);
    project.ovr(&["stop", "worker"]).success();
    project.ovr(&["up", "--wait", "--profile", "jobs"]).success();
    project.wait_running(["worker"]);
    assert_eq!(project.service("mail").state, StateWord::Disabled);
    project.ovr(&["quit"]).success();
    let by_variable = project.cmd(&["start", "-D", "mail"]).env("OVR_PROFILE", "jobs");
    by_variable.output().success();
    project.wait_running(["worker", "mail"]);
    assert_eq!(project.service("db").state, StateWord::Disabled);
}

#[test]
fn a_profile_that_there_is_not_is_an_error_that_says_what_there_is() {
    let project = Project::new().file("ovr.yaml", PROFILES);
    let refused = |profile: &str, said: &str| {
        let refused = project.ovr(&["start", "--profile", profile]);
        refused.says(&[said]);
        assert_ne!(refused.code, 0);
    };
    refused("frnt", "did you mean \"front\"?");
    refused("back", "ovr start -n back");
    refused("zzzzzz", "profiles: front, jobs");
    refused("none", "names no service");
    project.write(
        "ovr.yaml",
        "profiles: { dev: [wbe] }\nprocesses: { web: { command: x } }\n",
    );
    project
        .ovr(&["check"])
        .code(78)
        .says(&["ovr.yaml:1:19", "did you mean \"web\"?"]);
}

#[test]
fn a_namespace_is_a_choice_of_what_to_start() {
    let project = example(include_str!("examples/namespaces.yaml"))
        .script("npm", STAYS)
        .script("python", STAYS);
    project.start_detached(&["-n", "frontend"]);
    project.wait_running(["web"]);
    assert_eq!(project.service("api").state, StateWord::Disabled);
    project.ovr(&["quit"]).success();
    project
        .ovr(&["start", "-n", "frontent"])
        .code(65)
        .says(&["did you mean \"frontend\"?"]);
}

#[test]
fn a_command_is_run_by_bash() {
    let project = example(include_str!("examples/styxy.yaml"))
        .file(
            "scripts/get-port.sh",
            "#!/bin/sh\necho \"export KAFKA_PORT=9$((90 + 2))\"\n",
        )
        .script(
            "docker",
            "#!/bin/sh\necho \"$KAFKA_PORT $*\" >$OUT/kafka\nexec sleep 1000\n",
        );
    project
        .ovr(&["run", "chmod", "+x", "scripts/get-port.sh"])
        .success();
    project.start_detached(&[]);
    assert_eq!(project.wait_out("kafka"), "992 compose up -d kafka");
}

#[test]
fn the_example_with_everything_starts_what_waits_for_nobody() {
    let text = include_str!("examples/all-features.yaml").replace("/home/user/projects/autogen-local", ".");
    let mut project = example(&text);
    for program in ["redis-server", "docker", "npm", "python"] {
        project = project.script(program, STAYS);
    }
    let project = project
        .script("hostname", "#!/bin/sh\necho box\n")
        .script("pg_isready", "#!/bin/sh\nexit 1\n");
    let console = project.start(&[]);
    project.wait_running([
        "redis",
        "postgres",
        "worker-0",
        "worker-1",
        "worker-2",
        "zookeeper",
    ]);
    assert_eq!(project.wait_out("worker-2"), "worker.py --port 4042");
    assert_eq!(project.service("web").state, StateWord::Pending);
    let environment = project.ovr(&["env", "web"]);
    environment.success().says(&[
        "DATABASE_URL=postgres://localhost:5432",
        "HOSTNAME=box",
        "PORT=3000",
    ]);
    drop(console);
}

#[test]
fn an_overlay_grows_a_procfile_without_moving_its_ports() {
    let project = with(
        "Procfile",
        "web: echo $PORT $LEVEL >$OUT/web; exec sleep 1000\ndb: sleep 1000\n",
    )
    .file(
        "ovr.yaml",
        "processes:\n  admin: { command: 'echo $PORT >$OUT/admin; exec sleep 1000' }\n  \
         web:\n    environment: { LEVEL: debug }\n    depends_on: [db]\n",
    );
    project.start_detached(&[]);
    project.wait_running(["web", "db", "admin"]);
    assert_eq!(project.wait_out("web"), "5000 debug");
    assert_eq!(project.wait_out("admin"), "5200");
    project
        .ovr(&["env", "web", "--explain"])
        .success()
        .says(&["ovr.yaml:4", "LEVEL=debug"]);
}

#[test]
fn a_named_service_brings_up_what_it_needs_unless_told_not_to() {
    let text = "processes:\n  web: { command: exec sleep 1000, depends_on: [api] }\n  \
                api: { command: exec sleep 1000 }\n  mail: { command: exec sleep 1000 }\n";
    let project = with("ovr.yaml", text);
    project.start_detached(&["web"]);
    project.wait_running(["web", "api"]);
    assert_eq!(project.service("mail").state, StateWord::Disabled);
    project.ovr(&["quit"]).success();
    project.start_detached(&["--no-deps", "web"]);
    project.wait_running(["web"]);
    assert_eq!(project.service("api").state, StateWord::Disabled);
}

#[test]
fn every_mistake_of_a_configuration_is_told_at_once_with_its_place() {
    let project = with(
        "ovr.yaml",
        "processes:\n  web:\n    command: run {{.PORTT}}\n    working_dir: '{{.DIR}}'\n    readiness_probe:\n      \
         http_get: { port: '{{.PC_REPLICA_NUN}}' }\n",
    );
    let checked = project.ovr(&["check"]);
    checked.code(78).says(&[
        "ovr.yaml:4:19: there is no variable `.DIR`",
        "ovr.yaml:6:26: there is no variable `.PC_REPLICA_NUN`",
        "did you mean `.PC_REPLICA_NUM`?",
    ]);
}

#[test]
fn the_merged_configuration_is_shown_with_the_place_of_each_value() {
    let project = with("Procfile", "web: run\n")
        .file("ovr.yaml", "processes:\n  web: { tier: app }\n")
        .file(
            "ovr.override.yaml",
            "processes:\n  web: { description: 'the ${WHAT}' }\n",
        )
        .file(".env", "WHAT=front\n");
    let shown = project.ovr(&["config"]);
    shown.success().says(&[
        "command: run  # Procfile:1",
        "tier: app  # ovr.yaml:2",
        "description: \"the front\"  # ovr.override.yaml:2",
    ]);
    let json = project.ovr(&["config", "--json"]).success().json();
    assert_eq!(json["config"]["processes"]["web"]["tier"], "app");
    assert_eq!(json["sources"]["/processes/web/tier"], "ovr.yaml:2");
}

#[test]
fn every_character_arrives_as_it_is_written_also_one_that_unicode_has_no_text_for() {
    let project = Project::new().file(
        "ovr.yaml",
        "vars: { V: 'v$${A}' }\nenvironment: [\"E=e\u{FDD0}{x}\", 'D=$${A}', 'Q={{ printf \"%q\" .V }}']\nprocesses:\n  \
         web: { command: 'printf \"%s|\" \"$E\" \"$D\" \"$Q\" \"c\u{FDD0}\" >$OUT/out; echo >>$OUT/out; exec sleep 1000' }\n",
    );
    project.start_detached(&[]);
    assert_eq!(project.wait_out("out"), "e\u{FDD0}{x}|${A}|\"v${A}\"|c\u{FDD0}|");
}
