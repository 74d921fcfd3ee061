//! "Did you mean …?": the known word nearest to a mistyped one.

/// The word of `known` that is nearest to `typed`, if one is near enough to be meant. Two letters that changed
/// places count as one mistake; so does a letter too many, missing or wrong.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let allowed = match typed.chars().count() {
        0..=1 => 0,
        2..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&typed, &word.to_lowercase()), word))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_word_is_suggested_and_a_far_one_is_not() {
        let known = ["start", "stop", "status", "restart", "web", "worker"];
        for (typed, expected) in [
            ("strat", Some("start")),
            ("satrt", Some("start")),
            ("stauts", Some("status")),
            ("wbe", Some("web")),
            ("wrker", Some("worker")),
            ("START", Some("start")),
            ("deploy", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), expected, "{typed}");
        }
    }
}
