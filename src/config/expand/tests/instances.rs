//! Who there is: names, texts, commands, directories.

use super::{at, drafts, drafts_with, expanded_with, http, names, options, replicas, service, text};
use crate::config::Configuration;
use crate::config::environment::{Assignment, Origin};
use crate::config::expand::expand;
use crate::config::formation::Formation;
use crate::config::project::{ProjectDef, Var};
use crate::model::{Check, ServiceName};
use std::path::Path;

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
fn a_service_cannot_be_called_like_a_replica_of_another() {
    let told = super::told(vec![replicas("web", 2), replicas("web-0", 1)]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].message, "web-0 is also the name of a replica of web");
    assert!(told[0].span.is_some());
    assert_eq!(super::told(vec![replicas("web", 10), replicas("web-0", 1)]), []);
    assert_eq!(super::told(vec![replicas("web", 1), replicas("web-0", 1)]), []);
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
