//! What something was caused by: a request, and its trace in the words of W3C Trace Context.
//!
//! Owns: the text of `traceparent`, the same in a header, in a row and in a message. Never knows who
//! collects traces, or whether anybody does.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What some work comes from, handed on from a request to everything that is written because of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Where it hangs in a trace.
    pub trace: Option<Trace>,
    /// The request's id, as its caller gave it or the host made it.
    pub request: Option<Arc<str>>,
}

/// A place in a trace: what is caused from here is its child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The whole trace; never zero.
    pub id: u128,
    /// The span that causes what comes; never zero.
    pub span: u64,
    /// Bit 0: somebody collects it.
    pub flags: u8,
}

/// A text that is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTrace;

impl fmt::Display for NoTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no traceparent: 00-<32 hex>-<16 hex>-<2 hex> is one")
    }
}

impl std::error::Error for NoTrace {}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, span, flags } = self;
        write!(f, "00-{id:032x}-{span:016x}-{flags:02x}")
    }
}

impl FromStr for Trace {
    type Err = NoTrace;

    /// Later versions than 00 may have more behind it.
    fn from_str(text: &str) -> Result<Self, NoTrace> {
        let mut parts = text.split('-');
        let mut hex = |digits: usize| {
            let part = parts.next().ok_or(NoTrace)?;
            let good = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            if part.len() == digits && part.bytes().all(good) {
                u128::from_str_radix(part, 16).map_err(|_| NoTrace)
            } else {
                Err(NoTrace)
            }
        };
        let (version, id, span, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        let known = version != 0xff && (version != 0 || parts.next().is_none());
        if !known || id == 0 || span == 0 {
            return Err(NoTrace);
        }
        Ok(Self {
            id,
            span: u64::try_from(span).map_err(|_| NoTrace)?,
            flags: u8::try_from(flags).map_err(|_| NoTrace)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_only_where_it_is_whole() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let good = format!("00-{trace}-00f067aa0ba902b7-01");
        let read: Trace = good.parse().expect("whole");
        assert_eq!(read.to_string(), good);
        assert_eq!(format!("01{}-more", &good[2..]).parse(), Ok(read));
        let zero = "0".repeat(32);
        for bad in [
            String::new(),
            good.to_uppercase(),
            good.replace(trace, &zero),
            format!("{good}-more"),
            format!("ff{}", &good[2..]),
            good.replace("00f067aa0ba902b7", "00f067aa0ba902b"),
            good.replace("00f067aa0ba902b7", "+0f067aa0ba902b7"),
        ] {
            assert_eq!(bad.parse::<Trace>(), Err(NoTrace), "{bad}");
        }
    }
}
