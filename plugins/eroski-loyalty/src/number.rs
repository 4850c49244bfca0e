//! Checks that decrypted bytes are a member number.

use crate::settings::{CheckDigit, NumberFormat};

impl NumberFormat {
    /// Returns whether the bytes are a member number. Performs all checks, whatever an earlier one
    /// found.
    pub fn fits(&self, bytes: &[u8]) -> bool {
        let digits = bytes
            .iter()
            .fold(true, |all, byte| all & byte.is_ascii_digit());
        let length = (self.least..=self.most).contains(&bytes.len());
        let prefix = self
            .prefixes
            .iter()
            .fold(self.prefixes.is_empty(), |any, prefix| {
                any | bytes.starts_with(prefix.as_bytes())
            });
        let check_digit = match self.check_digit {
            CheckDigit::Ean13 => ean13(bytes),
            CheckDigit::Luhn => luhn(bytes),
            CheckDigit::None => true,
        };
        digits & length & prefix & check_digit
    }
}

/// Returns the value of a digit. The value of another byte does not matter: the digit check rejects it.
fn value(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

/// Weights 1 and 3 from the left; the sum including the check digit ends in 0.
fn ean13(bytes: &[u8]) -> bool {
    let weighted = bytes.iter().zip([1, 3].into_iter().cycle());
    let sum: u32 = weighted.map(|(byte, weight)| value(*byte) * weight).sum();
    sum.is_multiple_of(10) & (bytes.len() == 13)
}

/// Doubles every second digit from the right and subtracts 9 from values above 9; the sum ends in 0.
fn luhn(bytes: &[u8]) -> bool {
    let weighted = bytes.iter().rev().zip([1, 2].into_iter().cycle());
    let sum: u32 = weighted
        .map(|(byte, weight)| {
            let weighted = value(*byte) * weight;
            weighted - u32::from(weighted > 9) * 9
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(check_digit: CheckDigit, least: usize, most: usize) -> NumberFormat {
        NumberFormat {
            least,
            most,
            prefixes: Vec::new(),
            check_digit,
        }
    }

    #[test]
    fn ean13_accepts_one_check_digit_of_ten() {
        let format = format(CheckDigit::Ean13, 13, 13);
        // Examples from GS1's General Specifications and from a book.
        for good in ["6291041500213", "9783161484100", "0000000000000"] {
            assert!(format.fits(good.as_bytes()), "{good}");
        }
        let others = (0..10).map(|digit| format!("629104150021{digit}"));
        assert_eq!(
            others
                .filter(|number| format.fits(number.as_bytes()))
                .count(),
            1
        );
        // Two adjacent digits are swapped.
        assert!(!format.fits(b"6290141500213"));
    }

    #[test]
    fn luhn_accepts_one_check_digit_of_ten() {
        let format = format(CheckDigit::Luhn, 2, 19);
        // Examples from ISO/IEC 7812-1, annex B, and a test card.
        for good in ["79927398713", "4242424242424242", "18", "00"] {
            assert!(format.fits(good.as_bytes()), "{good}");
        }
        let others = (0..10).map(|digit| format!("7992739871{digit}"));
        assert_eq!(
            others
                .filter(|number| format.fits(number.as_bytes()))
                .count(),
            1
        );
    }

    #[test]
    fn only_digits_with_the_right_length_and_prefix_are_a_number() {
        let mut format = format(CheckDigit::None, 3, 4);
        for (text, good) in [
            ("", false),
            ("12", false),
            ("123", true),
            ("1234", true),
            ("12345", false),
            ("12 4", false),
            ("12a", false),
            ("１２", false),
            ("-12", false),
            ("12\0", false),
        ] {
            assert_eq!(format.fits(text.as_bytes()), good, "{text:?}");
        }
        assert!(!format.fits(&[0xff, 0x30, 0x30]));
        format.prefixes = vec!["24".into(), "250".into()];
        assert!(format.fits(b"2400") && format.fits(b"250"));
        assert!(!format.fits(b"251") && !format.fits(b"1240"));
    }
}
