//! What is printed for people at the command line.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the one module that prints"
)]

use galleria_domain::plugin::Mistake;

/// A line of output.
pub fn line(text: &str) {
    println!("{text}");
}

/// Why a command failed, with its whole chain.
pub fn error(error: &anyhow::Error) {
    eprintln!("galleria: {error:#}");
}

/// All mistakes together, each with file, key and what would be right.
pub fn mistakes(mistakes: &[Mistake]) {
    for mistake in mistakes {
        eprintln!("{mistake}");
    }
    let count = mistakes.len();
    eprintln!(
        "{count} mistake{}: nothing was started",
        if count == 1 { "" } else { "s" }
    );
}
