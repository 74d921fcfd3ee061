//! Checks `docs/guarantees.md`: every guarantee that is due has a row, and every test that a row names exists.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The guarantees that this version owes, as ranges of their numbers.
const DUE: &[(u32, u32)] = &[(1, 45), (47, 58), (62, 62)];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

/// number → the tests that its row names.
fn rows() -> BTreeMap<u32, Vec<String>> {
    let mut rows = BTreeMap::new();
    for line in read("docs/guarantees.md").lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, number, what, tests, _] = cells[..] else {
            continue;
        };
        let Some(number) = number.strip_prefix('R').and_then(|text| text.parse().ok()) else {
            continue;
        };
        assert!(what.ends_with('.'), "R{number}: the guarantee is a sentence");
        let names = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(rows.insert(number, names).is_none(), "R{number} has two rows");
    }
    rows
}

/// The file that `it::stop::name`, `layout::name` or `supervisor::machine::tests::name` may stand in, and the name.
fn exists(test: &str) -> bool {
    let mut parts: Vec<&str> = test.split("::").collect();
    let Some(name) = parts.pop() else { return false };
    if parts.last() == Some(&"tests") {
        parts.pop();
    }
    let path = parts.join("/");
    let files = [
        format!("tests/{path}.rs"),
        format!("tests/{path}/main.rs"),
        format!("src/{path}.rs"),
        format!("src/{path}/mod.rs"),
        format!("src/{path}/tests.rs"),
    ];
    files.iter().any(|file| {
        let text = read(file);
        // A property test has its attribute inside a macro; the function's head is what all have in common.
        let is_tested = text.contains("#[test]") || text.contains("#[tokio::test");
        is_tested && text.contains(&format!("fn {name}("))
    })
}

#[test]
fn every_test_that_is_named_exists() {
    let missing: Vec<String> = rows()
        .into_iter()
        .flat_map(|(number, tests)| tests.into_iter().map(move |test| (number, test)))
        .filter(|(_, test)| !exists(test))
        .map(|(number, test)| format!("R{number}: {test}"))
        .collect();
    assert!(missing.is_empty(), "no such test:\n{}", missing.join("\n"));
}

#[test]
fn every_row_about_process_compose_names_tests_that_exist() {
    let text = read("docs/process-compose.md");
    let mut wrong: Vec<&str> = Vec::new();
    let mut tables = 0;
    let mut due = false;
    for line in text.lines() {
        if line.starts_with("| ") && line.ends_with("| shown by |") {
            (tables, due) = (tables + 1, true);
        } else if !line.starts_with('|') {
            due = false;
        } else if due && !line.starts_with("|--") {
            let cell = line.rsplit('|').nth(1).unwrap_or_default();
            let tests: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
            if tests.is_empty() || !tests.iter().all(|test| exists(test)) {
                wrong.push(line);
            }
        }
    }
    assert!(tables > 0, "there is nothing to check");
    assert!(wrong.is_empty(), "no such test:\n{}", wrong.join("\n"));
}

#[test]
fn every_guarantee_that_is_due_has_a_test() {
    let rows = rows();
    let untested: Vec<u32> = DUE
        .iter()
        .flat_map(|(first, last)| *first..=*last)
        .filter(|number| rows.get(number).is_none_or(Vec::is_empty))
        .collect();
    assert!(untested.is_empty(), "without a test: {untested:?}");
}

#[test]
fn the_check_itself_tells_a_test_from_none() {
    assert!(exists("guarantees::the_check_itself_tells_a_test_from_none"));
    assert!(exists(
        "model::name::tests::an_instance_name_reads_back_as_it_prints"
    ));
    assert!(exists("it::start::the_shell_can_be_chosen"));
    assert!(!exists("it::stop::the_shell_can_be_chosen"));
    assert!(!exists("the_shell_can_be_chosen"));
}
