//! Compares 100,000 amounts, valid ones and ones with a wrong character, with a reader that works in another way:
//! it splits a text at its first and last digit, looks the rest up in a set of all valid affixes, and compares the
//! digits with their groups from the right.

use galleria_number_format::NumberFormat;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const CASES: usize = 100_000;

/// Code, digits after the decimal mark, and the words in files, from other sources than the table of the crate.
const CURRENCIES: [(&str, u8, &[&str]); 9] = [
    ("EUR", 2, &["€"]),
    ("USD", 2, &["$", "US$"]),
    ("GBP", 2, &["£"]),
    ("DKK", 2, &["kr", "kr."]),
    ("ISK", 0, &["kr", "kr."]),
    ("JPY", 0, &["¥", "円", "\u{ffe5}", "JP¥"]),
    ("KWD", 3, &[]),
    ("CLF", 4, &[]),
    ("PLN", 2, &["zł"]),
];

/// Before and after a number, and whether it is negative.
const SIGNS: [(&str, &str, bool); 7] = [
    ("", "", false),
    ("+", "", false),
    ("-", "", true),
    ("\u{2212}", "", true),
    ("", "-", true),
    ("", "\u{2212}", true),
    ("(", ")", true),
];

const BLANKS: [char; 3] = [' ', '\u{a0}', '\u{202f}'];

/// The format of a file, as the reader and the test see it.
#[derive(Clone, Copy, Debug)]
struct Marks {
    decimal: Option<char>,
    thousands: Option<char>,
}

impl Marks {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let decimal = *[Some('.'), Some(','), Some(','), None]
            .choose(rng)
            .expect("a mark");
        let marks = [
            None,
            None,
            Some('.'),
            Some(','),
            Some('\''),
            Some('\u{2019}'),
            Some(' '),
            Some('\u{a0}'),
            Some('\u{202f}'),
        ];
        let thousands = marks.choose(rng).copied().flatten();
        Self {
            decimal,
            thousands: thousands.filter(|mark| decimal.is_some_and(|decimal| decimal != *mark)),
        }
    }

    fn format(self) -> NumberFormat {
        match self.decimal {
            Some(decimal) => NumberFormat::new(decimal, self.thousands),
            None => NumberFormat::minor_units(),
        }
    }

    /// The characters that a file may write as the thousands mark.
    fn group_marks(self) -> &'static [char] {
        match self.thousands {
            None => &[],
            Some(' ') => &BLANKS,
            Some('\'') => &['\'', '\u{2019}'],
            Some('\u{2019}') => &['\u{2019}'],
            Some('\u{a0}') => &['\u{a0}'],
            Some('\u{202f}') => &['\u{202f}'],
            Some('.') => &['.'],
            Some(_) => &[','],
        }
    }
}

