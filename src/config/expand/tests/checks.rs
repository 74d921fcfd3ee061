//! What is looked at, and where a service listens.

use super::{at, drafts, expanded_with, http, options, probe, service, text, told};
use crate::config::Options;
use crate::config::draft::PortWish;
use crate::config::project::{CheckDef, PortDef, ProbeDef};
use crate::model::{Check, ListenAddress, Readiness};
use std::time::Duration;

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
