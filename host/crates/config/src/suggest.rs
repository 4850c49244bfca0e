//! Suggestions for misspelt words.

/// Similarity from which one word is suggested for another. At 0.8, `lisen` suggests `listen`, and
/// `port` does not suggest `poslog`.
const SIMILAR: f64 = 0.8;

/// Returns the known word that is most similar to `word`.
pub fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .iter()
        .map(|other| (strsim::jaro_winkler(&word, &other.to_lowercase()), *other))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

/// Formats ``one of `a`, `b` (did you mean `b`?)``.
pub(crate) fn one_of(word: &str, known: &[&str]) -> String {
    format!("one of {}", list(word, known))
}

/// Formats `` `a`, `b` (did you mean `b`?)``.
pub(crate) fn list(word: &str, known: &[&str]) -> String {
    let names: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
    let suggestion = closest(word, known).map_or(String::new(), |similar| {
        format!(" (did you mean `{similar}`?)")
    });
    format!("{}{suggestion}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_gets_a_suggestion_and_another_word_does_not() {
        let known = ["listen", "body_limit"];
        assert_eq!(closest("lisen", &known), Some("listen"));
        assert_eq!(closest("bodylimit", &known), Some("body_limit"));
        assert_eq!(closest("colour", &known), None);
        assert_eq!(
            one_of("prety", &["auto", "pretty"]),
            "one of `auto`, `pretty` (did you mean `pretty`?)"
        );
    }
}
