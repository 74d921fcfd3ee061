//! Process Compose's routes, for its clients: each is one or two calls of our own, told in its shapes. They are
//! under no `/v1` and not in the OpenAPI document; docs/process-compose.md lists them, with what differs.

use super::Calls;
use super::answer::{ask, json, no_such_route, wrong_method};
use super::compose_logs;
use super::compose_request::{Refusal, as_here, list, processes_in, target};
use super::compose_states;
use crate::api::call::{Call, StatusRequest, Verb};
use crate::api::compose::{ProcessConfig, ProcessState, ProjectState, changes, is_up, tree};
use crate::api::messages::{Outcome, Request, Results, Service, Status};
use crate::model::{DEFAULT_NAMESPACE, Signal};
use axum::extract::{Path, Request as HttpRequest, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json as object};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::SystemTime;
use tower_service::Service as _;

type Answer = Result<Response, Refusal>;

/// Answers a path that is none of ours. The routes are made for the request: a session that no such client ever
/// calls has none of them in memory.
pub(super) async fn other_clients(State(calls): State<Calls>, request: HttpRequest) -> Response {
    let mut router = routes()
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .with_state(calls);
    let answer: Result<Response, Infallible> = router.call(request).await;
    answer.unwrap_or_else(|never| match never {})
}

fn routes() -> Router<Calls> {
    Router::new()
        .route("/live", get(live))
        .route("/processes", get(processes))
        .route("/processes/stop", patch(stop_several))
        .route("/process/{name}", get(process))
        .route("/process/info/{name}", get(info))
        .route("/process/ports/{name}", get(ports))
        .route("/process/start/{name}", post(start))
        .route("/process/stop/{name}", patch(stop))
        .route("/process/restart/{name}", post(restart))
        .route("/process/signal/{name}/{signal}", patch(signal))
        .route("/process/scale/{name}/{scale}", patch(scale))
        .route("/process/logs/ws", get(compose_logs::socket))
        .route("/process/states/ws", get(compose_states::socket))
        .route("/process/logs/{name}", delete(truncate))
        .route(
            "/process/logs/{name}/{end_offset}/{limit}",
            get(compose_logs::lines),
        )
        .route("/namespaces", get(namespaces))
        .route("/namespace/{verb}/{name}", post(namespace))
        .route("/graph", get(graph))
        .route("/project", post(update_project))
        .route("/project/name", get(project_name))
        .route("/project/state", get(project_state))
        .route("/project/configuration", post(reload))
        .route("/project/stop", post(stop_project))
        .route_layer(from_fn(as_here))
}

async fn live() -> Json<Value> {
    Json(object!({ "status": "alive" }))
}

pub(super) async fn status(calls: &Calls) -> Result<Status, Refusal> {
    status_as(calls, StatusRequest::default()).await
}

async fn status_as(calls: &Calls, request: StatusRequest) -> Result<Status, Refusal> {
    Ok(ask(calls, |reply| Call::Status { request, reply }).await?)
}

/// With what the processes use.
async fn measured(calls: &Calls) -> Result<Status, Refusal> {
    let resources = true;
    status_as(
        calls,
        StatusRequest {
            resources,
            ..StatusRequest::default()
        },
    )
    .await
}

async fn processes(State(calls): State<Calls>) -> Answer {
    let status = measured(&calls).await?;
    let states = status
        .services
        .iter()
        .map(|service| ProcessState::of(service, &status.session));
    Ok(ok(&object!({ "data": states.collect::<Vec<_>>() })))
}

async fn process(State(calls): State<Calls>, Path(name): Path<String>) -> Answer {
    let status = measured(&calls).await?;
    Ok(ok(&ProcessState::of(target(&status, &name)?, &status.session)))
}

async fn info(State(calls): State<Calls>, Path(name): Path<String>) -> Answer {
    let status = status(&calls).await?;
    let service = target(&status, &name)?;
    let graph = ask(&calls, |reply| Call::Graph { reply }).await?;
    let node = graph.services.iter().find(|node| node.name == service.name);
    Ok(ok(&ProcessConfig::of(service, &status.session, node)))
}

