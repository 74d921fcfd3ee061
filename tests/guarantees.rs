//! Checks `docs/guarantees.md` and `docs/process-compose.md`: every guarantee that is due has a row, every row names
//! a test, and every test that is named exists.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The guarantees that this version owes, as ranges of their numbers.
const DUE: &[(u32, u32)] = &[(1, 32), (36, 43), (45, 45), (47, 49), (51, 55), (57, 58)];

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

/// The rows of `docs/process-compose.md` as what they are about, what is said of it, and the tests.
fn conformance() -> Vec<(String, String, Vec<String>)> {
    let page = read("docs/process-compose.md");
    let rows = page.lines().filter_map(|line| {
        // A `|` in code is written `\|`, as everywhere in a table.
        let line = line.replace("\\|", "\u{a6}");
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, about, verdict, _, tests, _] = cells[..] else {
            return None;
        };
        let head = tests == "shown by" || tests.starts_with("---");
        let names = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (!head).then(|| (about.to_owned(), verdict.to_owned(), names))
    });
    rows.collect()
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
fn every_row_about_process_compose_has_a_verdict_and_tests_that_exist() {
    let rows = conformance();
    assert!(rows.len() > 50, "{}", rows.len());
    for (about, verdict, tests) in rows {
        let known = ["works", "differs", "no effect", ""].contains(&verdict.as_str());
        assert!(known, "{about}: {verdict:?}");
        assert!(!tests.is_empty(), "{about} has no test");
        let missing: Vec<&String> = tests.iter().filter(|test| !exists(test)).collect();
        assert!(missing.is_empty(), "{about}: no such test: {missing:?}");
    }
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
