//! Names of columns: how they are compared, and how messages show them.

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;

/// Returns a text that is equal for two names that differ only in case, in composed and decomposed letters, or in
/// surrounding blanks: the canonical caseless match of Unicode (definition D145).
///
/// ```
/// use galleria_text::comparable;
///
/// assert_eq!(comparable(" Straße"), comparable("STRASSE"));
/// assert_eq!(comparable("Comisión"), comparable("COMISIO\u{301}N"));
/// ```
pub fn comparable(name: &str) -> String {
    let name = name.trim();
    match name.is_ascii() {
        true => name.to_ascii_lowercase(),
        false => name.chars().nfd().default_case_fold().nfd().collect(),
    }
}

/// Returns a name with escapes for everything except printable ASCII, so that letters that only look alike differ.
///
/// ```
/// assert_eq!(galleria_text::escaped("Fech\u{430}"), "Fech\\u{430}");
/// ```
pub fn escaped(name: &str) -> String {
    name.escape_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_composition() {
        for (one, other) in [
            ("gross", " GROSS\t"),
            ("Importe\u{a0}", "importe"),
            ("Größe", "GRO\u{308}SSE"),
            ("ΟΔΟΣ", "οδος"),
            ("ΟΔΟΣ", "οδοσ"),
            ("Сумма", "СУММА"),
            ("Ångström", "a\u{30a}ngstro\u{308}m"),
            ("\u{212b}", "å"),
            ("Iİ", "ii\u{307}"),
            ("ﬁn", "FIN"),
            ("각", "\u{1100}\u{1161}\u{11a8}"),
            ("q\u{307}\u{323}", "Q\u{323}\u{307}"),
            ("ᾳ", "ΑΙ"),
        ] {
            assert_eq!(comparable(one), comparable(other), "{one} {other}");
        }
        for (one, other) in [
            ("Comisión", "Comision"),
            ("Fecha", "Fech\u{430}"),
            ("a b", "a\u{a0}b"),
            ("\u{feff}a", "a"),
            ("ı", "i"),
            ("x²", "x2"),
        ] {
            assert_ne!(comparable(one), comparable(other), "{one} {other}");
        }
    }

    #[test]
    fn the_comparison_of_every_character_is_stable() {
        // The blocks whose letters have case or are composed. Letters of other blocks are returned unchanged.
        let blocks = [
            '\u{80}'..='\u{2fff}',
            '\u{a640}'..='\u{ac10}',
            '\u{f900}'..='\u{ffff}',
        ];
        for letter in blocks
            .into_iter()
            .flatten()
            .chain('\u{10400}'..='\u{118ff}')
        {
            let text: String = ['x', letter, 'x'].into_iter().collect();
            let once = comparable(&text);
            assert_eq!(comparable(&once), once, "{letter:?}");
            assert_eq!(comparable(&text.nfc().collect::<String>()), once);
            assert_eq!(comparable(&text.nfd().collect::<String>()), once);
            assert_eq!(comparable(&caseless::default_case_fold_str(&text)), once);
        }
    }
}
