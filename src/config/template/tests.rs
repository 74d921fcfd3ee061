//! What templates come to, what is refused, and what is left alone.

use super::{Fault, Rendered, Unknown, Variables, render};
use crate::config::project::Var;
use proptest::prelude::proptest;
use proptest::prop_assert_eq;
use std::collections::BTreeMap;

fn text(value: &str) -> Var {
    Var::Text(value.to_owned())
}

fn map<const N: usize>(entries: [(&str, Var); N]) -> BTreeMap<String, Var> {
    entries
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn variables() -> Variables {
    map([
        ("PC_REPLICA_NUM", Var::Int(2)),
        ("NAME", text("shop")),
        ("EMPTY", text("")),
        ("PORT", text("8080")),
        ("ON", Var::Bool(true)),
        ("RATE", Var::Float(1.5)),
        ("LIST", Var::List(vec![text("a"), text("b")])),
        (
            "db",
            Var::Map(map([("host", text("localhost")), ("port", Var::Int(5432))])),
        ),
    ])
}

fn refuse(template: &str) -> Result<String, Fault> {
    render(template, &variables(), Unknown::Refuse).map(|rendered| rendered.text.into_owned())
}

fn keep(template: &str) -> Rendered<'_> {
    render(template, &variables(), Unknown::Keep).unwrap()
}

