//! Scanned codes: codes of members, codes that are broken in every possible way, and the search for both in
//! the host's output.

use crate::host::{root, sample_keys};
use aes::Aes128;
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use rand::{Rng as _, RngExt as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::HashMap;

/// A retailer with codes of members: numbers of 13 digits in AES-128-CBC under one IV, in hex.
pub struct Scanner {
    pub retailer: String,
    pub store: Value,
    /// The variables of key and IV.
    pub variables: [String; 2],
    key: [u8; 16],
    iv: [u8; 16],
    prefix: String,
}

/// A member with a code.
#[derive(Clone, Debug)]
pub struct Shown {
    pub number: String,
    pub code: String,
}

/// A code of no member.
#[derive(Clone, Debug)]
pub struct Broken {
    pub kind: &'static str,
    pub code: String,
    /// The number of its member before it was broken, if the code still contains it.
    member: Option<Shown>,
}

impl Broken {
    pub fn about(&self) -> Option<&Shown> {
        self.member.as_ref()
    }
}

/// Every sample retailer that identifies members.
pub fn scanners() -> Vec<Scanner> {
    let keys = sample_keys();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("retailers")).expect("retailers") {
        let folder = entry.expect("an entry").path();
        let text = std::fs::read_to_string(folder.join("retailer.toml")).unwrap_or_default();
        let retailer: toml::Table = text.parse().expect("TOML");
        let Some(secrets) = retailer.get("secrets").and_then(toml::Value::as_table) else {
            continue;
        };
        let Some(secret) = secrets
            .values()
            .find(|one| one["cipher"].as_str() == Some("aes-cbc"))
        else {
            continue;
        };
        let variable = |value: &toml::Value| value["env"].as_str().expect("a name").to_owned();
        let variables = [variable(secret), variable(&secret["iv"])];
        let bytes = |name: &String| {
            let mut bytes = [0; 16];
            base16ct::mixed::decode(&keys[name], &mut bytes).expect("hex");
            bytes
        };
        let slots = retailer["plugins"].as_table().expect("plugins").values();
        let numbers = slots.filter_map(|slot| slot.get("settings")?.get("number"));
        let prefix = numbers
            .filter_map(|number| number["prefixes"][0].as_str())
            .next();
        let stores = std::fs::read_to_string(folder.join("stores.json")).expect("stores");
        let stores: Vec<Value> = serde_json::from_str(&stores).expect("stores");
        found.push(Scanner {
            retailer: retailer["name"].as_str().expect("a name").to_owned(),
            store: stores[0].clone(),
            key: bytes(&variables[0]),
            iv: bytes(&variables[1]),
            variables,
            prefix: prefix.expect("a prefix").to_owned(),
        });
    }
    assert!(!found.is_empty(), "no sample retailer identifies members");
    found
}

/// The check digit: the sum of a number's digits, weighted 1 and 3 from the left, must end in 0.
fn check_digit(body: &str) -> u32 {
    let digits = body.bytes().map(|digit| u32::from(digit - b'0'));
    let sum: u32 = digits
        .zip([1, 3].into_iter().cycle())
        .map(|(d, w)| d * w)
        .sum();
    (10 - sum % 10) % 10
}

fn digits(chance: &mut ChaCha8Rng, count: usize) -> String {
    (0..count)
        .map(|_| char::from(chance.random_range(b'0'..=b'9')))
        .collect()
}

impl Scanner {
    pub fn store_id(&self) -> &str {
        self.store["id"].as_str().expect("an id")
    }

    fn number(&self, chance: &mut ChaCha8Rng) -> String {
        let body = format!("{}{}", self.prefix, digits(chance, 12 - self.prefix.len()));
        format!("{body}{}", check_digit(&body))
    }

    fn padded(&self, text: &[u8]) -> Vec<u8> {
        cbc::Encryptor::<Aes128>::new(&self.key.into(), &self.iv.into())
            .encrypt_padded_vec::<Pkcs7>(text)
    }

    fn unpadded(&self, blocks: &[u8]) -> Vec<u8> {
        cbc::Encryptor::<Aes128>::new(&self.key.into(), &self.iv.into())
            .encrypt_padded_vec::<NoPadding>(blocks)
    }

    pub fn member(&self, chance: &mut ChaCha8Rng) -> Shown {
        let number = self.number(chance);
        let code = hex(&self.padded(number.as_bytes()));
        Shown { number, code }
    }

