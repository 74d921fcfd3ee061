//! What a configuration's instances are: their names, commands, policies, checks.

use super::expand;
use crate::config::draft::{Draft, PortWish, Service};
use crate::config::environment::{Assignment, Origin};
use crate::config::formation::{Formation, Names, StopSignals};
use crate::config::project::{
    CheckDef, DependencyDef, Located, PortDef, ProbeDef, ProjectDef, RestartDef, ServiceDef, Var,
};
use crate::config::source::{decode, span};
use crate::config::template::Variables;
use crate::config::{Checked, Configuration, Options};
use crate::diag::{Diagnostic, Severity};
use crate::model::{
    Check, Condition, EndPolicy, ListenAddress, Readiness, RestartPolicy, RestartWhen, ServiceName, Signal,
};
use std::path::Path;
use std::time::Duration;

fn at<T>(value: T, text: &str) -> Located<T> {
    let source = decode("ovr.yaml", text.as_bytes()).unwrap();
    Located {
        value,
        span: span(&source, 0, text.len()),
    }
}

fn text(text: &str) -> Located<String> {
    at(text.to_owned(), text)
}

fn service(name: &str, change: impl FnOnce(&mut ServiceDef)) -> ServiceDef {
    let mut service = ServiceDef::new(at(name.parse().unwrap(), name));
    service.command = Some(text("run"));
    change(&mut service);
    service
}

fn depends(on: &str, condition: Option<Condition>) -> DependencyDef {
    DependencyDef {
        on: text(on),
        condition: condition.map(|condition| at(condition, "condition")),
        by_log_line: false,
    }
}

fn probe(check: CheckDef) -> ProbeDef {
    ProbeDef {
        span: text("probe").span,
        check,
        initial_delay: None,
        period: None,
        timeout: None,
        success_threshold: None,
        failure_threshold: None,
    }
}

fn http(port: Option<&str>) -> ProbeDef {
    probe(CheckDef::Http {
        host: None,
        scheme: None,
        path: Some(text("health")),
        port: port.map(text),
        headers: Vec::new(),
        status_code: None,
    })
}

fn options() -> Options {
    let mut options = Options::new("/srv/shop", "shop");
    options.home = Some("/home/ann".into());
    options
}

fn expanded_with(services: Vec<ServiceDef>, options: &Options) -> Checked<Vec<Service>> {
    let def = ProjectDef {
        services,
        ..ProjectDef::default()
    };
    let configuration = Configuration::of_yaml(def, false).unwrap();
    expand(&configuration, options, &Variables::new())
}

fn drafts_with(services: Vec<ServiceDef>, options: &Options) -> Vec<Draft> {
    let checked = expanded_with(services, options);
    assert_eq!(checked.diagnostics, []);
    checked
        .value
        .into_iter()
        .flat_map(|service| service.drafts)
        .collect()
}

fn drafts(services: Vec<ServiceDef>) -> Vec<Draft> {
    drafts_with(services, &options())
}

fn names(drafts: &[Draft]) -> Vec<String> {
    drafts.iter().map(|draft| draft.name.to_string()).collect()
}

fn replicas(name: &str, count: u32) -> ServiceDef {
    service(name, |service| service.replicas = Some(at(count, "replicas")))
}

#[test]
fn replicas_that_are_written_have_names_and_those_that_are_asked_for_have_numbers() {
    for (written, asked, expected) in [
        (None, None, &["api"][..]),
        (Some(1), None, &["api"]),
        (Some(3), None, &["api-0", "api-1", "api-2"]),
        (Some(3), Some("api=2"), &["api-0", "api-1"]),
        (None, Some("api=2"), &["api#1", "api#2"]),
        (Some(3), Some("all=1"), &["api"]),
        (Some(2), Some("api=0"), &[]),
    ] {
        let known: ServiceName = "api".parse().unwrap();
        let mut options = options();
        if let Some(asked) = asked {
            options.formation = Formation::parse(asked, "-m", &[known]).unwrap();
        }
        let def = service("api", |service| {
            service.replicas = written.map(|count| at(count, "replicas"));
        });
        assert_eq!(
            names(&drafts_with(vec![def], &options)),
            expected,
            "{written:?} {asked:?}"
        );
    }
    let ten = names(&drafts(vec![replicas("w", 10)]));
    assert_eq!((ten[0].as_str(), ten[9].as_str()), ("w-00", "w-09"));
    assert_eq!(names(&drafts(vec![replicas("w", 9)]))[8], "w-8");
}

