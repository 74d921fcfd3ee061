//! `ovr mcp`: what can be typed, and which function a tool's call goes to. The protocol is `crate::mcp`'s; what the
//! tools do is below.

mod act;
mod arguments;
mod look;
mod output;
pub(super) mod words;

use super::args::{Example, GlobalArgs};
use super::session;
use crate::api::HangUp;
use crate::api::client::Client;
use crate::api::messages::ErrorBody;
use crate::diag::{Diagnostic, Kind};
use crate::mcp::{Answer, Toolbox, serve};
use arguments::read;
use clap::{Args, ValueHint};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    (
        "claude mcp add ovr -- ovr mcp",
        "let an agent use it in this project",
    ),
    ("ovr mcp -d ~/src/shop", "for agents that start it elsewhere"),
];

/// Let coding agents look after the services
///
/// Serves the Model Context Protocol on standard input and output: tools that list, explain, start, restart and stop
/// services, read their output and wait for them. Works where no session runs, too. docs/agents.md has the set-up
/// for common agents.
#[derive(Args, Clone, Debug, Default)]
pub struct McpArgs {
    /// Look after the project in this directory, not in the current one
    #[arg(short = 'd', long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,
}

/// Serves until standard input ends.
pub fn cmd_mcp(global: &GlobalArgs, args: &McpArgs) -> Result<ExitCode, Diagnostic> {
    if let Some(root) = &args.root {
        std::env::set_current_dir(root).map_err(|error| {
            Diagnostic::error(Kind::Usage, format!("cannot enter {}", root.display()))
                .cause(error.to_string())
        })?;
    }
    let tools = Tools {
        global: global.clone(),
    };
    serve(std::io::stdin().lock(), std::io::stdout(), tools);
    Ok(ExitCode::SUCCESS)
}

/// The tools of the project that this process runs in.
struct Tools {
    global: GlobalArgs,
}

impl Toolbox for Tools {
    fn instructions(&self) -> String {
        words::INSTRUCTIONS.to_owned()
    }

    fn call(&self, tool: &str, arguments: Map<String, Value>, hang_up: &HangUp) -> Answer {
        let done = match tool {
            "list" => read(arguments).and_then(|arguments::Nothing {}| look::list(self, hang_up)),
            "status" => read(arguments).and_then(|asked| look::status(self, &asked, hang_up)),
            "explain" => read(arguments).and_then(|asked| look::explain(self, &asked, hang_up)),
            "logs" => read(arguments).and_then(|asked| output::logs(self, &asked, hang_up)),
            "wait" => read(arguments).and_then(|asked| act::wait(self, &asked, hang_up)),
            "start" => read(arguments).and_then(|asked| act::start(self, &asked, hang_up)),
            "restart" => read(arguments).and_then(|asked| act::restart(self, &asked, hang_up)),
            "stop" => read(arguments).and_then(|asked| act::stop(self, &asked, hang_up)),
            _ => unreachable!("the catalogue has no tool {tool}"),
        };
        done.unwrap_or_else(|error| refusal(&error, self.is_remote()))
    }
}

impl Tools {
    /// The session that runs now: it may be another one than at the last call.
    fn session(&self, hang_up: &HangUp) -> Result<Client, Diagnostic> {
        let client = session::reach(&self.global)?;
        Ok(client.ended_by(hang_up.clone()))
    }

    /// Whether it is on TCP, so that none can be begun.
    fn is_remote(&self) -> bool {
        session::is_remote(&self.global)
    }
}

/// An error as a tool's answer, so that the model sees it, with what it can do about it.
fn refusal(error: &Diagnostic, is_remote: bool) -> Answer {
    let error = words::for_model(error, is_remote);
    Answer {
        text: error.to_string(),
        structured: serde_json::to_value(ErrorBody::from(&error)).expect("plain fields always serialize"),
        is_error: true,
    }
}

#[cfg(test)]
mod tests {
    use super::arguments::{Logs, Names, Nothing, One, SomeNames, Start, Timed, TimedNames, read};
    use crate::mcp::tools;
    use serde_json::{Map, Value, json};

    /// Whether the tool takes these arguments.
    fn takes(tool: &str, arguments: Map<String, Value>) -> bool {
        match tool {
            "list" => read::<Nothing>(arguments).is_ok(),
            "status" => read::<Names>(arguments).is_ok(),
            "explain" => read::<One>(arguments).is_ok(),
            "logs" => read::<Logs>(arguments).is_ok(),
            "wait" => read::<Timed>(arguments).is_ok(),
            "start" => read::<Start>(arguments).is_ok(),
            "restart" => read::<TimedNames>(arguments).is_ok(),
            "stop" => read::<SomeNames>(arguments).is_ok(),
            _ => panic!("no tool {tool}"),
        }
    }

    #[test]
    fn every_argument_of_the_catalogue_is_taken_and_no_other() {
        for tool in tools() {
            let mut arguments: Map<String, Value> = Map::new();
            for (name, schema) in &tool.takes {
                let value = match schema["type"].as_str().unwrap() {
                    "string" if schema["enum"].is_array() => schema["enum"][1].clone(),
                    "array" => json!(["web"]),
                    "string" => json!("1"),
                    "integer" => json!(300),
                    "number" => json!(1.5),
                    "boolean" => json!(true),
                    other => panic!("no example of {other}"),
                };
                arguments.insert(name.clone(), value);
            }
            assert!(
                takes(tool.name, arguments.clone()),
                "{}: {arguments:?}",
                tool.name
            );
            assert_eq!(
                takes(tool.name, Map::new()),
                tool.requires.is_empty(),
                "{}",
                tool.name
            );
            arguments.insert("nmaes".to_owned(), json!([]));
            assert!(!takes(tool.name, arguments), "{}", tool.name);
        }
    }
}
