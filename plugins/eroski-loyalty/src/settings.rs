//! Settings: the encoding of a code, its encryption, and the format of the number.

use galleria_sdk::prelude::*;
use serde::Deserialize;

/// The block size of AES in bytes; an IV has the same size.
const BLOCK: usize = 16;

/// Bytes of an AES-GCM nonce.
const NONCE: usize = 12;

/// Bytes of an AES-GCM tag.
const TAG: usize = 16;

/// The plugin's settings. An empty object fits Eroski's app, as far as its format is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The secret, as named in `plugin.toml`.
    pub secret: String,
    /// The ids of the secret's versions, each tried separately. Without ids the host returns the
    /// first one that decrypts, which with AES-CBC is sometimes a wrong one.
    pub versions: Vec<String>,
    /// How the bytes of a code are arranged.
    pub cipher: Cipher,
    /// The encoding of a code.
    pub code: CodeFormat,
    /// The format of the number.
    pub number: NumberFormat,
    /// The member's programme.
    pub programme: String,
}

/// How the bytes of a code are arranged. The secret's declaration defines the cipher, which must fit.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Cipher {
    /// AES-CBC with the secret's fixed IV: only the body.
    #[default]
    AesCbc,
    /// AES-CBC: 16 bytes of IV, then the body.
    AesCbcLeadingIv,
    /// AES-GCM: 12 bytes of nonce, then the body with its tag.
    AesGcm,
}

/// The encoding of a code.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct CodeFormat {
    /// Not detected automatically: most hex texts are also valid base64, for other bytes.
    pub encoding: Encoding,
    /// The minimum number of characters.
    pub least: usize,
    /// The maximum number of characters.
    pub most: usize,
}

/// The encoding of bytes.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Two digits per byte, in upper or lower case.
    #[default]
    Hex,
    /// RFC 4648, section 4, with padding.
    Base64,
    /// RFC 4648, section 5, without padding, as in links.
    Base64Url,
}

/// The format of a number.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct NumberFormat {
    /// The minimum number of digits.
    pub least: usize,
    /// The maximum number of digits.
    pub most: usize,
    /// The number starts with one of these; an empty list allows any start.
    pub prefixes: Vec<String>,
    /// The algorithm of the last digit.
    pub check_digit: CheckDigit,
}

/// How the last digit depends on the digits before it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum CheckDigit {
    /// Thirteen digits, weights 1 and 3 from the left.
    #[default]
    Ean13,
    /// ISO/IEC 7812: every second digit from the right doubled.
    Luhn,
    /// There is no check digit.
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
            // From one block in hex to four blocks, which fit into a QR code that a phone shows
            // well.
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
    /// Returns the bytes before the body: IV or nonce.
    pub fn leading(self) -> usize {
        match self {
            Self::AesCbc => 0,
            Self::AesCbcLeadingIv => BLOCK,
            Self::AesGcm => NONCE,
        }
    }

    /// Returns the length of the shortest ciphertext in bytes.
    fn shortest(self) -> usize {
        let body = match self {
            Self::AesCbc | Self::AesCbcLeadingIv => BLOCK,
            Self::AesGcm => TAG + 1,
        };
        self.leading() + body
    }
}

impl Encoding {
    /// Returns the maximum number of bytes of this many characters.
    fn bytes(self, characters: usize) -> usize {
        match self {
            Self::Hex => characters / 2,
            Self::Base64 | Self::Base64Url => characters / 4 * 3 + characters % 4 * 3 / 4,
        }
    }
}

impl Settings {
    /// Returns the versions to decrypt with; without an id the host tries all versions.
    pub fn versions(&self) -> impl Iterator<Item = Option<&str>> {
        let unnamed = self.versions.is_empty().then_some(None);
        let named = self.versions.iter().map(|id| Some(id.as_str()));
        unnamed.into_iter().chain(named)
    }

    /// Returns the problems of settings with valid types.
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
            "must name a secret that plugin.toml requests",
        );
        check(
            self.versions.len() <= 8 && self.versions.iter().all(|id| !id.is_empty()),
            "versions",
            "must be the ids of at most 8 versions, none of them empty",
        );
        check(
            !self.programme.is_empty(),
            "programme",
            "must name the programme, which is part of every sale of a member",
        );
        check(
            self.code.least <= self.code.most,
            "code.least",
            "must be no more than code.most",
        );
        check(
            self.code.most <= 4096,
            "code.most",
            "must be at most 4096: scanned codes are shorter",
        );
        check(
            self.code.encoding.bytes(self.code.most) >= self.cipher.shortest(),
            "code.most",
            "must leave room for a ciphertext, otherwise no code is valid",
        );
        check(
            (1..=most).contains(&least),
            "number.least",
            "must be at least 1 and no more than number.most",
        );
        check(most <= 64, "number.most", "must be at most 64");
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
                let message = "must be digits, no more than number.least";
                problems.push(Problem::new(field, message));
            }
        }
        problems
    }
}