/// Writes an amount in one of the forms of a format.
fn render(
    rng: &mut ChaCha8Rng,
    minor: i64,
    marks: Marks,
    (code, digits, words): (&str, u8, &[&str]),
) -> String {
    let digits = usize::from(if marks.decimal.is_some() { digits } else { 0 });
    let text = format!("{:0>width$}", minor.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = text.split_at(text.len() - digits);
    let mut number = whole.to_owned();
    if whole.len() > 3 && !marks.group_marks().is_empty() && rng.random_bool(0.8) {
        let mut at = whole.len();
        while at > 3 {
            at -= 3;
            number.insert(at, *marks.group_marks().choose(rng).expect("a mark"));
        }
    }
    if let Some(mark) = marks.decimal {
        let mut fraction = fraction.to_owned();
        if rng.random_bool(0.2) {
            fraction.push_str(&"0".repeat(rng.random_range(1..5)));
        }
        if rng.random_bool(0.2) {
            fraction.truncate(fraction.trim_end_matches('0').len());
        }
        if !fraction.is_empty() {
            number.push(mark);
            number.push_str(&fraction);
        }
    }
    let signs: Vec<_> = SIGNS.iter().filter(|sign| sign.2 == (minor < 0)).collect();
    let (before, after, _) = **signs.choose(rng).expect("a sign");
    let word = words
        .choose(rng)
        .copied()
        .filter(|_| rng.random())
        .unwrap_or(code);
    let mut blank = || match rng.random_range(0..4) {
        at @ 0..=2 => BLANKS[at].to_string(),
        _ => String::new(),
    };
    // A dotted word before a decimal point needs a blank.
    let gap = if word.ends_with('.') {
        " ".to_owned()
    } else {
        blank()
    };
    match minor.unsigned_abs() % 5 {
        0 => [before, &blank(), "", "", &number, "", "", &blank(), after].concat(),
        1 => [word, &gap, before, "", &number, "", "", &blank(), after].concat(),
        2 => [
            before,
            &blank(),
            word,
            &gap,
            &number,
            "",
            "",
            &blank(),
            after,
        ]
        .concat(),
        3 => [before, "", "", "", &number, &blank(), word, &blank(), after].concat(),
        _ => [before, "", "", "", &number, &blank(), after, &blank(), word].concat(),
    }
}

/// Inserts, removes, replaces or swaps a character.
fn spoil(rng: &mut ChaCha8Rng, text: &str) -> String {
    const LETTERS: &str =
        "0123456789..,,''\u{2019} \u{a0}\u{202f}+-\u{2212}()€$krUSDEx%\u{661}\u{2013}_\t";
    let mut letters: Vec<char> = text.chars().collect();
    let all: Vec<char> = LETTERS.chars().collect();
    let letter = *all.choose(rng).expect("a letter");
    let at = rng.random_range(0..letters.len());
    match rng.random_range(0..4) {
        0 => letters.insert(at, letter),
        1 => letters[at] = letter,
        2 => drop(letters.remove(at)),
        _ => {
            let other = rng.random_range(0..letters.len());
            letters.swap(at, other);
        }
    }
    letters.into_iter().collect()
}

/// Reads an amount independently of the crate.
fn independent(
    text: &str,
    marks: Marks,
    (code, digits, words): (&str, u8, &[&str]),
) -> Option<i64> {
    let text = text.trim();
    let ascii = |letter: char| letter.is_ascii_digit();
    let (first, last) = (text.find(ascii)?, text.rfind(ascii)? + 1);
    let (before, core, after) = (&text[..first], &text[first..last], &text[last..]);
    // Dotted words are ambiguous before a decimal point.
    if before.ends_with('.') && marks.decimal == Some('.') {
        return None;
    }
    let (before, after) = (joined(before)?, joined(after)?);
    let words = words.iter().copied().chain([code]);
    let words: Vec<String> = words.map(str::to_lowercase).collect();
    let negative = SIGNS.into_iter().find_map(|(left, right, negative)| {
        let fits = |one: String, other: String| one == before && other == after;
        let plain = fits(left.to_owned(), right.to_owned());
        let worded = words.iter().any(|word| {
            fits([word, left].concat(), right.to_owned())
                || fits([left, word].concat(), right.to_owned())
                || fits(left.to_owned(), [word, right].concat())
                || fits(left.to_owned(), [right, word].concat())
        });
        (plain || worded).then_some(negative)
    })?;
    let (whole, fraction) = match marks.decimal {
        Some(mark) if core.contains(mark) => core.split_once(mark)?,
        _ => (core, ""),
    };
    let numeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric(fraction) || core.len() > 64 || whole.is_empty() {
        return None;
    }
    let plain: String = if numeric(whole) {
        whole.to_owned()
    } else {
        let right = whole
            .chars()
            .rev()
            .enumerate()
            .all(|(place, letter)| match place % 4 {
                3 => marks.group_marks().contains(&letter),
                _ => letter.is_ascii_digit(),
            });
        if !right || !whole.starts_with(|first: char| matches!(first, '1'..='9')) {
            return None;
        }
        whole.chars().filter(char::is_ascii_digit).collect()
    };
    let digits = usize::from(if marks.decimal.is_some() { digits } else { 0 });
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > digits {
        return None;
    }
    let number = format!("{plain}{fraction:0<digits$}");
    let number = number.trim_start_matches('0');
    let sign = if negative { "-" } else { "" };
    format!("{sign}0{number}").parse::<i64>().ok()
}

/// Removes the blanks of an affix and its case; none if a blank divides a word.
fn joined(affix: &str) -> Option<String> {
    let in_word = |letter: char| !"+-\u{2212}()".contains(letter);
    let parts: Vec<&str> = affix
        .split(BLANKS)
        .filter(|part| !part.is_empty())
        .collect();
    let divided = parts
        .windows(2)
        .any(|pair| pair[0].ends_with(in_word) && pair[1].starts_with(in_word));
    (!divided).then(|| parts.concat().to_lowercase())
}

fn draw_amount(rng: &mut ChaCha8Rng) -> i64 {
    let size = rng.random_range(0..64);
    let amount = rng.random::<u64>() >> size;
    let amount = i64::try_from(amount >> 1).expect("63 bits");
    if rng.random() { -amount } else { amount }
}

#[test]
fn an_independent_reader_reads_the_same_amounts() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut accepted, mut rejected) = (0, 0);
    for case in 0..CASES {
        let marks = Marks::draw(&mut rng);
        let currency = *CURRENCIES.choose(&mut rng).expect("a currency");
        let minor = draw_amount(&mut rng);
        let (writes, spoils) = match case % 4 {
            0 => (marks, 0),
            // A file in another format.
            1 => (Marks::draw(&mut rng), 0),
            2 => (marks, 1),
            _ => (Marks::draw(&mut rng), 2),
        };
        let mut text = render(&mut rng, minor, writes, currency);
        for _ in 0..spoils {
            if !text.is_empty() {
                text = spoil(&mut rng, &text);
            }
        }
        let (code, digits, _) = currency;
        let read = marks.format().amount(&text, code, digits);
        let expected = independent(&text, marks, currency);
        assert_eq!(
            read.as_ref().ok(),
            expected.as_ref(),
            "case {case}: {text:?} {marks:?} {code}: {read:?}"
        );
        if case % 4 == 0 {
            assert_eq!(read, Ok(minor), "case {case}: {text:?} {marks:?} {code}");
        }
        match read {
            Ok(_) => accepted += 1,
            Err(_) => rejected += 1,
        }
    }
    // Both kinds must be frequent, otherwise the test shows nothing.
    assert!(
        accepted > CASES / 4 && rejected > CASES / 4,
        "{accepted} {rejected}"
    );
}
