//! What is said about what is wrong, compared whole.

use super::{read_one, told};

#[test]
fn all_errors_of_a_file_are_told_at_once_in_the_order_of_the_text() {
    let checked = read_one(
        "ovr.yaml",
        "processes:\n  web:\n    comand: run\n    command: run\n    replicas: many\n  api:\n    depends_on: [wbe]\n",
    );
    assert_eq!(
        told(&checked),
        "error: ovr.yaml:3:5: `comand` is no key of a process
    |
  3 |     comand: run
    |     ^^^^^^
  hint: did you mean `command`?
error: ovr.yaml:5:15: `replicas` takes a whole number from 0 to 10000, not `many`
    |
  5 |     replicas: many
    |               ^^^^
error: ovr.yaml:6:3: \"api\" has no command
    |
  6 |   api:
    |   ^^^
  hint: say what to run: `command: …`
error: ovr.yaml:7:18: api depends on \"wbe\", which is no service
    |
  7 |     depends_on: [wbe]
    |                  ^^^
  hint: did you mean \"web\"?"
    );
}