#[test]
fn each_replica_has_its_number_in_texts_and_environment() {
    let def = service("api", |service| {
        service.replicas = Some(at(3, "replicas"));
        service.command = Some(text("serve --port 300{{.PC_REPLICA_NUM}}"));
        service.working_dir = Some(text("work/{{.PC_REPLICA_NUM}}"));
        service.environment = vec![Assignment {
            name: "PORT".to_owned(),
            value: "300{{.PC_REPLICA_NUM}}".to_owned(),
            origin: Origin::At(text("300{{.PC_REPLICA_NUM}}").span),
        }];
        service.readiness_probe = Some(http(Some("404{{.PC_REPLICA_NUM}}")));
    });
    let drafts = drafts(vec![def]);
    let third = &drafts[2];
    assert_eq!(third.argv, ["bash", "-c", "serve --port 3002"]);
    assert_eq!(third.cwd, Path::new("/srv/shop/work/2"));
    assert_eq!(third.written_port().unwrap().0, 3002);
    assert_eq!(
        third.told,
        [
            ("PC_PROC_NAME".to_owned(), "api".to_owned()),
            ("PC_REPLICA_NUM".to_owned(), "2".to_owned())
        ]
    );
    let Some(Check::Http(check)) = third.checks.readiness.as_ref().map(|check| &check.check) else {
        panic!("{:?}", third.checks);
    };
    assert_eq!((check.port, check.path.as_str()), (4042, "/health"));
}

#[test]
fn what_is_wrong_with_a_template_is_told_once_at_its_place() {
    let def = service("api", |service| {
        service.replicas = Some(at(3, "replicas"));
        service.working_dir = Some(text("a/{{.PC_REPLICA_NUN}}"));
    });
    let told = expanded_with(vec![def], &options()).diagnostics;
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "error: ovr.yaml:1:3: there is no variable `.PC_REPLICA_NUN`\n    \
         |\n  1 | a/{{.PC_REPLICA_NUN}}\n    |   ^^^^^^^^^^^^^^^^^^^\n  \
         hint: did you mean `.PC_REPLICA_NUM`?"
        ]
    );
}

#[test]
fn variables_of_the_service_go_before_the_projects_and_those_before_what_commands_printed() {
    let var = |value: &str| Var::Text(value.to_owned());
    let def = ProjectDef {
        vars: [("A".to_owned(), var("project")), ("B".to_owned(), var("project"))].into(),
        services: vec![service("api", |service| {
            service.command = Some(text("{{.A}} {{.B}} {{.C}}"));
            service.vars = [("A".to_owned(), var("service"))].into();
        })],
        ..ProjectDef::default()
    };
    let printed = ["A", "B", "C"]
        .map(|name| (name.to_owned(), var("printed")))
        .into();
    let configuration = Configuration::of_yaml(def, false).unwrap();
    let services = expand(&configuration, &options(), &printed).value;
    assert_eq!(services[0].drafts[0].command, "service project printed");
}

#[test]
fn a_command_is_run_as_its_service_says() {
    let drafts = drafts(vec![
        service("a", |service| service.shell.command = Some(text("zsh"))),
        service("b", |service| {
            service.command = None;
            service.entrypoint = Some(vec![text("nginx"), text("-g {{.x}}")]);
        }),
        service("c", |service| service.is_elevated = true),
        service("d", |service| {
            service.is_template_disabled = true;
            service.command = Some(text("echo {{"));
        }),
    ]);
    assert_eq!(drafts[0].argv, ["zsh", "-c", "run"]);
    assert_eq!(drafts[1].argv, ["nginx", "-g {{.x}}"]);
    assert!(!drafts[1].by_shell && drafts[0].by_shell);
    assert_eq!(drafts[2].argv, ["sudo", "bash", "-c", "run"]);
    assert_eq!(drafts[3].command, "echo {{");
}

#[test]
fn directories_are_relative_to_the_root_or_to_where_the_service_comes_from() {
    for (base, dir, expected) in [
        (None, None, "/srv/shop"),
        (None, Some("web/./x"), "/srv/shop/web/x"),
        (Some("/srv/lib"), None, "/srv/lib"),
        (Some("/srv/lib"), Some("web"), "/srv/lib/web"),
        (Some("lib"), Some("web"), "/srv/shop/lib/web"),
        (None, Some("/opt"), "/opt"),
        (None, Some("~/code"), "/home/ann/code"),
        (None, Some("~"), "/home/ann"),
    ] {
        let def = service("a", |service| {
            service.base = base.map(Into::into);
            service.working_dir = dir.map(text);
            service.env_file = vec![text("env")];
        });
        let draft = drafts(vec![def]).remove(0);
        assert_eq!(draft.cwd, Path::new(expected));
        assert_eq!(draft.env_files[0].path, Path::new(expected).join("env"));
    }
}

