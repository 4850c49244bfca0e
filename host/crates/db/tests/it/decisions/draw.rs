//! Draws answers of a guest: decisions near their limits, and faults.

use galleria_domain::plugin::Limits;
use galleria_domain::{
    Attribute, Decision, Document, Fault, Later, Outgoing, Problem, Publication, Receipt,
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// The answer of a guest.
#[derive(Clone, Debug)]
pub enum Answer {
    Decision(Decision<String>),
    Fault(Fault),
}

/// Characters and texts that parsers, databases and terminals treat differently.
const ODD: &[&str] = &[
    "",
    " ",
    "\0",
    "\n",
    "\r\n",
    "\t",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffd}",
    "\u{fffe}",
    "\u{10ffff}",
    "\u{e000}",
    "\u{d7ff}",
    "e\u{301}",
    "é",
    "İ",
    "ß",
    "ﬁ",
    "\u{202e}gnp.exe",
    "\u{200b}",
    "👩\u{200d}👩\u{200d}👧",
    "𝄞",
    "'; DROP TABLE outbox; --",
    "\"",
    "\\",
    "\\u0000",
    "%s%n",
    "$1",
    "?",
    "${x}",
    "..",
    "/",
    "a/b",
    ".hidden",
    "con",
    "nul.txt",
    "-",
    "_",
    "a:b",
    "a b",
    "a ",
    " a",
];

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-0.0",
    "1e999",
    "-1e999",
    "1e308",
    "1e-999",
    "5e-324",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "0.1",
    "1E400",
    "123456789012345678901234567890",
    "1e+2",
    "01",
    "+1",
    ".5",
    "1.",
    "0x10",
    "NaN",
    "Infinity",
    "-",
    "1e",
    "1_000",
];

const STRINGS: &[&str] = &[
    r#""""#,
    r#""\u0000""#,
    r#""a\u0000b""#,
    r#""\ud800""#,
    r#""\udc00\ud800""#,
    r#""\ud83d\ude00""#,
    r#""\uFFFF""#,
    r#""\u001b""#,
    r#""\/""#,
    r#""\x41""#,
    r#""\u12""#,
    "\"\n\"",
    "\"\u{7f}\"",
    "\"\0\"",
    "'a'",
    "\"a",
    r#""😀""#,
];

const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "nul",
    "True",
    "[1,]",
    "{\"a\":1,}",
    "{\"a\" 1}",
    "{a:1}",
    "[1 2]",
    "",
    " ",
    "{} {}",
    "// no\n{}",
    "\u{feff}{}",
    "[",
    "]",
    "{\"a\":",
    "undefined",
];

const MEDIA_TYPES: &[&str] = &[
    "text/plain",
    "application/xml; charset=utf-8",
    "application/vnd.a.b+json",
    "",
    "text",
    "text/plain\r\nx: y",
    "TEXT/PLAIN",
    "*/*",
];

pub struct Draw {
    rng: ChaCha8Rng,
    limits: Limits,
}

