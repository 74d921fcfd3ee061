//! What is asked of the session's files and its machine, with a made-up answer to each question.

use super::Session;
use crate::api::Call;
use crate::api::messages::{
    Checked, Cleaned, Configuration, Environment, Leftover, Leftovers, Sessions, Variable,
};
use std::collections::BTreeMap;

#[test]
fn every_question_about_files_and_machine_brings_its_answer() {
    let session = Session::answering(|call| match call {
        Call::Check { reply } => reply.send(Ok(checked())).unwrap(),
        Call::Config { reply } => reply.send(Ok(configuration())).unwrap(),
        Call::Environment { name, reply } => reply.send(Ok(environment(name))).unwrap(),
        Call::Sessions { reply } => reply.send(Ok(sessions())).unwrap(),
        Call::Leftovers { reply } => reply.send(Ok(leftovers())).unwrap(),
        Call::Clean { clean, reply } => {
            let cleaned = Cleaned {
                schema: 1,
                items: clean.paths.len(),
                bytes: 7,
                errors: Vec::new(),
            };
            reply.send(Ok(cleaned)).unwrap();
        }
        other => panic!("nobody asked {other:?}"),
    });
    let client = session.client();
    assert_eq!(client.check().unwrap(), checked());
    assert_eq!(client.config().unwrap(), configuration());
    for name in [None, Some("c++ é#2")] {
        assert_eq!(
            client.environment(name).unwrap(),
            environment(name.map(str::to_owned))
        );
    }
    assert_eq!(client.sessions().unwrap(), sessions());
    assert_eq!(client.leftovers().unwrap(), leftovers());
    let cleaned = client.clean(vec!["/a".into(), "/b".into()]).unwrap();
    assert_eq!((cleaned.items, cleaned.bytes), (2, 7));
    // More than one request may hold.
    let many = (0..1000).map(|number| format!("/{number}/{}", "p".repeat(100)));
    assert_eq!(client.clean(many.collect()).unwrap().items, 1000);
    // Nothing that is not understood removes anything.
    let request = |body: &str| {
        format!(
            "POST /v1/clean HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    for body in [r#"{"path":"/a"}"#, r#"{"paths":"/a"}"#, "[]"] {
        assert_eq!(session.raw(&request(body)).0, "400", "{body}");
    }
}

fn checked() -> Checked {
    Checked {
        schema: 1,
        ok: true,
        services: Vec::new(),
        findings: Vec::new(),
        config: Some("/a/Procfile".into()),
    }
}

fn configuration() -> Configuration {
    Configuration {
        schema: 1,
        config: serde_json::json!({ "a": 1 }),
        sources: BTreeMap::from([("/a".into(), "ovr.yaml:1".into())]),
        yaml: "a: 1\n".into(),
        findings: Vec::new(),
    }
}

fn environment(service: Option<String>) -> Environment {
    let variable = Variable {
        name: "A".into(),
        value: "1".into(),
        source: ".env:1".into(),
        overrides: Vec::new(),
    };
    Environment {
        schema: 1,
        service,
        variables: vec![variable],
    }
}

fn sessions() -> Sessions {
    Sessions {
        schema: 1,
        sessions: Vec::new(),
        silent: Vec::new(),
        findings: Vec::new(),
    }
}

fn leftovers() -> Leftovers {
    let leftover = Leftover {
        path: "/a".into(),
        bytes: 7,
        what: "logs".into(),
    };
    Leftovers {
        schema: 1,
        leftovers: vec![leftover],
    }
}