async fn ports(State(calls): State<Calls>, Path(name): Path<String>) -> Answer {
    let status = status(&calls).await?;
    let service = target(&status, &name)?;
    let assigned = service.port.filter(|_| is_up(service.state));
    // What it listens on, where that has been looked at.
    let ports = match &service.listens[..] {
        [] => assigned.into_iter().collect(),
        listens => listens.to_vec(),
    };
    Ok(ok(
        &object!({ "name": service.name, "tcp_ports": ports, "udp_ports": [] }),
    ))
}

/// Answered when it is on its way, as there.
async fn start(State(calls): State<Calls>, Path(name): Path<String>) -> Answer {
    let status = status(&calls).await?;
    let service = target(&status, &name)?;
    if is_up(service.state) {
        return Err(Refusal::new(format!(
            "process {} is already running",
            service.name
        )));
    }
    act(&calls, Verb::Start, &service.name, true).await?;
    Ok(named(&name))
}

/// The same.
async fn restart(State(calls): State<Calls>, Path(name): Path<String>) -> Answer {
    let status = status(&calls).await?;
    act(&calls, Verb::Restart, &target(&status, &name)?.name, true).await?;
    Ok(named(&name))
}

/// Answered when it is gone.
async fn stop(State(calls): State<Calls>, Path(name): Path<String>) -> Answer {
    let status = status(&calls).await?;
    stop_one(&calls, target(&status, &name)?).await?;
    Ok(named(&name))
}

async fn stop_one(calls: &Calls, service: &Service) -> Result<(), Refusal> {
    let results = act(calls, Verb::Stop, &service.name, false).await?;
    match results.results.iter().find(|result| !result.outcome.is_success()) {
        None => Ok(()),
        Some(result) => Err(failed(result.message.as_deref(), result.outcome)),
    }
}

/// 200 where all were stopped, 207 otherwise.
async fn stop_several(State(calls): State<Calls>, body: Bytes) -> Answer {
    let names = list(&body)?;
    let status = status(&calls).await?;
    let stops = names.into_iter().map(|name| {
        let (calls, status) = (&calls, &status);
        async move {
            let stopped = match target(status, &name) {
                Ok(service) => stop_one(calls, service).await,
                Err(refusal) => Err(refusal),
            };
            (
                name,
                stopped.map_or_else(Refusal::into_text, |()| "ok".to_owned()),
            )
        }
    });
    let stopped: BTreeMap<String, String> = futures_util::future::join_all(stops).await.into_iter().collect();
    let all = stopped.values().all(|text| text == "ok");
    let code = if all {
        StatusCode::OK
    } else {
        StatusCode::MULTI_STATUS
    };
    Ok(json(code, &stopped))
}

async fn signal(State(calls): State<Calls>, Path((name, number)): Path<(String, String)>) -> Answer {
    let status = status(&calls).await?;
    let service = target(&status, &name)?;
    let signal: Signal = number
        .parse()
        .map_err(|_| Refusal::new(format!("{number:?} is no signal")))?;
    let results = act(&calls, Verb::Signal(signal), &service.name, false).await?;
    match results.results.first().map(|result| result.outcome) {
        Some(Outcome::Signalled) => Ok(named(&name)),
        Some(_) | None => Err(Refusal::new(format!("process {} is not running", service.name))),
    }
}

/// By the name of an instance or of the service; answered when it is done.
async fn scale(State(calls): State<Calls>, Path((name, scale)): Path<(String, String)>) -> Answer {
    let status = status(&calls).await?;
    let service = target(&status, &name)?.service.clone();
    let count: u32 = scale
        .parse()
        .ok()
        .filter(|count| *count > 0)
        .ok_or_else(|| Refusal::new(format!("{scale:?} is not a number of replicas")))?;
    let counts = BTreeMap::from([(service, count)]);
    ask(&calls, |reply| Call::Scale { counts, reply }).await?;
    Ok(named(&name))
}