#[test]
fn templates_come_to_what_go_makes_of_them() {
    for (template, expected) in [
        ("", ""),
        ("plain {x} }}", "plain {x} }}"),
        ("--port 300{{.PC_REPLICA_NUM}}", "--port 3002"),
        ("{{ .NAME }}-{{.db.host}}:{{.db.port}}", "shop-localhost:5432"),
        ("{{$.NAME}} {{.RATE}} {{.ON}}", "shop 1.5 true"),
        ("{{if .ON}}yes{{else}}no{{end}}", "yes"),
        ("{{if not .ON}}yes{{else}}no{{end}}", "no"),
        (
            "{{if .EMPTY}}a{{else if eq .NAME \"shop\"}}b{{else}}c{{end}}!",
            "b!",
        ),
        ("{{range .LIST}}<{{.}}>{{end}}", "<a><b>"),
        ("{{range $i, $x := .LIST}}{{$i}}={{$x}} {{end}}", "0=a 1=b "),
        ("{{range .EMPTY}}x{{else}}none{{end}}", "none"),
        (
            "{{range $k, $v := .db}}{{$k}}:{{$v}};{{end}}",
            "host:localhost;port:5432;",
        ),
        ("{{with .db}}{{.host}} {{$.NAME}}{{end}}", "localhost shop"),
        ("{{with $d := .db}}{{$d.port}}{{end}}", "5432"),
        ("{{$x := .NAME}}{{$x}}{{$x}}", "shopshop"),
        ("a  {{- .NAME -}}  b", "ashopb"),
        ("a{{/* gone */}}b{{- /* } }} */ -}} c", "abc"),
        (
            "{{eq .PORT 8080}} {{ne .PC_REPLICA_NUM 3}} {{eq .NAME \"a\" \"shop\"}}",
            "true true true",
        ),
        (
            "{{lt .PC_REPLICA_NUM 10}} {{ge .PORT 9000}} {{gt \"b\" \"a\"}}",
            "true false true",
        ),
        (
            "{{len .LIST}} {{index .LIST 1}} {{index .db \"host\"}}",
            "2 b localhost",
        ),
        ("{{slice .NAME 1 3}} {{slice .LIST 1}}", "ho [b]"),
        ("{{and .ON .NAME}} {{or .EMPTY .NAME}}", "shop shop"),
        (
            "{{printf \"%03d-%s-%q-%5s|%-5s|%.2f%%\" .PC_REPLICA_NUM .NAME .NAME \"r\" \"l\" .RATE}}",
            "002-shop-\"shop\"-    r|l    |1.50%",
        ),
        ("{{.PC_REPLICA_NUM | printf \"80%02d\"}}", "8002"),
        ("{{printf \"%d\" (len .LIST)}} {{(index .LIST 0)}}", "2 a"),
        ("{{\"{{\"}} {{`}}`}}", "{{ }}"),
        ("{{print .NAME 1}}{{println 1 2}}", "shop11 2\n"),
        ("{{.LIST}} {{.db}}", "[a b] map[host:localhost port:5432]"),
    ] {
        assert_eq!(refuse(template).as_deref(), Ok(expected), "{template}");
        assert_eq!(keep(template).text, expected, "{template}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_action() {
    for (template, action, message, hint) in [
        (
            "a {{.NAM}} b",
            "{{.NAM}}",
            "there is no variable `.NAM`",
            Some("did you mean `.NAME`?"),
        ),
        (
            "{{.db.hots}}",
            "{{.db.hots}}",
            "there is no field `.hots`",
            Some("did you mean `.host`?"),
        ),
        (
            "{{.NAME.x}}",
            "{{.NAME.x}}",
            "`.x` is asked of a text, which has no fields",
            None,
        ),
        (
            "{{pritnf 1}}",
            "{{pritnf 1}}",
            "there is no function `pritnf`",
            Some("did you mean `printf`?"),
        ),
        ("{{$x}}", "{{$x}}", "$x is not defined", None),
        ("x {{.NAME", "{{", "this {{ is never closed by }}", None),
        ("{{if .ON}}a", "{{if .ON}}", "this block has no {{end}}", None),
        ("a{{end}}", "{{end}}", "this closes no block", None),
        ("{{}}", "{{}}", "an expression is missing here", None),
        (
            "{{.NAME}} {{1 .NAME}}",
            "{{1 .NAME}}",
            "only a function takes arguments",
            None,
        ),
        (
            "{{index .LIST 7}}",
            "{{index .LIST 7}}",
            "there is no item 7 in a list of 2",
            None,
        ),
        (
            "{{define \"x\"}}",
            "{{define \"x\"}}",
            "`define` cannot stand in a value",
            None,
        ),
        (
            "{{lt .LIST 1}}",
            "{{lt .LIST 1}}",
            "a list and a number have no order",
            None,
        ),
        ("{{not}}", "{{not}}", "`not` does not take 0 such arguments", None),
        (
            "{{printf \"%d\" .NAME}}",
            "{{printf \"%d\" .NAME}}",
            "printf: %d cannot print \"shop\"",
            None,
        ),
    ] {
        let fault = refuse(template).unwrap_err();
        assert_eq!(&template[fault.at.clone()], action, "{template}");
        assert_eq!((fault.message.as_str(), fault.hint.as_deref()), (message, hint));
    }
}

#[test]
fn in_a_command_what_is_meant_for_another_program_stays() {
    for template in [
        "docker inspect kafka --format='{{.State.Health.Status}}' | grep -q healthy",
        "docker ps --format '{{.ID}}\t{{.Names}}'",
        "docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' x",
        "docker inspect -f '{{json .Mounts}}' x",
        "docker inspect -f '{{json .}}' x",
        "docker inspect -f '{{- with .Config}} {{.Image}} {{end -}}' x",
        "kubectl get pods -o go-template='{{range .items}}{{.metadata.name}}{{\"\\n\"}}{{end}}'",
        "awk 'END {{print $1; exit}}'",
        "echo '{{' '{{/'",
        "echo '{{end}}'",
    ] {
        assert_eq!(keep(template).text, template);
        if !template.contains("{{json .}}") && !template.contains("{{end}}'") {
            assert!(keep(template).doubts.is_empty(), "{template}");
        }
    }
    let both = keep("docker inspect x{{.PC_REPLICA_NUM}} -f '{{.State.Status}}'");
    assert_eq!(both.text, "docker inspect x2 -f '{{.State.Status}}'");
}

#[test]
fn a_name_like_a_known_one_is_left_with_a_doubt() {
    let rendered = keep("run {{.PC_REPLICA_NUN}}");
    assert_eq!(rendered.text, "run {{.PC_REPLICA_NUN}}");
    assert_eq!(
        rendered.doubts[0].hint.as_deref(),
        Some("did you mean `.PC_REPLICA_NUM`?")
    );
}

#[test]
fn a_known_variable_asked_for_what_it_has_not_is_a_mistake_everywhere() {
    assert!(render("{{.db.hots}}", &variables(), Unknown::Keep).is_err());
}

proptest! {
    #[test]
    fn no_text_is_too_odd(template in "[a.${}|\" `()\\-/*if end else range]{0,40}") {
        for unknown in [Unknown::Refuse, Unknown::Keep] {
            if let Err(fault) = render(&template, &variables(), unknown) {
                prop_assert_eq!(template.get(fault.at.clone()).is_some(), true);
            }
        }
    }

    #[test]
    fn what_has_no_braces_stays(template in "[^{]*") {
        prop_assert_eq!(refuse(&template).unwrap(), template);
    }
}

#[test]
fn what_would_fill_the_memory_or_the_stack_is_refused() {
    let deep = format!("{{{{{}1{}}}}}", "(".repeat(50_000), ")".repeat(50_000));
    assert!(refuse(&deep).unwrap_err().message.contains("stand in each other"));
    assert_eq!(keep(&deep).text, deep);
    let blocks = format!("{}x{}", "{{if .ON}}".repeat(20_000), "{{end}}".repeat(20_000));
    assert!(
        refuse(&blocks)
            .unwrap_err()
            .message
            .contains("stand in each other")
    );
    assert_eq!(
        refuse(&format!("{}x{}", "{{if .ON}}".repeat(90), "{{end}}".repeat(90))).as_deref(),
        Ok("x")
    );
    for endless in [
        "{{range 3000000000}}x{{end}}",
        "{{range 1000}}{{range 1000}}{{range 1000}}{{end}}{{end}}{{end}}",
        "{{range 20000}}{{printf \"%1000d\" 1}}{{end}}",
    ] {
        let fault = refuse(endless).unwrap_err();
        assert!(
            fault.message.contains("a range comes to more"),
            "{endless}: {fault:?}"
        );
    }
    assert_eq!(refuse("{{range 3}}{{.}}{{end}}").as_deref(), Ok("012"));
}
