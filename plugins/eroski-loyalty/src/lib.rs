//! Identifies the member of a scanned loyalty code: decrypts the code with the retailer's key, and
//! checks that the plaintext is a member number.
//!
//! This is a sensitive point. For any error (encoding, length, padding, digits, check digit, key) the
//! answer is the same: no member. Every code takes the same path: it is decrypted, and the plaintext is
//! checked completely before the result is used. The host keeps the key.
#![warn(missing_docs)]

mod number;
mod settings;

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use galleria_sdk::prelude::*;
pub use settings::{CheckDigit, Cipher, CodeFormat, Encoding, NumberFormat, Settings};

/// Decrypted instead of a code that cannot be a ciphertext: one block after the longest IV. Its
/// plaintext is never the answer.
const STAND_IN: [u8; 32] = [0; 32];

/// The plugin.
pub struct EroskiLoyalty;

impl Plugin for EroskiLoyalty {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        settings.problems()
    }
}

impl IdentifyMember for EroskiLoyalty {
    fn identify(cx: &Context<Settings>, code: &str) -> Result<Option<Member>, Fault> {
        let settings = cx.settings();
        // The error concerns the grant and not the code: an operator must see it.
        let key = Key::open(&settings.secret).map_err(|_| {
            Fault::misconfigured("secret", "must be granted for the operation `decrypt`")
        })?;
        let sealed = settings.code.read(code);
        let well_formed = sealed.is_some();
        let sealed = sealed.unwrap_or(STAND_IN.into());
        let (nonce, body, long_enough) = match sealed.split_at_checked(settings.cipher.leading()) {
            Some((nonce, body)) => (nonce, body, true),
            None => {
                let (nonce, body) = STAND_IN.split_at(settings.cipher.leading());
                (nonce, body, false)
            }
        };
        let numbers = settings.versions().map(|version| {
            let opened = key.decrypt(version, nonce, body, &[]);
            let decrypted = opened.is_ok();
            let number = opened.unwrap_or_default();
            let fits = settings.number.fits(&number);
            (well_formed & long_enough & decrypted & fits).then_some(number)
        });
        // Try all of them before using any.
        let numbers: Vec<_> = numbers.collect();
        let number = numbers.into_iter().flatten().next();
        let number = number.and_then(|number| String::from_utf8(number).ok());
        Ok(number.map(|id| Member {
            id,
            programme: settings.programme.clone(),
            attributes: Vec::new(),
        }))
    }
}

galleria_sdk::plugin!(EroskiLoyalty: IdentifyMember);

impl CodeFormat {
    /// Returns the bytes of a code; `None` if its format is wrong.
    fn read(&self, code: &str) -> Option<Vec<u8>> {
        if !(self.least..=self.most).contains(&code.len()) {
            return None;
        }
        match self.encoding {
            Encoding::Hex => base16ct::mixed::decode_vec(code).ok(),
            Encoding::Base64 => Base64::decode_vec(code).ok(),
            Encoding::Base64Url => Base64UrlUnpadded::decode_vec(code).ok(),
        }
    }
}