fn dependencies(services: Vec<ServiceDef>) -> Vec<(String, Condition)> {
    let last = drafts(services).pop().unwrap();
    let depends_on = last.policy.depends_on.into_iter();
    depends_on
        .map(|dependency| (dependency.on.to_string(), dependency.condition))
        .collect()
}

#[test]
fn a_dependency_without_a_condition_waits_for_readiness_where_there_is_a_word_for_it() {
    let api = || service("api", |service| service.depends_on = vec![depends("db", None)]);
    let plain = service("db", |_| ());
    let probed = service("db", |service| service.readiness_probe = Some(http(Some("80"))));
    let logged = service("db", |service| service.ready_log_line = Some(text("ready")));
    let notifying = service("db", |service| service.notify = true);
    for (db, condition) in [
        (plain, Condition::Started),
        (probed, Condition::Ready),
        (logged, Condition::Ready),
        (notifying, Condition::Ready),
    ] {
        assert_eq!(dependencies(vec![db, api()]), [("db".to_owned(), condition)]);
    }
}

#[test]
fn a_dependency_on_a_service_is_one_on_all_its_replicas_but_for_those_that_are_named() {
    let api = service("api", |service| {
        service.depends_on = vec![
            depends("db", Some(Condition::Started)),
            depends("db-1", Some(Condition::EndedWell)),
        ];
    });
    assert_eq!(
        dependencies(vec![replicas("db", 3), api]),
        [
            ("db-1".to_owned(), Condition::EndedWell),
            ("db-0".to_owned(), Condition::Started),
            ("db-2".to_owned(), Condition::Started),
        ]
    );
}

fn told(services: Vec<ServiceDef>) -> Vec<Diagnostic> {
    expanded_with(services, &options()).diagnostics
}

#[test]
fn a_dependency_on_nobody_and_one_on_an_end_that_never_comes_are_told() {
    let api = service("api", |service| service.depends_on = vec![depends("db-3", None)]);
    let unknown = told(vec![replicas("db", 3), api]);
    assert_eq!(unknown[0].severity, Severity::Error);
    assert!(unknown[0].hints[0].contains("db-"), "{}", unknown[0]);
    let api = service("api", |service| {
        service.depends_on = vec![depends("db", Some(Condition::Ended))]
    });
    let db = service("db", |service| {
        service.availability.restart = Some(at(RestartDef::When(RestartWhen::Always), "always"));
    });
    let endless = told(vec![db, api]);
    assert_eq!(endless[0].severity, Severity::Warning);
    assert!(endless[0].message.contains("always started again"));
}

#[test]
fn what_starts_by_itself() {
    let mut options = options();
    options.disabled = vec!["named".to_owned(), "many-1".to_owned()];
    let drafts = drafts_with(
        vec![
            service("plain", |_| ()),
            service("disabled", |service| service.disabled = true),
            service("foreground", |service| service.is_foreground = true),
            service("named", |_| ()),
            replicas("many", 2),
        ],
        &options,
    );
    let starting: Vec<&Draft> = drafts.iter().filter(|draft| draft.policy.autostart).collect();
    let starting: Vec<String> = starting.iter().map(|draft| draft.name.to_string()).collect();
    assert_eq!(starting, ["plain", "many-0"]);
}

#[test]
fn availability_decides_on_restarts_and_on_what_an_end_means() {
    let seconds = Duration::from_secs;
    let when = RestartDef::When;
    let policy = |when, delay, max, give_up_after| RestartPolicy {
        when,
        delay,
        max,
        give_up_after,
    };
    let never = RestartPolicy::NEVER;
    for (restart, backoff, max, exit_on_end, expected, end) in [
        (None, None, None, false, never.clone(), EndPolicy::MayEnd),
        (None, None, None, true, never.clone(), EndPolicy::StopsSession),
        (
            Some(RestartDef::ExitOnFailure),
            None,
            None,
            false,
            never,
            EndPolicy::FailureStopsSession,
        ),
        (
            Some(when(RestartWhen::Always)),
            None,
            None,
            false,
            policy(RestartWhen::Always, None, None, Some(10)),
            EndPolicy::MayEnd,
        ),
        (
            Some(when(RestartWhen::OnFailure)),
            Some(seconds(2)),
            Some(3),
            false,
            policy(RestartWhen::OnFailure, Some(seconds(2)), Some(3), None),
            EndPolicy::MayEnd,
        ),
        (
            Some(when(RestartWhen::Always)),
            Some(seconds(2)),
            Some(0),
            true,
            policy(RestartWhen::Always, Some(seconds(2)), None, None),
            EndPolicy::StopsSession,
        ),
    ] {
        let def = service("a", |service| {
            service.availability.restart = restart.map(|restart| at(restart, "restart"));
            service.availability.backoff = backoff;
            service.availability.max_restarts = max;
            service.availability.exit_on_end = exit_on_end;
        });
        let policy = drafts(vec![def]).remove(0).policy;
        assert_eq!((policy.restart, policy.end), (expected, end));
    }
}

