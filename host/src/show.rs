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

/// Something that went wrong, in words or as a table.
pub fn trouble(text: &str) {
    eprintln!("{text}");
}

/// A table with these titles.
pub fn table<const N: usize>(titles: [&str; N]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::UTF8_FULL_CONDENSED)
        .set_header(titles);
    table
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
