//! Errors of texts that are not numbers in a format.

use crate::NumberFormat;

/// Why a text is not a number. [`NumberFormat::explain`] describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// A separator that the format does not have.
    Separator(char),
    /// A mark of the format at a wrong place.
    MisplacedMark,
    /// Other characters, or none.
    Malformed,
    /// Digits of another script.
    ForeignDigits,
    /// More than one sign.
    SecondSign,
    /// A currency other than that of the amount.
    ForeignCurrency {
        /// The code or sign in the text.
        found: String,
        /// The currency of the amount.
        expected: String,
    },
    /// More digits after the decimal mark than this many, and not only zeros.
    SurplusDigits(u8),
    /// The number does not fit into 64 bits.
    TooLarge,
}

impl NumberError {
    /// The error for a text that is not a number.
    pub(crate) fn malformed(text: &str) -> Self {
        let foreign = |letter: char| letter.is_numeric() && !letter.is_ascii();
        match text.chars().any(foreign) {
            true => Self::ForeignDigits,
            false => Self::Malformed,
        }
    }
}

impl NumberFormat {
    /// Describes an error, to follow the quoted text: `is not an amount such as -12,50`. `what` is the expected
    /// kind of number with its article, such as `an amount`.
    pub fn explain(&self, error: &NumberError, what: &str) -> String {
        match error {
            NumberError::Separator(separator) => {
                let name = name(*separator);
                ["contains ", &name, ", but ", &self.marks()].concat()
            }
            NumberError::MisplacedMark => [&*self.is_not(what), ": ", &self.marks()].concat(),
            NumberError::Malformed => self.is_not(what),
            NumberError::ForeignDigits => "must be written with the digits 0 to 9".to_owned(),
            NumberError::SecondSign => "has more than one sign".to_owned(),
            NumberError::ForeignCurrency { found, expected } => [
                "has the currency `",
                found,
                "`, but the currency of the amount is ",
                expected,
            ]
            .concat(),
            NumberError::SurplusDigits(most) => [
                "has more digits after the decimal mark than the ",
                &most.to_string(),
                " that it may have",
            ]
            .concat(),
            NumberError::TooLarge => "is too large".to_owned(),
        }
    }

    fn is_not(&self, what: &str) -> String {
        let Some(mark) = self.decimal_mark else {
            return ["is not ", what, " in minor units such as 0001299"].concat();
        };
        let example = ["-12", "50"].join(mark.encode_utf8(&mut [0; 4]));
        ["is not ", what, " such as ", &example].concat()
    }

    /// The marks of the format, and the settings that change them.
    fn marks(&self) -> String {
        let Some(decimal) = self.decimal_mark else {
            return [
                "amounts are in minor units without marks: check ",
                self.settings,
            ]
            .concat();
        };
        let thousands = self
            .thousands
            .map_or("there is no thousands mark".to_owned(), |mark| {
                ["the thousands mark is ", &name(mark)].concat()
            });
        [
            "the decimal mark is ",
            &name(decimal),
            " and ",
            &thousands,
            ": check ",
            self.settings,
        ]
        .concat()
    }
}

/// Names a mark. Spaces look alike, so their code point is shown.
fn name(mark: char) -> String {
    match mark {
        ' ' => "a blank".to_owned(),
        '\u{a0}' => "a no-break space, U+00A0".to_owned(),
        '\u{202f}' => "a narrow no-break space, U+202F".to_owned(),
        mark => ["`", mark.encode_utf8(&mut [0; 4]), "`"].concat(),
    }
}
