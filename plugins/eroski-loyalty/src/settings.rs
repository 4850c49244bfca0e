//! What a retailer may set: how a code is written, how it is sealed, what a number looks like.

use galleria_sdk::prelude::*;
use serde::Deserialize;

/// AES works in blocks of so many bytes; an IV has as many.
const BLOCK: usize = 16;

/// Bytes of an AES-GCM nonce.
const NONCE: usize = 12;

/// Bytes of an AES-GCM tag.
const TAG: usize = 16;

/// The plugin's settings. An empty object is what Eroski's app needs, as far as that is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The secret, as `plugin.toml` asks for it.
    pub secret: String,
    /// The ids of the secret's versions, to be tried each on its own. Where there is none the host
    /// takes the first that decrypts, which under AES-CBC is now and then a wrong one.
    pub versions: Vec<String>,
    /// How the bytes of a code are arranged.
    pub cipher: Cipher,
    /// How a code is written.
    pub code: CodeFormat,
    /// What the number in it looks like.
    pub number: NumberFormat,
    /// What the member is a member of.
    pub programme: String,
}

/// How the bytes of a code are arranged. Which cipher the key serves is said where the secret is
/// declared, and has to fit.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Cipher {
    /// AES-CBC with the IV that belongs to the secret: the body alone.
    #[default]
    AesCbc,
    /// AES-CBC: 16 bytes of IV, then the body.
    AesCbcLeadingIv,
    /// AES-GCM: 12 bytes of nonce, then the body with its tag.
    AesGcm,
}

/// How a code is written.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct CodeFormat {
    /// Never guessed: most texts in hex are base64 as well, and of other bytes.
    pub encoding: Encoding,
    /// The fewest characters.
    pub least: usize,
    /// The most characters.
    pub most: usize,
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Two digits a byte, in capital or small letters.
    #[default]
    Hex,
    /// RFC 4648, section 4, with its padding.
    Base64,
    /// RFC 4648, section 5, without padding, as it stands in links.
    Base64Url,
}

/// What a number looks like.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct NumberFormat {
    /// The fewest digits.
    pub least: usize,
    /// The most digits.
    pub most: usize,
    /// It begins with one of these; with anything where there is none.
    pub prefixes: Vec<String>,
    /// What its last digit is worked out by.
    pub check_digit: CheckDigit,
}

/// How the last digit follows from those before it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum CheckDigit {
    /// Thirteen digits, weights 1 and 3 from the left.
    #[default]
    Ean13,
    /// ISO/IEC 7812: every second digit from the right doubled.
    Luhn,
    /// It does not.
    None,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            secret: "loyalty-number".to_owned(),
            versions: Vec::new(),
            cipher: Cipher::default(),
            code: CodeFormat::default(),
            number: NumberFormat::default(),
            programme: "eroski-club".to_owned(),
        }
    }
}

impl Default for CodeFormat {
    fn default() -> Self {
        Self {
            encoding: Encoding::default(),
            // One block in hex; a QR code that a phone shows well has room for four.
            least: 2 * BLOCK,
            most: 8 * BLOCK,
        }
    }
}

impl Default for NumberFormat {
    fn default() -> Self {
        Self {
            least: 13,
            most: 13,
            prefixes: Vec::new(),
            check_digit: CheckDigit::default(),
        }
    }
}

impl Cipher {
    /// Bytes before the body: IV or nonce.
    pub fn leading(self) -> usize {
        match self {
            Self::AesCbc => 0,
            Self::AesCbcLeadingIv => BLOCK,
            Self::AesGcm => NONCE,
        }
    }

    /// Bytes of the shortest sealed text there is.
    fn shortest(self) -> usize {
        let body = match self {
            Self::AesCbc | Self::AesCbcLeadingIv => BLOCK,
            Self::AesGcm => TAG + 1,
        };
        self.leading() + body
    }
}

impl Encoding {
    /// How many bytes so many characters can be at most.
    fn bytes(self, characters: usize) -> usize {
        match self {
            Self::Hex => characters / 2,
            Self::Base64 | Self::Base64Url => characters / 4 * 3 + characters % 4 * 3 / 4,
        }
    }
}

impl Settings {
    /// What to decrypt with; without a name it is whichever version fits.
    pub fn versions(&self) -> impl Iterator<Item = Option<&str>> {
        let unnamed = self.versions.is_empty().then_some(None);
        let named = self.versions.iter().map(|id| Some(id.as_str()));
        unnamed.into_iter().chain(named)
    }

    /// What is wrong beyond the shape.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut check = |good: bool, field: &str, message: &str| {
            if !good {
                problems.push(Problem::new(field, message));
            }
        };
        let NumberFormat {
            least,
            most,
            ref prefixes,
            check_digit,
        } = self.number;
        check(
            !self.secret.is_empty(),
            "secret",
            "has to name a secret that plugin.toml asks for",
        );
        check(
            self.versions.len() <= 8 && self.versions.iter().all(|id| !id.is_empty()),
            "versions",
            "has to be the ids of at most 8 versions, none of them empty",
        );
        check(
            !self.programme.is_empty(),
            "programme",
            "has to name the programme: it stands on every sale of a member",
        );
        check(
            self.code.least <= self.code.most,
            "code.least",
            "has to be no more than code.most",
        );
        check(
            self.code.most <= 4096,
            "code.most",
            "has to be at most 4096: no code that is scanned is longer",
        );
        check(
            self.code.encoding.bytes(self.code.most) >= self.cipher.shortest(),
            "code.most",
            "has to leave room for a sealed text: no code could be good",
        );
        check(
            (1..=most).contains(&least),
            "number.least",
            "has to be at least 1 and no more than number.most",
        );
        check(most <= 64, "number.most", "has to be at most 64");
        check(
            check_digit != CheckDigit::Ean13 || (least, most) == (13, 13),
            "number.check_digit",
            "ean13 needs numbers of 13 digits: set number.least and number.most to 13",
        );
        check(
            check_digit != CheckDigit::Luhn || least >= 2,
            "number.check_digit",
            "luhn needs numbers of at least 2 digits",
        );
        for (index, prefix) in prefixes.iter().enumerate() {
            let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
            let good = digits && (1..=least).contains(&prefix.len());
            if !good {
                let field = ["number.prefixes.", &index.to_string()].concat();
                let message = "has to be digits, no more than number.least";
                problems.push(Problem::new(field, message));
            }
        }
        problems
    }
}
