//! Lists the names of columns as texts of attributes.

use super::MAX_TEXT;

/// The maximum number of texts with names: about 150 columns.
const MAX_TEXTS: usize = 10;

/// The longest name, in bytes. Longer names are cut.
const MAX_NAME: usize = 100;

/// Lists names, separated by commas, in texts of at most [`MAX_TEXT`] bytes. The last text counts the names that
/// do not fit.
pub fn listed(names: &[&str]) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let name = shown(name);
        let full = texts.len() == MAX_TEXTS;
        match texts.last_mut() {
            Some(text) if text.len() + 2 + name.len() <= MAX_TEXT => {
                text.push_str(", ");
                text.push_str(&name);
            }
            _ if full => {
                let rest = names.len() - index;
                texts.push(["and ", &rest.to_string(), " more"].concat());
                break;
            }
            _ => texts.push(name),
        }
    }
    texts
}

/// Returns a name as one word of a list: invisible characters are escaped, such as line breaks and marks that
/// change the direction of the text. A name with a comma is in quotation marks.
fn shown(name: &str) -> String {
    // An apostrophe is frequent in names and needs no escape.
    let parts = name.trim().split('\'');
    let parts: Vec<String> = parts.map(|part| part.escape_debug().to_string()).collect();
    let mut text = parts.join("'");
    if text.len() > MAX_NAME {
        text.truncate(text.floor_char_boundary(MAX_NAME));
        text.push_str("...");
    }
    match text.contains(',') {
        true => ["\"", &text, "\""].concat(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_one_word_of_a_list() {
        for (name, expected) in [
            (" Gross Credit (GC) ", "Gross Credit (GC)"),
            ("Comisión", "Comisión"),
            ("Comisio\u{301}n", "Comisio\u{301}n"),
            ("Nom d'operació", "Nom d'operació"),
            ("two\r\nlines\tand tabs", r"two\r\nlines\tand tabs"),
            ("Gross, EUR", r#""Gross, EUR""#),
            (r#"the "net""#, r#"the \"net\""#),
            (r"a\b", r"a\\b"),
            ("\u{202e}te\u{2028}n", r"\u{202e}te\u{2028}n"),
            ("a\u{1b}[31m", r"a\u{1b}[31m"),
        ] {
            assert_eq!(listed(&[name]), [expected], "{name:?}");
        }
        let long = listed(&[&"é".repeat(2_000)]);
        assert_eq!(long, [["é".repeat(50).as_str(), "..."].concat()]);
    }

    #[test]
    fn lists_of_names_are_bounded_and_count_the_rest() {
        assert!(listed(&[]).is_empty());
        let names: Vec<String> = (0..1_000).map(|n| format!("column {n:04}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for count in [1, 21, 22, 23, 215, 1_000] {
            let texts = listed(&names[..count]);
            assert!(texts.len() <= MAX_TEXTS + 1, "{count}");
            assert!(texts.iter().all(|text| text.len() <= MAX_TEXT), "{count}");
            let all = texts.join(", ");
            let (shown, rest) = match all.split_once(", and ") {
                Some((shown, rest)) => (shown, rest.strip_suffix(" more").expect("a number")),
                None => (&*all, "0"),
            };
            let shown: Vec<&str> = shown.split(", ").collect();
            assert_eq!(shown, names[..shown.len()]);
            assert_eq!(
                shown.len() + rest.parse::<usize>().expect("a number"),
                count
            );
        }
    }
}
