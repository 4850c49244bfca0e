//! Checks of settings with valid types.

use crate::settings::{Digits, Kinds, MAX_RECORD, NegativeAmounts, Settings, Sign};
use galleria_sdk::csv::MAX_COLUMNS;
use galleria_sdk::{NumberFormat, Problem, money, text};

impl Settings {
    /// Returns the problems of settings with valid types.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.places();
        problems.extend(self.dates().err().unwrap_or_default());
        if let Some(mark) = self.decimal_mark {
            let marks = NumberFormat::wrong_settings(mark, self.thousands);
            problems.extend(marks.map(|(setting, rule)| Problem::new(setting, rule)));
        } else if self.thousands.is_some() {
            let message = "needs decimal_mark, because minor units have no marks";
            problems.push(Problem::new("thousands", message));
        }
        let mut refuse = |good: bool, field: &str, message: &str| {
            if !good {
                problems.push(Problem::new(field, message));
            }
        };
        refuse(
            !self.provider.trim().is_empty(),
            "provider",
            "must name the provider",
        );
        refuse(
            self.unit.is_none() || self.delimiter.is_none(),
            "unit",
            "is for positions in a line: remove it, or remove delimiter",
        );
        let has_field = self.header.currency.is_some();
        let set = money::currency(&self.currency).is_ok_and(|code| code == self.currency);
        refuse(
            has_field || set,
            "currency",
            "must be a code such as EUR unless header.currency is named",
        );
        refuse(
            !has_field || self.currency.is_empty(),
            "currency",
            "is also in header.currency: use only one of them",
        );
        let kinds = self.detail.kind.is_none() == self.kinds.is_empty();
        refuse(
            kinds,
            "kinds",
            "and detail.kind must be used together: the words and their position",
        );
        let signs_known =
            self.detail.kind.is_some() || self.negative_amounts == NegativeAmounts::Signed;
        refuse(
            signs_known,
            "negative_amounts",
            "unsigned needs detail.kind, otherwise refunds and payments cannot be distinguished",
        );
        let trailer = &self.trailer;
        let any = trailer.count.is_some() || trailer.gross.is_some() || trailer.net.is_some();
        refuse(
            any,
            "trailer",
            "must name count, gross or net, otherwise an incomplete file is not detected",
        );
        refuse(
            self.delimiter.is_none_or(text::is_delimiter),
            "delimiter",
            &["must be ", text::DELIMITERS].concat(),
        );
        refuse(
            self.records.are_distinct(self.delimiter),
            "records",
            "must be different: no start may begin with another one",
        );
        problems
    }

    /// Every position must be inside a record.
    fn places(&self) -> Vec<Problem> {
        let (header, detail, trailer) = (&self.header, &self.detail, &self.trailer);
        let mut places = vec![
            ("header.reference", Some(header.reference)),
            ("header.paid_on", Some(header.paid_on)),
            ("header.currency", header.currency),
            ("header.account", header.account),
            ("detail.kind", detail.kind),
            ("detail.booked_at", detail.booked_at),
            ("detail.id", detail.id),
            ("detail.psp_reference", detail.psp_reference),
            (
                "detail.modification_reference",
                detail.modification_reference,
            ),
            ("detail.merchant_reference", detail.merchant_reference),
            ("trailer.count", trailer.count),
        ];
        let amounts = [
            ("detail.gross", Some(&detail.gross)),
            ("detail.fee", detail.fee.as_ref()),
            ("detail.net", detail.net.as_ref()),
            ("trailer.gross", trailer.gross.as_ref()),
            ("trailer.fee", trailer.fee.as_ref()),
            ("trailer.net", trailer.net.as_ref()),
        ];
        places.extend(amounts.map(|(name, digits)| (name, digits.map(Digits::field))));
        let outside = |at: u32, length: u32| match self.delimiter {
            Some(_) => at == 0 || at as usize > MAX_COLUMNS,
            None => at == 0 || u64::from(at) + u64::from(length) - 1 > MAX_RECORD as u64,
        };
        let mut problems = Vec::new();
        for (name, place) in places {
            let Some(place) = place else { continue };
            let message = match (self.delimiter, place.length) {
                (Some(_), 1..) => {
                    "must not have a length: with delimiter, `at` is the number of a cell"
                }
                (Some(_), _) if outside(place.at, 0) => "must be a cell from 1 to 512",
                (None, 0) => "must have a length, because the records have no delimiter",
                (None, length) if outside(place.at, length) => {
                    "must start at 1 or later, and end inside the record's 4096 characters"
                }
                _ => continue,
            };
            problems.push(Problem::new(name, message));
        }
        for (name, digits) in amounts {
            let sign = digits.and_then(|digits| digits.sign.as_ref());
            let wrong =
                |sign: &Sign| outside(sign.at, 1) || sign.negative.trim() == sign.positive.trim();
            if sign.is_some_and(wrong) {
                let message = "must be a position inside the record, with two different signs";
                problems.push(Problem::new([name, ".sign"].concat(), message));
            }
        }
        problems
    }
}

impl Kinds {
    /// Returns whether every record has one meaning.
    fn are_distinct(&self, delimiter: Option<char>) -> bool {
        // With a delimiter, `D` and `DT` are different cells.
        let end = delimiter.map(String::from).unwrap_or_default();
        let marks = [&self.header, &self.trailer].into_iter();
        let marks = marks.chain(self.detail.as_slice()).chain(&self.ignored);
        let marks: Vec<String> = marks.map(|mark| [mark.as_str(), &end].concat()).collect();
        let single = |(index, mark): (usize, &String)| {
            let mut others = marks
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index);
            mark.trim() != end && !others.any(|(_, other)| other.starts_with(mark.as_str()))
        };
        !self.detail.as_slice().is_empty() && marks.iter().enumerate().all(single)
    }
}
