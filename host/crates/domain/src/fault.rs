//! The faults of a call: those a guest returns, and those the host detects.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One problem, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// The row of a file; the header is row 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// A dotted path, such as `lines.3.quantity`.
    pub field: String,
    /// The rule that is violated.
    pub message: String,
}

impl Problem {
    /// Creates a problem of a field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            row: None,
            field: field.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}, ")?;
        }
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// A guest's request to be called again later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// The requested delay in seconds, if the guest knows it.
    pub seconds: Option<u32>,
    /// The reason.
    pub reason: String,
}

/// The fault of a guest that cannot decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The input is invalid: another try cannot succeed.
    Invalid(Vec<Problem>),
    /// The guest cannot decide now.
    Retry(Later),
    /// The settings are wrong.
    Misconfigured(Vec<Problem>),
    /// Any other failure.
    Failed(String),
}

/// A fault that the host detects while a guest runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostFault {
    /// The guest crashed; the text is the end of its standard error and a symbolised backtrace.
    Trapped(String),
    /// More CPU time than the limit, in milliseconds.
    OutOfCpu(u64),
    /// More wall time than the ceiling, in milliseconds.
    TimedOut(u64),
    /// More memory than the limit, in bytes.
    OutOfMemory(u64),
    /// It used something that is not granted.
    Denied(String),
    /// More output than the limit, in bytes.
    OutputTooLarge(u64),
    /// More host calls than the limit.
    TooManyCalls(u64),
    /// It broke the contract in another way.
    ContractBroken(String),
    /// It does not export this extension point, or is not loaded.
    NotServed(String),
    /// The host failed to serve a call of the guest, for example of a feed or an output.
    HostFailed(String),
}

/// Why a call returned no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallFault {
    /// A fault that the guest returned.
    Guest(Fault),
    /// A fault that the host detected.
    Host(HostFault),
}

impl CallFault {
    /// The codes of all faults.
    pub const CODES: [&str; 14] = [
        "invalid",
        "retry",
        "misconfigured",
        "failed",
        "trapped",
        "out_of_cpu",
        "timed_out",
        "out_of_memory",
        "denied",
        "output_too_large",
        "too_many_calls",
        "contract_broken",
        "not_served",
        "host_failed",
    ];

    /// A stable code for metrics, journal and lists.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Guest(Fault::Invalid(_)) => "invalid",
            Self::Guest(Fault::Retry(_)) => "retry",
            Self::Guest(Fault::Misconfigured(_)) => "misconfigured",
            Self::Guest(Fault::Failed(_)) => "failed",
            Self::Host(HostFault::Trapped(_)) => "trapped",
            Self::Host(HostFault::OutOfCpu(_)) => "out_of_cpu",
            Self::Host(HostFault::TimedOut(_)) => "timed_out",
            Self::Host(HostFault::OutOfMemory(_)) => "out_of_memory",
            Self::Host(HostFault::Denied(_)) => "denied",
            Self::Host(HostFault::OutputTooLarge(_)) => "output_too_large",
            Self::Host(HostFault::TooManyCalls(_)) => "too_many_calls",
            Self::Host(HostFault::ContractBroken(_)) => "contract_broken",
            Self::Host(HostFault::NotServed(_)) => "not_served",
            Self::Host(HostFault::HostFailed(_)) => "host_failed",
        }
    }
}

impl fmt::Display for CallFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list(f: &mut fmt::Formatter<'_>, problems: &[Problem]) -> fmt::Result {
            for (index, problem) in problems.iter().enumerate() {
                let separator = if index == 0 { "" } else { "; " };
                write!(f, "{separator}{problem}")?;
            }
            Ok(())
        }
        match self {
            Self::Guest(Fault::Invalid(problems) | Fault::Misconfigured(problems)) => {
                list(f, problems)
            }
            Self::Guest(Fault::Retry(later)) => f.write_str(&later.reason),
            Self::Guest(Fault::Failed(reason)) => f.write_str(reason),
            Self::Host(HostFault::Trapped(trace)) => write!(f, "the plugin crashed: {trace}"),
            Self::Host(HostFault::OutOfCpu(ms)) => write!(f, "more than {ms} ms of CPU time"),
            Self::Host(HostFault::TimedOut(ms)) => write!(f, "no answer within {ms} ms"),
            Self::Host(HostFault::OutOfMemory(bytes)) => {
                write!(f, "more than {bytes} bytes of memory")
            }
            Self::Host(HostFault::Denied(what)) => write!(f, "denied: {what}"),
            Self::Host(HostFault::OutputTooLarge(bytes)) => {
                write!(f, "more than {bytes} bytes of output")
            }
            Self::Host(HostFault::TooManyCalls(calls)) => {
                write!(f, "more than {calls} calls of the host")
            }
            Self::Host(HostFault::ContractBroken(what)) => write!(f, "contract broken: {what}"),
            Self::Host(HostFault::NotServed(what)) => write!(f, "not served: {what}"),
            Self::Host(HostFault::HostFailed(what)) => write!(f, "the host failed: {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_listed_code() {
        let guest = [
            Fault::Invalid(Vec::new()),
            Fault::Retry(Later {
                seconds: None,
                reason: String::new(),
            }),
            Fault::Misconfigured(Vec::new()),
            Fault::Failed(String::new()),
        ];
        let host = [
            HostFault::Trapped(String::new()),
            HostFault::OutOfCpu(0),
            HostFault::TimedOut(0),
            HostFault::OutOfMemory(0),
            HostFault::Denied(String::new()),
            HostFault::OutputTooLarge(0),
            HostFault::TooManyCalls(0),
            HostFault::ContractBroken(String::new()),
            HostFault::NotServed(String::new()),
            HostFault::HostFailed(String::new()),
        ];
        let faults = guest.map(CallFault::Guest).into_iter();
        let faults = faults.chain(host.map(CallFault::Host));
        let codes: Vec<_> = faults.map(|fault| fault.code()).collect();
        assert_eq!(codes, CallFault::CODES);
    }
}
