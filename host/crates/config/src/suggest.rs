//! What somebody may have meant.

/// How alike two words must be before one is offered for the other. At 0.8, `lisen` offers `listen`,
/// and `port` does not offer `poslog`.
const ALIKE: f64 = 0.8;

/// The known word most like `word`.
pub(crate) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .iter()
        .map(|other| (strsim::jaro_winkler(&word, &other.to_lowercase()), *other))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

/// "one of `a`, `b`", and what was likely meant.
pub(crate) fn one_of(word: &str, known: &[&str]) -> String {
    format!("one of {}", list(word, known))
}

/// "`a`, `b`", and what was likely meant.
pub(crate) fn list(word: &str, known: &[&str]) -> String {
    let names: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
    let meant = closest(word, known).map_or(String::new(), |m| format!("; did you mean `{m}`?"));
    format!("{}{meant}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["listen", "body_limit"];
        assert_eq!(closest("lisen", &known), Some("listen"));
        assert_eq!(closest("bodylimit", &known), Some("body_limit"));
        assert_eq!(closest("colour", &known), None);
        assert_eq!(
            one_of("prety", &["auto", "pretty"]),
            "one of `auto`, `pretty`; did you mean `pretty`?"
        );
    }
}
