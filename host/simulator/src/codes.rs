//! Codes that members show: member numbers encrypted with the sample key, and invalid codes.

use crate::habits;
use crate::random::Random;
use aes::Aes128;
use anyhow::{Context, Result, bail};
use base16ct::lower::encode_string as hex;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use std::fs;
use std::path::Path;

/// Creates a retailer's codes.
pub struct CodeMaker {
    key: [u8; 16],
    iv: [u8; 16],
    prefix: String,
    digits: usize,
    broken: u64,
}

/// A code that a customer shows.
pub struct ShownCode {
    pub code: String,
    /// The member number; none if the code is invalid.
    pub number: Option<String>,
}

impl CodeMaker {
    /// Reads the sample key from the retailer folder.
    pub fn read(folder: &Path, codes: &habits::Codes) -> Result<Self> {
        let file = folder.join(&codes.env);
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let bytes = |name: &str| {
            let lines = text.lines().filter_map(|line| line.split_once('='));
            let pair = lines.clone().find(|(key, _)| key.trim() == name);
            let (_, value) =
                pair.with_context(|| format!("{}: {name} is missing", file.display()))?;
            block(value.trim()).with_context(|| format!("{}: {name}", file.display()))
        };
        if codes.prefix.len() + 1 > codes.digits {
            bail!("[members.codes] prefix: must be at least one digit shorter than `digits`");
        }
        Ok(Self {
            key: bytes(&codes.key)?,
            iv: bytes(&codes.iv)?,
            prefix: codes.prefix.clone(),
            digits: codes.digits,
            broken: codes.broken,
        })
    }

    /// Draws a member's code or an invalid one.
    pub fn draw(&self, random: &mut Random) -> ShownCode {
        let rest = self.digits - self.prefix.len() - 1;
        let body = format!("{}{}", self.prefix, random.digits(rest));
        let number = format!("{body}{}", check_digit(&body));
        if !random.percent(self.broken) {
            let code = hex(&self.encrypt(&self.key, number.as_bytes()));
            let number = Some(number);
            return ShownCode { code, number };
        }
        let code = match random.below(6) {
            // Not hexadecimal: the number itself, as printed on old cards.
            0 => format!("{number}-"),
            1 => {
                let mut code = hex(&self.encrypt(&self.key, number.as_bytes()));
                code.truncate(code.len() - 2);
                code
            }
            2 => hex(&self.encrypt(&self.key, b"no number at")),
            3 => {
                let wrong = (check_digit(&body) + 1) % 10;
                hex(&self.encrypt(&self.key, format!("{body}{wrong}").as_bytes()))
            }
            4 => hex(&self.encrypt(&[0x5a; 16], number.as_bytes())),
            _ => hex(&self.encrypt(&self.key, &number.as_bytes()[1..])),
        };
        ShownCode { code, number: None }
    }

    fn encrypt(&self, key: &[u8; 16], text: &[u8]) -> Vec<u8> {
        cbc::Encryptor::<Aes128>::new(key.into(), &self.iv.into()).encrypt_padded_vec::<Pkcs7>(text)
    }
}

/// Returns the EAN check digit: from the right, the digits have the weights 3 and 1 in turn.
pub fn check_digit(body: &str) -> u32 {
    let digits = body.bytes().rev().map(|digit| u32::from(digit - b'0'));
    let weighted = digits
        .enumerate()
        .map(|(at, digit)| digit * if at % 2 == 0 { 3 } else { 1 });
    (10 - weighted.sum::<u32>() % 10) % 10
}

/// Returns the GTIN-13 of an article, from the range for use within a shop.
pub fn gtin(sku: &str) -> String {
    let body = format!("20000{sku}");
    format!("{body}{}", check_digit(&body))
}

fn block(text: &str) -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    let decoded = base16ct::mixed::decode(text, &mut bytes).map(<[u8]>::len);
    if decoded != Ok(bytes.len()) {
        bail!("must be 32 hexadecimal digits (16 bytes)");
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(broken: u64) -> CodeMaker {
        // The key and text of NIST SP 800-38A, F.2.1.
        CodeMaker {
            key: block("2b7e151628aed2a6abf7158809cf4f3c").expect("a key"),
            iv: block("000102030405060708090a0b0c0d0e0f").expect("an initialisation vector"),
            prefix: "29".into(),
            digits: 13,
            broken,
        }
    }

    #[test]
    fn encryption_matches_the_nist_test_vector() {
        let text = block("6bc1bee22e409f96e93d7e117393172a").expect("a block");
        let code = hex(&codes(0).encrypt(&codes(0).key, &text));
        assert_eq!(&code[..32], "7649abac8119b246cee98e9b12e9197d");
        assert_eq!(code.len(), 64, "the text and a block of padding");
    }

    #[test]
    fn a_number_ends_with_its_check_digit() {
        assert_eq!(check_digit("400638133393"), 1);
        let code = codes(0).draw(&mut Random::new(1));
        let number = code.number.expect("a member");
        assert_eq!(number.len(), 13);
        assert!(number.starts_with("29"));
        assert_eq!(number[12..], check_digit(&number[..12]).to_string());
    }

    #[test]
    fn an_invalid_code_has_no_member() {
        let mut random = Random::new(1);
        for _ in 0..100 {
            assert!(codes(100).draw(&mut random).number.is_none());
        }
    }
}
