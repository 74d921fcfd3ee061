//! docs/agents.md says what is true: its set-up works as it stands, and it knows every tool.

use super::{done, shop};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The fenced blocks of docs/agents.md in this language.
fn blocks(language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/agents.md");
    let text = fs::read_to_string(path).expect("it is in the repository");
    let fence = format!("```{language}\n");
    let parts = text.split(fence.as_str()).skip(1);
    parts
        .map(|part| part.split("```").next().expect("a block ends").to_owned())
        .collect()
}

#[test]
fn the_set_up_in_the_documentation_works_as_it_stands() {
    let project = shop();
    let (mut servers, mut hooks) = (0, 0);
    for block in blocks("json") {
        let set_up: Value = serde_json::from_str(&block).unwrap_or_else(|error| panic!("{error}: {block}"));
        let known = ["mcpServers", "servers", "mcp"]
            .iter()
            .find_map(|key| set_up[key]["ovr"].as_object());
        if let Some(server) = known {
            let words: Vec<String> = match &server["command"] {
                Value::Array(words) => words
                    .iter()
                    .map(|word| word.as_str().unwrap().to_owned())
                    .collect(),
                command => std::iter::once(command)
                    .chain(server["args"].as_array().expect("arguments"))
                    .map(|word| word.as_str().unwrap().to_owned())
                    .collect(),
            };
            assert_eq!(words[0], "ovr", "{block}");
            let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
            let mut agent = project.cmd(&arguments).talk();
            assert_eq!(
                done(&mut agent, "list", json!({})).1["services"][0]["name"],
                "web"
            );
            agent.close();
            servers += 1;
        } else {
            let command = set_up["hooks"]["SessionStart"][0]["hooks"][0]["command"].as_str();
            let command = command.unwrap_or_else(|| panic!("neither server nor hook: {block}"));
            let words: Vec<&str> = command.split(' ').collect();
            assert_eq!(words[0], "ovr", "{block}");
            project.ovr(&words[1..]).success().says(&["web: running"]);
            hooks += 1;
        }
    }
    assert!(servers >= 2 && hooks >= 2, "{servers} servers, {hooks} hooks");
}

#[test]
fn every_tool_is_documented_and_every_documented_tool_is_there() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/agents.md");
    let text = fs::read_to_string(path).expect("it is in the repository");
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: Vec<&str> = rows.collect();
    let there: Vec<&str> = ovr::mcp::tools().iter().map(|tool| tool.name).collect();
    assert_eq!(documented, there);
}