#[test]
fn a_flag_goes_before_what_is_written() {
    let known: ServiceName = "a".parse().unwrap();
    let known = [known];
    let mut options = options();
    options.stop_signals = StopSignals::parse("a=QUIT", "-i", &known).unwrap();
    options.auto_restart = Names::parse("a", "-r", &known).unwrap();
    options.can_die = Names::parse("a", "-c", &known).unwrap();
    options.shell = Some("fish".to_owned());
    let def = service("a", |service| {
        service.shutdown.signal = Some(Signal::HUP);
        service.availability.exit_on_end = true;
        service.shell.command = Some(text("zsh"));
    });
    let draft = drafts_with(vec![def], &options).remove(0);
    assert_eq!(draft.policy.stop.signal, "QUIT".parse().unwrap());
    assert_eq!(draft.policy.restart, RestartPolicy::ALWAYS);
    assert_eq!(draft.policy.end, EndPolicy::MayEnd);
    assert_eq!(draft.argv[0], "fish");
}

#[test]
fn a_stop_is_a_signal_a_command_or_keys_and_has_its_time() {
    let stops: Vec<_> = drafts(vec![
        service("a", |_| ()),
        service("b", |service| {
            service.shutdown.timeout = Some(Duration::from_secs(7));
            service.shutdown.signal = Some(Signal::INT);
            service.shutdown.parent_only = true;
        }),
        service("c", |service| {
            service.shutdown.command = Some(text("docker stop x"))
        }),
        service("d", |service| service.is_elevated = true),
        service("e", |service| {
            service.is_elevated = true;
            service.shutdown.signal = Some(Signal::TERM);
        }),
    ])
    .into_iter()
    .map(|draft| draft.policy.stop)
    .collect();
    assert_eq!(
        (stops[0].signal, stops[0].grace),
        (Signal::TERM, Duration::from_secs(5))
    );
    assert_eq!(
        (stops[1].signal, stops[1].grace),
        (Signal::INT, Duration::from_secs(7))
    );
    assert!(stops[1].parent_only);
    assert_eq!(
        stops[2].command.as_deref().unwrap(),
        ["bash", "-c", "docker stop x"]
    );
    assert_eq!(stops[2].grace, Duration::from_secs(10));
    // What is root's gets no signal of ours; Ctrl-C it always gets.
    let keys: Vec<_> = stops.iter().map(|stop| stop.keys.as_deref()).collect();
    assert_eq!(keys, [None, None, None, Some("\x03"), None]);
}

#[test]
fn probes_have_the_documented_defaults() {
    let def = service("a", |service| {
        service.readiness_probe = Some(http(None));
        service.liveness_probe = Some(ProbeDef {
            period: Some(Duration::ZERO),
            success_threshold: Some(0),
            ..probe(CheckDef::Exec {
                command: text("docker inspect -f '{{.State.Health}}' x"),
                working_dir: Some(text("sub")),
            })
        });
    });
    let draft = drafts(vec![def]).remove(0);
    let Readiness::Probe(readiness) = &draft.policy.readiness else {
        panic!("{:?}", draft.policy);
    };
    let seconds = Duration::from_secs;
    let schedule = readiness.schedule;
    assert_eq!(
        (schedule.initial_delay, schedule.period, schedule.timeout),
        (seconds(0), seconds(10), seconds(1))
    );
    assert_eq!((schedule.success_threshold, schedule.failure_threshold), (1, 3));
    assert!(draft.checks.readiness.unwrap().own_port.is_some());
    let liveness = draft.policy.liveness.unwrap().schedule;
    assert!(liveness.period > Duration::ZERO && liveness.success_threshold == 1);
    let argv = ["bash", "-c", "docker inspect -f '{{.State.Health}}' x"]
        .map(str::to_owned)
        .to_vec();
    let cwd = "/srv/shop/sub".into();
    assert_eq!(draft.checks.liveness.unwrap().check, Check::Exec { argv, cwd });
}

