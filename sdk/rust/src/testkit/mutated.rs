//! Damaged files: seeded changes of a valid statement, and the comparison of the amounts that a plugin
//! reads from them with those of a second reader.

use super::{Outcome, Served, read_statement};
use serde_json::Value;

/// The amounts of a statement in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// The payout, if the file states it.
    pub total: Option<i64>,
    /// Gross, converted, fee and net of each line.
    pub lines: Vec<[i64; 4]>,
}

impl Amounts {
    /// Returns the amounts that a plugin read; `None` if it rejected the file.
    pub fn of(outcome: &Outcome) -> Option<Self> {
        let header = outcome.statement_header.as_ref()?;
        let lines = outcome.statement.iter();
        outcome.problems().is_empty().then(|| Self {
            total: header.total,
            lines: lines
                .map(|line| [line.gross, line.converted, line.fee, line.net])
                .collect(),
        })
    }
}

/// A valid file, with its settings.
pub struct ValidFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The plugin's settings.
    pub settings: Value,
}

/// Damages every file `count` times. An accepted file must have the amounts that the second
/// reader finds in the same bytes. Returns the number of accepted files. `seeded(seed)` returns a generator
/// `pick(n)` of numbers below `n`.
///
/// # Panics
///
/// If the readers disagree.
pub fn compare_mutated<P: Served, G: FnMut(usize) -> usize>(
    files: &[ValidFile],
    count: u64,
    seeded: impl Fn(u64) -> G,
    second: &dyn Fn(&[u8], &Value) -> Option<Amounts>,
) -> u64 {
    let mut accepted = 0;
    for (number, file) in files.iter().enumerate() {
        let check = |bytes: &[u8], seed: Option<u64>| {
            let outcome = read_statement::<P>("statement", bytes, file.settings.clone());
            let Some(found) = Amounts::of(&outcome) else {
                assert!(seed.is_some(), "file {number}: {:?}", outcome.problems());
                return false;
            };
            let expected = second(bytes, &file.settings);
            assert_eq!(
                Some(found),
                expected,
                "file {number}, seed {seed:?}:\n{}",
                String::from_utf8_lossy(bytes)
            );
            true
        };
        check(&file.bytes, None);
        for seed in 0..count {
            let bytes = mutated(&file.bytes, &mut seeded(seed));
            accepted += u64::from(check(&bytes, Some(seed)));
        }
    }
    accepted
}

/// Changes a file in one to three places.
fn mutated(bytes: &[u8], pick: &mut dyn FnMut(usize) -> usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=pick(3) {
        change(&mut bytes, pick);
    }
    bytes
}

/// Marks, signs, spaces and quotes that files contain.
const PIECES: [&str; 24] = [
    ",", ";", ".", "'", "\"", "-", "+", "\u{2212}", "(", ")", " ", "\u{a0}", "\u{202f}", "€",
    "EUR", "E", "0", "1", "9", "\t", "\r", "\n", "\r\n", "\u{1a}",
];

fn change(bytes: &mut Vec<u8>, pick: &mut dyn FnMut(usize) -> usize) {
    let place = pick(bytes.len().max(1));
    let digits = positions(bytes, |byte| byte.is_ascii_digit());
    let marks = positions(bytes, |byte| matches!(byte, b',' | b';' | b'.'));
    let ends = positions(bytes, |byte| byte == b'\n');
    match pick(16) {
        0 if !bytes.is_empty() => bytes[place] ^= 1 << pick(8),
        1 if !bytes.is_empty() => drop(bytes.remove(place)),
        2 | 3 => {
            let piece = PIECES[pick(PIECES.len())].bytes();
            bytes.splice(place..place, piece);
        }
        4 | 5 if !digits.is_empty() => bytes[digits[pick(digits.len())]] = b'0' + pick(10) as u8,
        6 if !marks.is_empty() => bytes[marks[pick(marks.len())]] = [b',', b';', b'.'][pick(3)],
        7 => {
            let (from, to) = [(b',', b';'), (b'.', b','), (b';', b','), (b',', b'.')][pick(4)];
            bytes
                .iter_mut()
                .filter(|byte| **byte == from)
                .for_each(|byte| *byte = to);
        }
        8 | 9 => {
            let cell = cell(bytes, place);
            bytes.splice(cell, []);
        }
        10 => {
            let cell = cell(bytes, place);
            let (before, after) = [
                ("\"", "\""),
                ("\"", ""),
                ("+", ""),
                ("", "-"),
                ("(", ")"),
                ("€", ""),
                ("", " EUR"),
                ("", "0"),
                ("0", ""),
                (" ", "\u{a0}"),
            ][pick(10)];
            bytes.splice(cell.end..cell.end, after.bytes());
            bytes.splice(cell.start..cell.start, before.bytes());
        }
        11 if ends.len() > 1 => {
            let line = pick(ends.len() - 1);
            let range = ends[line] + 1..ends[line + 1] + 1;
            let copy = bytes[range.clone()].to_vec();
            let to = ends[pick(ends.len())] + 1;
            match pick(2) {
                0 => drop(bytes.splice(range, [])),
                _ => drop(bytes.splice(to..to, copy)),
            }
        }
        12 => {
            let end: &[u8] = [&b"\r\n"[..], b"\r", b"\n\n"][pick(3)];
            *bytes = bytes
                .split(|byte| *byte == b'\n')
                .collect::<Vec<_>>()
                .join(end);
        }
        13 => *bytes = encoded(bytes, pick),
        14 => bytes.truncate(place),
        _ => {
            let cell = cell(bytes, place);
            let text = bytes[cell.clone()].to_vec();
            let other = self::cell(bytes, pick(bytes.len().max(1)));
            bytes.splice(other, text);
        }
    }
}

fn positions(bytes: &[u8], is: impl Fn(u8) -> bool) -> Vec<usize> {
    let all = bytes.iter().enumerate();
    all.filter(|(_, byte)| is(**byte))
        .map(|(at, _)| at)
        .collect()
}

/// The cell around a place.
fn cell(bytes: &[u8], place: usize) -> std::ops::Range<usize> {
    let is_end = |byte: &u8| matches!(byte, b',' | b';' | b'\n' | b'\r');
    let place = place.min(bytes.len());
    let start = bytes[..place]
        .iter()
        .rposition(is_end)
        .map_or(0, |at| at + 1);
    let end = bytes[place..]
        .iter()
        .position(is_end)
        .map_or(bytes.len(), |at| place + at);
    start..end
}

/// The same text in another encoding, or with the marks that editors add to a file.
fn encoded(bytes: &[u8], pick: &mut dyn FnMut(usize) -> usize) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let utf_16 = text.encode_utf16();
    match pick(7) {
        0 => ["\u{feff}".as_bytes(), bytes].concat(),
        1 => [bytes, b"\x1a"].concat(),
        2 => [b"sep=,\n", bytes].concat(),
        3 => text
            .chars()
            .map(|letter| u8::try_from(letter).unwrap_or(b'?'))
            .collect(),
        4 => utf_16.flat_map(u16::to_le_bytes).collect(),
        5 => [0xfeff]
            .into_iter()
            .chain(utf_16)
            .flat_map(u16::to_le_bytes)
            .collect(),
        _ => [0xfeff]
            .into_iter()
            .chain(utf_16)
            .flat_map(u16::to_be_bytes)
            .collect(),
    }
}
