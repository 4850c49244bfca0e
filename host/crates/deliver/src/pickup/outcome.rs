//! Whether another try at importing a file can succeed.

use galleria_app::settlement::Imported;
use galleria_ports::Error;

/// The outcome of importing a file.
pub(super) enum Outcome {
    /// It is a statement, which was imported now or before.
    Imported(Box<Imported>),
    /// It would be rejected every time, for this reason.
    Rejected(String),
}

/// Returns the reason if the same file would be rejected every time, and the error if another try may succeed.
pub(super) fn rejection(error: Error) -> Result<String, Error> {
    let temporary = [
        "retry",
        "misconfigured",
        "failed",
        "denied",
        "not_served",
        "host_failed",
    ];
    match error {
        Error::Invalid(problems) => {
            let lines: Vec<String> = problems.iter().map(|p| format!("{p}\n")).collect();
            Ok(lines.concat())
        }
        Error::Conflict {
            code: "payout_exists",
            message,
        } => Ok(format!("{message}\n")),
        Error::Plugin(fault) if !temporary.contains(&fault.code()) => Ok(format!(
            "the plugin could not read the file: {}: {fault}\n",
            fault.code()
        )),
        error => Err(error),
    }
}