#[test]
fn a_probe_that_cannot_be_is_told() {
    for (port, scheme) in [("http", None), ("0", None), ("70000", None), ("80", Some("ftp"))] {
        let def = service("a", |service| {
            service.readiness_probe = Some(probe(CheckDef::Http {
                host: None,
                scheme: scheme.map(text),
                path: None,
                port: Some(text(port)),
                headers: Vec::new(),
                status_code: None,
            }));
        });
        assert_eq!(told(vec![def]).len(), 1, "{port} {scheme:?}");
    }
}

#[test]
fn ports_are_written_or_by_the_rule_or_none() {
    let services = vec![
        service("a", |_| ()),
        service("b", |service| service.port = Some(at(PortDef::Rule, "rule"))),
        service("c", |service| service.port = Some(at(PortDef::Fixed(80), "80"))),
    ];
    let wishes = |options: &Options| -> Vec<PortWish> {
        let services = expanded_with(services.clone(), options).value;
        services.into_iter().map(|service| service.port).collect()
    };
    let fixed = PortWish::Fixed {
        port: 80,
        origin: "ovr.yaml:1".to_owned(),
    };
    assert_eq!(
        wishes(&options()),
        [PortWish::None, PortWish::Rule, fixed.clone()]
    );
    let mut asked = options();
    asked.ports_asked = true;
    assert_eq!(wishes(&asked), [PortWish::Rule, PortWish::Rule, fixed]);
}

#[test]
fn a_socket_to_listen_on_is_a_port_an_address_or_a_path() {
    let tcp = |address: &str| Some(ListenAddress::Tcp(address.parse().unwrap()));
    let unix = |path: &str| Some(ListenAddress::Unix(path.into()));
    for (written, name, address) in [
        ("3000", "web", tcp("127.0.0.1:3000")),
        (":3000", "web", tcp("127.0.0.1:3000")),
        ("localhost:3000", "web", tcp("127.0.0.1:3000")),
        ("0.0.0.0:3000", "web", tcp("0.0.0.0:3000")),
        ("http=[::]:80", "http", tcp("[::]:80")),
        ("/run/web.sock", "web", unix("/run/web.sock")),
        ("admin=unix:web.sock", "admin", unix("/srv/shop/web.sock")),
        ("somewhere", "", None),
    ] {
        let def = service("web", |service| service.listen = vec![text(written)]);
        let checked = expanded_with(vec![def], &options());
        let listen = &checked.value[0].drafts[0].listen;
        match address {
            Some(address) => assert_eq!((&listen[0].address, listen[0].name.as_str()), (&address, name)),
            None => assert!(checked.has_errors(), "{written}"),
        }
    }
}

#[test]
fn tiers_are_in_the_order_of_their_numbers_or_of_the_file() {
    let order = |tiers: &[&str]| -> Vec<Option<usize>> {
        let services = (0..).zip(tiers).map(|(index, tier)| {
            service(&format!("s{index}"), |service| {
                service.tier = (!tier.is_empty()).then(|| text(tier));
            })
        });
        drafts(services.collect())
            .into_iter()
            .map(|draft| draft.tier)
            .collect()
    };
    assert_eq!(order(&["10", "2", "", "2"]), [Some(1), Some(0), None, Some(0)]);
    assert_eq!(
        order(&["data", "app", "data", "edge"]),
        [Some(0), Some(1), Some(0), Some(2)]
    );
    assert_eq!(order(&["app", "1"]), [Some(1), Some(0)]);
}

#[test]
fn a_command_with_a_readiness_probe_may_launch_what_runs_elsewhere_unless_its_end_matters() {
    let probed = |change: fn(&mut ServiceDef)| {
        service("a", |service| {
            service.readiness_probe = Some(http(Some("80")));
            change(service);
        })
    };
    for (def, expected) in [
        (service("a", |_| ()), false),
        (service("a", |service| service.is_daemon = true), true),
        (
            service("a", |service| service.ready_log_line = Some(text("x"))),
            false,
        ),
        (probed(|_| ()), true),
        (probed(|service| service.availability.exit_on_end = true), false),
        (
            probed(|service| {
                service.availability.restart = Some(at(RestartDef::When(RestartWhen::Always), "always"));
            }),
            false,
        ),
        (
            probed(|service| {
                service.command = Some(text("docker compose up -d db"));
                service.availability.restart = Some(at(RestartDef::When(RestartWhen::Always), "always"));
            }),
            true,
        ),
        (
            probed(|service| {
                service.availability.restart =
                    Some(at(RestartDef::When(RestartWhen::OnFailure), "on_failure"));
            }),
            true,
        ),
    ] {
        assert_eq!(drafts(vec![def]).remove(0).daemon, expected);
    }
}
