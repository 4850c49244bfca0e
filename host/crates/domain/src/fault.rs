//! How a call fails: what the guest says, and what the host finds.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// The row of a file, from 1 with the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// A dotted path, such as `lines.3.quantity`.
    pub field: String,
    /// What is wrong or what would be right.
    pub message: String,
}

impl Problem {
    /// A problem of a field.
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

/// A wish to be asked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// When, if the guest knows.
    pub seconds: Option<u32>,
    /// Why.
    pub reason: String,
}

/// What a guest answers when it cannot decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Can never work.
    Invalid(Vec<Problem>),
    /// Not now.
    Retry(Later),
    /// The settings are wrong.
    Misconfigured(Vec<Problem>),
    /// Anything else.
    Failed(String),
}

/// What the host finds when a guest does not answer properly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostFault {
    /// The guest crashed; the text is a symbolised backtrace.
    Trapped(String),
    /// More CPU time than the limit, in milliseconds.
    OutOfCpu(u64),
    /// More wall time than the ceiling, in milliseconds.
    TimedOut(u64),
    /// More memory than the limit, in bytes.
    OutOfMemory(u64),
    /// It asked for something beyond its grant.
    Denied(String),
    /// More output than the limit, in bytes.
    OutputTooLarge(u64),
    /// More host calls than the limit.
    TooManyCalls(u64),
    /// It broke the contract otherwise.
    ContractBroken(String),
    /// It does not serve this extension point, or is not loaded.
    NotServed(String),
    /// The host could not serve a call of the guest: a feed or an output failed. Not the guest's fault.
    HostFailed(String),
}

/// Why a call brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallFault {
    /// The guest said so.
    Guest(Fault),
    /// The host found it.
    Host(HostFault),
}

impl CallFault {
    /// One stable word for metrics, journal and lists.
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
                let mark = if index == 0 { "" } else { "; " };
                write!(f, "{mark}{problem}")?;
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