impl Draw {
    pub fn new(seed: u64, limits: Limits) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            limits,
        }
    }

    /// Whether an event of one in `count` occurs.
    fn one_in(&mut self, count: u32) -> bool {
        self.rng.random_range(0..count) == 0
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.rng.random_range(0..choices.len())]
    }

    /// The answer to the event with this number.
    pub fn answer(&mut self, number: usize) -> Answer {
        match self.one_in(12) {
            true => Answer::Fault(self.fault()),
            false => Answer::Decision(self.decision(number)),
        }
    }

    fn fault(&mut self) -> Fault {
        let text = |draw: &mut Self| match draw.one_in(8) {
            true => draw.long(draw.limits.output_bytes as usize),
            false => draw.odd(),
        };
        match self.rng.random_range(0..4) {
            0 => {
                let delays = [
                    None,
                    Some(0),
                    Some(1),
                    Some(3_600),
                    Some(3_601),
                    Some(u32::MAX),
                ];
                Fault::Retry(Later {
                    seconds: delays[self.rng.random_range(0..delays.len())],
                    reason: text(self),
                })
            }
            1 => Fault::Failed(text(self)),
            kind => {
                let count = self.rng.random_range(0..3);
                let problems = (0..count).map(|_| Problem {
                    row: [None, Some(0), Some(u64::MAX)][self.rng.random_range(0..3)],
                    field: text(self),
                    message: text(self),
                });
                let problems = problems.collect();
                match kind {
                    2 => Fault::Invalid(problems),
                    _ => Fault::Misconfigured(problems),
                }
            }
        }
    }

    fn decision(&mut self, number: usize) -> Decision<String> {
        let items = self.limits.items as usize;
        let mut counts = [0; 4];
        for count in &mut counts {
            *count = [0, 0, 0, 1, 1, 1, 2][self.rng.random_range(0..7)];
        }
        if self.one_in(40) {
            // One list, at the limit or one above it.
            counts = [0; 4];
            counts[self.rng.random_range(0..4)] = items + usize::from(self.one_in(2));
        }
        let attributes = |draw: &mut Self| match draw.one_in(40) {
            true => draw.limits.attributes as usize + usize::from(draw.one_in(2)),
            false => [0, 0, 0, 0, 1, 2][draw.rng.random_range(0..6)],
        };
        let [documents, publications, requests, receipts] = counts;
        let documents = (0..documents).map(|index| self.document(&format!("{number}-{index}")));
        Decision {
            documents: documents.collect(),
            publications: (0..publications).map(|_| self.publication()).collect(),
            requests: (0..requests)
                .map(|index| {
                    let headers = attributes(self);
                    self.request(index, headers)
                })
                .collect(),
            receipts: (0..receipts)
                .map(|index| Receipt {
                    template: self.text("thanks", 256),
                    locale: self.text("de-CH-1996", 64),
                    document: self
                        .one_in(3)
                        .then(|| self.document(&format!("{number}-r{index}"))),
                    attributes: {
                        let count = attributes(self);
                        self.attributes(count)
                    },
                })
                .collect(),
            notes: {
                let count = attributes(self);
                self.attributes(count)
            },
        }
    }

    fn publication(&mut self) -> Publication<String> {
        Publication {
            topic: self.granted("sales"),
            key: (!self.one_in(3)).then(|| self.text("key", 1_024)),
            data: self.json(),
        }
    }

    /// A name of the grant, or seldom another one.
    fn granted(&mut self, name: &str) -> String {
        match self.one_in(200) {
            true => self.odd(),
            false => name.to_owned(),
        }
    }

    /// An ordinary text, mostly; otherwise an odd one, or one near this length.
    fn text(&mut self, ordinary: &str, max_bytes: usize) -> String {
        match self.rng.random_range(0..24) {
            0 => self.odd(),
            1 => self.long(max_bytes),
            _ => ordinary.to_owned(),
        }
    }

    fn odd(&mut self) -> String {
        let first = self.one_of(ODD).to_owned();
        match self.one_in(2) {
            true => first,
            false => first + "a" + self.one_of(ODD),
        }
    }

    /// A text of one byte less than this length, of this length, or of one byte more.
    fn long(&mut self, bytes: usize) -> String {
        let bytes = bytes + self.rng.random_range(0..3) - 1;
        let unit = self.one_of(&["k", "/", "é", "€", "𝄞"]);
        let text = unit.repeat(bytes / unit.len());
        let rest = bytes - text.len();
        text + &"x".repeat(rest)
    }

    fn attributes(&mut self, count: usize) -> Vec<Attribute> {
        let attribute = |_| Attribute {
            name: self.text("x-name", 256),
            value: self.text("a value", 8 << 10),
        };
        (0..count).map(attribute).collect()
    }

    /// A document whose name contains `own`, so that no other decision writes it.
    fn document(&mut self, own: &str) -> Document {
        let name = match self.rng.random_range(0..24) {
            0 => self.odd() + own,
            1 => {
                let long = self.long(200 - own.len());
                format!("{own}{long}")
            }
            2 => format!("{own}.{}", self.odd()),
            3 => format!("{}.xml", own.split('-').next().unwrap_or(own)),
            _ => format!("{own}.xml"),
        };
        let bytes = match self.one_in(40) {
            true => self.limits.output_bytes as usize - 300 + self.rng.random_range(0..100),
            false => self.rng.random_range(0..20),
        };
        Document {
            directory: self.granted("poslog"),
            name,
            media_type: match self.one_in(8) {
                true => self.one_of(MEDIA_TYPES).to_owned(),
                false => self.text("text/xml", 512),
            },
            body: (0..bytes).map(|_| self.rng.random()).collect(),
        }
    }

    fn request(&mut self, index: usize, headers: usize) -> Outgoing {
        let path = self.text("orders", 8_191);
        let slash = if self.one_in(24) { "" } else { "/" };
        Outgoing {
            id: match self.one_in(24) {
                true => self.text("same", 64),
                false => index.to_string(),
            },
            target: self.granted("erp"),
            method: self.text("POST", 32),
            path: format!("{slash}{path}"),
            headers: self.attributes(headers),
            body: (0..self.rng.random_range(0..20))
                .map(|_| self.rng.random())
                .collect(),
        }
    }

    fn json(&mut self) -> String {
        match self.rng.random_range(0..10) {
            0 => self.one_of(VALUES).to_owned(),
            1 => {
                let levels = [63, 64, 65, 126, 127, 128, 129, 200, 5_000];
                let levels = levels[self.rng.random_range(0..levels.len())];
                let (open, close) = match self.one_in(2) {
                    true => ("[", "]"),
                    false => ("{\"a\":", "}"),
                };
                format!("{}1{}", open.repeat(levels), close.repeat(levels))
            }
            2 => {
                let valid = self.value(3);
                let at = valid.floor_char_boundary(self.rng.random_range(0..=valid.len()));
                let (head, tail) = valid.split_at(at);
                format!(
                    "{head}{}{tail}",
                    self.one_of(&[",", "\"", "}", "[", "\\", "\0", "\u{feff}", " "])
                )
            }
            3 => format!("\"{}\"", self.long(8 << 10)),
            _ => self.value(3),
        }
    }

    /// A value that is valid if its parts are.
    fn value(&mut self, levels: u32) -> String {
        let kinds = if levels == 0 { 0..20 } else { 0..34 };
        match self.rng.random_range(kinds) {
            0 => self.one_of(NUMBERS).to_owned(),
            1 => self.one_of(STRINGS).to_owned(),
            2 => self.rng.random::<i64>().to_string(),
            3 => self.rng.random::<f64>().to_string(),
            4 => serde_json::Value::from(self.odd()).to_string(),
            5..20 => self
                .one_of(&["1", "\"text\"", "null", "true", "12.50", "\"ø €\""])
                .to_owned(),
            20..27 => {
                let count = self.rng.random_range(0..3);
                let values: Vec<_> = (0..count).map(|_| self.value(levels - 1)).collect();
                format!("[{}]", values.join(","))
            }
            _ => {
                let count = self.rng.random_range(0..4);
                let members: Vec<_> = (0..count)
                    .map(|index| {
                        let name = match self.rng.random_range(0..20) {
                            0 => "\"same\"".to_owned(),
                            1 => self
                                .one_of(&[r#""\u0061""#, r#""a""#, r#""""#, r#""\u0000""#, "a"])
                                .to_owned(),
                            _ => format!("\"member-{index}\""),
                        };
                        format!("{name}:{}", self.value(levels - 1))
                    })
                    .collect();
                format!("{{{}}}", members.join(", "))
            }
        }
    }
}