/// What was printed is kept: docs/logs.md.
async fn truncate(State(calls): State<Calls>, Path(name): Path<String>) -> Answer {
    let status = status(&calls).await?;
    let name = &target(&status, &name)?.name;
    Err(Refusal::new(format!(
        "the output of {name} is kept, within bounds; ovr clean removes it"
    )))
}

async fn namespaces(State(calls): State<Calls>) -> Answer {
    let status = status(&calls).await?;
    let named = status.services.iter().flat_map(|service| &service.namespaces);
    let mut all: BTreeSet<&str> = named.map(String::as_str).collect();
    if status
        .services
        .iter()
        .any(|service| service.namespaces.is_empty())
    {
        all.insert(DEFAULT_NAMESPACE);
    }
    Ok(ok(&all))
}

async fn namespace(State(calls): State<Calls>, Path((word, name)): Path<(String, String)>) -> Answer {
    let (verb, no_wait) = match word.as_str() {
        "start" => (Verb::Start, true),
        "restart" => (Verb::Restart, true),
        "stop" => (Verb::Stop, false),
        _ => {
            return Err(Refusal::new(format!(
                "{word:?} is none of start, stop and restart"
            )));
        }
    };
    let request = Request {
        namespaces: vec![name.clone()],
        no_wait,
        ..Request::default()
    };
    ask(&calls, |reply| Call::Action { verb, request, reply }).await?;
    Ok(named(&name))
}

async fn project_name(State(calls): State<Calls>) -> Answer {
    let project = status(&calls).await?.session.project;
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy();
    Ok(ok(&object!({ "projectName": format!("{host}/{project}") })))
}

async fn project_state(State(calls): State<Calls>) -> Answer {
    let status = status(&calls).await?;
    let user = std::env::var("USER").unwrap_or_default();
    Ok(ok(&ProjectState::of(&status, user, SystemTime::now())))
}

async fn graph(State(calls): State<Calls>) -> Answer {
    let status = status(&calls).await?;
    let graph = ask(&calls, |reply| Call::Graph { reply }).await?;
    Ok(ok(&tree(&graph, &status)))
}

/// What a session runs is what its files say. A project that names the same processes means these files as they are
/// now; another one is none of this session's.
async fn update_project(State(calls): State<Calls>, body: Bytes) -> Answer {
    let named = processes_in(&body)?;
    let status = status(&calls).await?;
    let ours: BTreeSet<&str> = status.services.iter().map(|one| one.service.as_str()).collect();
    if let Some(other) = named.iter().find(|name| !ours.contains(name.as_str())) {
        return Err(Refusal::new(format!(
            "a session runs what its files say, and they have no process {other}; write it there, then reload \
             (POST /project/configuration)"
        )));
    }
    reload(State(calls)).await
}

async fn reload(State(calls): State<Calls>) -> Answer {
    let reloaded = ask(&calls, |reply| Call::Reload { reply }).await?;
    let changes = changes(&reloaded);
    let failed = changes.values().any(|word| *word == "error");
    let code = if failed {
        StatusCode::MULTI_STATUS
    } else {
        StatusCode::OK
    };
    Ok(json(code, &changes))
}

/// Answered when everything is gone.
async fn stop_project(State(calls): State<Calls>) -> Answer {
    ask(&calls, |reply| Call::Quit { reply }).await?;
    Ok(ok(&object!({ "status": "stopped" })))
}

async fn act(calls: &Calls, verb: Verb, name: &str, no_wait: bool) -> Result<Results, Refusal> {
    let request = Request {
        names: vec![name.to_owned()],
        no_wait,
        ..Request::default()
    };
    Ok(ask(calls, |reply| Call::Action { verb, request, reply }).await?)
}

fn failed(message: Option<&str>, outcome: Outcome) -> Refusal {
    let text = match outcome {
        Outcome::Overruled => "a later request came first",
        _ => "it failed",
    };
    Refusal::new(message.unwrap_or(text))
}

fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}

fn named(name: &str) -> Response {
    ok(&object!({ "name": name }))
}