    /// The `n`th broken code: every kind in turn.
    pub fn broken(&self, n: usize, chance: &mut ChaCha8Rng) -> Broken {
        let member = self.member(chance);
        let number = member.number.as_bytes();
        let sealed = self.padded(number);
        let random = |chance: &mut ChaCha8Rng, count: usize| {
            let mut bytes = vec![0; count];
            chance.fill_bytes(&mut bytes);
            bytes
        };
        let (kind, code) = match n % 16 {
            0 => ("a character that is no digit", {
                let mut code: Vec<char> = member.code.chars().collect();
                let odd = ['g', ' ', '-', '=', '\n', '\0', 'é', '１'];
                let at = chance.random_range(0..code.len());
                code[at] = odd[chance.random_range(0..odd.len())];
                code.into_iter().collect()
            }),
            1 => ("base64", Base64::encode_string(&sealed)),
            2 => ("base64 as in links, and long enough", {
                Base64UrlUnpadded::encode_string(&[sealed.clone(), sealed].concat())
            }),
            3 => ("half a byte too few", member.code[..31].to_owned()),
            4 => (
                "cut off",
                member.code[..2 * chance.random_range(1..16)].to_owned(),
            ),
            5 => ("some bytes too many", {
                let more = chance.random_range(1..16);
                hex(&[sealed, random(chance, more)].concat())
            }),
            6 => (
                "a block too many",
                hex(&[sealed, random(chance, 16)].concat()),
            ),
            7 => ("far too long", hex(&random(chance, 5_000))),
            8 => ("padding", {
                let mut block = number.to_vec();
                let last = *[0, 1, 2, 4, 16, 17, 255].get(n / 16 % 7).expect("seven");
                block.extend([3, if last == 1 { 2 } else { 3 }, last]);
                // 02 01: one byte of padding, after a byte that is not a digit.
                hex(&self.unpadded(&block))
            }),
            9 => ("no digits", {
                let mut text = number.to_vec();
                let at = chance.random_range(0..text.len());
                text[at] = [b'x', b' ', b'/', b':', 0, 0xff][n / 16 % 6];
                hex(&self.padded(&text))
            }),
            10 => ("check digit", {
                let wrong = (check_digit(&member.number[..12]) + chance.random_range(1..10)) % 10;
                let number = format!("{}{wrong}", &member.number[..12]);
                hex(&self.padded(number.as_bytes()))
            }),
            11 => ("fewer or more digits", {
                let count = [1, 8, 12, 14, 15, 16, 20, 40][n / 16 % 8];
                hex(&self.padded(digits(chance, count).as_bytes()))
            }),
            12 => ("prefix", {
                let body = format!("30{}", digits(chance, 10));
                let number = format!("{body}{}", check_digit(&body));
                hex(&self.padded(number.as_bytes()))
            }),
            13 => ("another key or IV", {
                let mut other = (self.key, self.iv);
                let wrong = if n % 32 == 13 {
                    &mut other.0
                } else {
                    &mut other.1
                };
                chance.fill_bytes(wrong);
                let (key, iv) = (other.0.into(), other.1.into());
                hex(&cbc::Encryptor::<Aes128>::new(&key, &iv).encrypt_padded_vec::<Pkcs7>(number))
            }),
            14 => ("a flipped bit", {
                let mut sealed = sealed;
                sealed[chance.random_range(0..16)] ^= 1 << chance.random_range(0..8);
                hex(&sealed)
            }),
            _ => (
                "no sealed text at all",
                match n / 16 % 4 {
                    0 => String::new(),
                    1 => member.number.clone(),
                    2 => hex(&random(chance, 16)),
                    _ => format!("{{\"code\":\"{}\"}}", member.code),
                },
            ),
        };
        Broken {
            kind,
            code,
            member: Some(member),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// Texts to search for, in every form in which they may have been written.
pub struct Needles(HashMap<[u8; Needles::WINDOW], Vec<Vec<u8>>>);

/// Adds a text. A text shorter than a number would prove nothing.
pub fn needles<'a>(texts: impl IntoIterator<Item = &'a str>) -> Needles {
    let mut needles = Needles(HashMap::new());
    for text in texts {
        // The beginning is enough to find the whole.
        let text: String = text.chars().take(64).collect();
        if text.len() <= Needles::WINDOW {
            continue;
        }
        let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect();
        let mut ways = vec![
            text.as_bytes().to_vec(),
            text.to_uppercase().into_bytes(),
            hex(text.as_bytes()).into_bytes(),
            base16ct::upper::encode_string(text.as_bytes()).into_bytes(),
            Base64UrlUnpadded::encode_string(text.as_bytes()).into_bytes(),
            Base64::encode_string(text.as_bytes()).into_bytes(),
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
            // As an array of bytes in JSON, and as text in JSON.
            serde_json::to_vec(text.as_bytes()).expect("JSON"),
            serde_json::to_vec(&text).expect("JSON"),
        ];
        // The bytes of a code in hex.
        ways.extend(base16ct::mixed::decode_vec(&text));
        for way in ways.into_iter().filter(|way| way.len() >= Needles::WINDOW) {
            let window = way[..Needles::WINDOW].try_into().expect("as long");
            needles.0.entry(window).or_default().push(way);
        }
    }
    needles
}

impl Needles {
    const WINDOW: usize = 12;

    /// The first of the texts in some bytes.
    pub fn first_in(&self, bytes: &[u8]) -> Option<String> {
        bytes
            .windows(Self::WINDOW)
            .enumerate()
            .find_map(|(at, window)| {
                let ways = self.0.get(window)?;
                let rest = &bytes[at..];
                let found = ways.iter().find(|way| rest.starts_with(way))?;
                Some(String::from_utf8_lossy(found).into_owned())
            })
    }
}

#[test]
fn a_text_is_found_in_every_written_form() {
    let (number, code) = ("2941002388179", "9c1b8ba8011afb1a16755eb7785f3264");
    let needles = needles([number, code]);
    let bytes = base16ct::mixed::decode_vec(code).expect("hex");
    let wide: Vec<u8> = number.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let found = [
        format!("the number {number}.").into_bytes(),
        format!("{{\"code\":\"{code}\"}}").into_bytes(),
        code.to_uppercase().into_bytes(),
        [b"x", &bytes[..], b"y"].concat(),
        wide,
        hex(number.as_bytes()).into_bytes(),
        Base64::encode_string(number.as_bytes()).into_bytes(),
        format!("{:?}", number.as_bytes())
            .replace(", ", ",")
            .into_bytes(),
    ];
    for (n, text) in found.iter().enumerate() {
        assert!(needles.first_in(text).is_some(), "{n}");
    }
    assert_eq!(
        needles.first_in(b"2941002388178 9c1b8ba8011afb1a16755eb7785f3265"),
        None
    );
}
