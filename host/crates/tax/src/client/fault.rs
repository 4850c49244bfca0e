//! What an error of a connection means.

use galleria_ports::tax::TaxFault;
use std::error::Error;
use std::io;

/// The longest text of a service that a caller sees.
const MAX_TEXT: usize = 300;

/// The fault of an error of a connection: an untrusted certificate, or no connection.
pub(crate) fn connection(error: &(dyn Error + 'static)) -> TaxFault {
    let cause = chain(error);
    match has_certificate_error(error) {
        true => TaxFault::Certificate { cause },
        false => TaxFault::Unavailable { cause },
    }
}

/// The error and its sources, without repetitions.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
        next = error.source();
    }
    text
}

/// Whether the library's own timer ended the call, before the limit around it did.
pub(crate) fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    any(error, |error| error.is::<tonic::TimeoutExpired>())
}

fn has_certificate_error(error: &(dyn Error + 'static)) -> bool {
    any(error, |error| {
        let error = error.downcast_ref();
        matches!(error, Some(rustls::Error::InvalidCertificate(_)))
    })
}

/// Whether the error or one of its sources matches.
fn any(
    error: &(dyn Error + 'static),
    matches: impl Copy + Fn(&(dyn Error + 'static)) -> bool,
) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if matches(error) {
            return true;
        }
        // `source` skips the error inside an error of input and output.
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(inner) = inner {
            return any(inner, matches);
        }
        next = error.source();
    }
    false
}

/// Makes the text of a service safe for a caller and for one line of a log.
pub(crate) fn safe_text(text: &str) -> String {
    let mut safe: String = text
        .trim()
        .chars()
        .take(MAX_TEXT)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.trim().chars().nth(MAX_TEXT).is_some() {
        safe.push_str("...");
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_short_and_printable() {
        assert_eq!(safe_text(" a\nb\u{1b}[31m "), "a b [31m");
        assert_eq!(safe_text(&"x".repeat(400)).chars().count(), MAX_TEXT + 3);
    }

    #[test]
    fn a_certificate_error_is_found_inside_an_io_error() {
        let certificate = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let error = io::Error::other(io::Error::other(certificate));
        assert_eq!(connection(&error).name(), "certificate");
        assert_eq!(connection(&io::Error::other("x")).name(), "unavailable");
    }
}
