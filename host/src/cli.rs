//! The command line.

use crate::host::ConfigArgs;
use crate::roles::Role;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Run a host for many retailers, whose differences are in plugins
#[derive(Debug, Parser)]
#[command(name = "galleria", version, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgs,

    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  galleria check                                 check configuration, plugins and grants
  galleria serve --set data=/var/lib/galleria    serve until Ctrl-C, then drain
  galleria serve --set http.listen=127.0.0.1:0   use a free port; data/http.addr contains it
  galleria serve --role consumer,deliver         run two roles; other processes run the rest
  galleria plugin inspect target/plugins/my-plugin/my_plugin.wasm
  galleria report run --retailer my-retailer --plugin daily-sales --from 2026-11-20
  galleria statement read payout.csv --plugin adyen-settlement
  galleria stores import stores.csv --dry-run    check a file of stores
  galleria status                                show the status and where to look next
  galleria retailer reload my-retailer --reason 'new settings'
  galleria runs list --state dead                list failed runs with their faults
  galleria dead-letters list --plugin poslog     list events that failed for good
  galleria parked list                           list events that wait
  galleria documents list --state blocked        list documents whose name is taken
  galleria receipts list --store madrid-1        list queued receipts
  galleria fiscal list --state conflict          list records with two different marks
  galleria timeline 8836-1                       show what happened to a payment
  galleria tax evaluate --basket basket.json     evaluate the taxes of a basket
  galleria tax import rates.csv --store madrid-1 --dry-run
  galleria tax compare --store madrid-1          show what the shadow of a store found
  galleria key create --name till-7 --scope till --store madrid-1

conf/host.toml documents every key for --set. The environment sets keys, too: GALLERIA_HTTP__LISTEN
is http.listen.";

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until Ctrl-C or SIGTERM, then finish requests and events in progress
    Serve(ServeArgs),
    /// Migrate the database to this version's schema
    #[command(after_help = "\
Examples:
  galleria migrate
  galleria migrate --set database.url=sqlite:///var/lib/galleria/galleria.db")]
    Migrate,
    /// Check configuration, plugins, grants and settings, and report all errors
    #[command(after_help = "\
Examples:
  galleria check
  galleria check --conf /etc/galleria/host.toml")]
    Check,
    /// Show the status of events, documents and runs
    Status(crate::status::StatusArgs),
    /// Import and list products
    Products {
        /// The command.
        #[command(subcommand)]
        command: crate::products::Command,
    },
    /// Import and list stores
    Stores {
        /// The command.
        #[command(subcommand)]
        command: crate::stores::Command,
    },
    /// List retailers, and load one again without a restart
    Retailer {
        /// The command.
        #[command(subcommand)]
        command: crate::reload::Command,
    },
    /// Inspect and list plugins
    Plugin {
        /// The command.
        #[command(subcommand)]
        command: PluginCommand,
    },
    /// Run a report, a settlement file or a catalogue
    Report {
        /// The command.
        #[command(subcommand)]
        command: crate::report::Command,
    },
    /// Import statements of payment providers, list them, and settle lines manually
    Statement {
        /// The command.
        #[command(subcommand)]
        command: crate::statement::Command,
    },
    /// Compile the component of the standard input within limits
    #[command(hide = true)]
    CompileComponent {
        /// Process id of the host and limits, as JSON
        request: String,
    },
    /// Manage API keys: create, list, revoke
    Key {
        /// The command.
        #[command(subcommand)]
        command: crate::key::Command,
    },
    /// Manage dead letters: list, show, replay, discard
    DeadLetters {
        /// The command.
        #[command(subcommand)]
        command: crate::dead_letters::Command,
    },
    /// List parked events, and retry one at once
    Parked {
        /// The command.
        #[command(subcommand)]
        command: crate::parked::Command,
    },
    /// List documents, show one, get its content
    Documents {
        /// The command.
        #[command(subcommand)]
        command: crate::documents::Command,
    },
    /// List and show receipts that plugins queued
    Receipts {
        /// The command.
        #[command(subcommand)]
        command: crate::queued::Receipts,
    },
    /// List and show requests to targets that plugins queued
    Requests {
        /// The command.
        #[command(subcommand)]
        command: crate::queued::Requests,
    },
    /// List fiscal records of sales and refunds, and show their marks
    Fiscal {
        /// The command.
        #[command(subcommand)]
        command: crate::fiscal::Command,
    },
    /// Evaluate taxes, manage tax tables and tax services, compare the routes of stores and move stores
    Tax {
        /// The command.
        #[command(subcommand)]
        command: crate::tax::Command,
    },
    /// List the recorded operations of operators
    Operations {
        /// The command.
        #[command(subcommand)]
        command: crate::operations::Command,
    },
    /// Show everything that is known about an id, in order of time
    Timeline(crate::timeline::TimelineArgs),
    /// List runs, replay one, cancel one
    Runs {
        /// The command.
        #[command(subcommand)]
        command: crate::runs::Command,
    },
}

/// Arguments of `galleria serve`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria serve                                 run all roles in one process
  galleria serve --role api                      serve requests; other processes run the rest
  galleria serve --role consumer,deliver --set http.listen=127.0.0.1:8081
  galleria serve --role consumer:PAYMENT_GROUP   consume the events of one group
  galleria serve --strict                        refuse to start with a broken retailer, as for CI

Roles:
  api        serve the HTTP API
  consumer   consume the events of all groups, or of one. Of several processes on one database, one
             reads a group at a time; if it ends, another one takes over
  relay      publish the log to the broker at kafka.bootstrap
  deliver    deliver documents to their directories; pick up statements and match them
  schedule   plan schedules, execute runs, remove the remains of crashed imports and old records of
             taxes

Processes that share the work need the same database, directories and folder of statements. Each of
them serves /healthz, /readyz and /metrics at http.listen.")]
pub struct ServeArgs {
    /// Run this role, or several separated by commas; may be repeated [default: all]
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',')]
    pub roles: Vec<Role>,
    /// Refuse to start if a retailer cannot be loaded; by default it is out of service and all others serve
    #[arg(long)]
    pub strict: bool,
}

/// Commands of `galleria plugin`.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Show the version, exports and imports of a component
    #[command(after_help = "\
Examples:
  galleria plugin inspect target/plugins/my-plugin/my_plugin.wasm")]
    Inspect {
        /// Component file, such as target/plugins/my-plugin/my_plugin.wasm
        file: PathBuf,
    },
    /// List the configured plugins with their exports, grants and latest faults
    List(crate::plugins::List),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Calls `check` with every command that help lists and that has no subcommands, and its full name.
    fn each_command(command: &clap::Command, name: &str, check: &dyn Fn(&clap::Command, &str)) {
        let subcommands = command.get_subcommands();
        let listed = |one: &&clap::Command| one.get_name() != "help" && !one.is_hide_set();
        let subcommands: Vec<_> = subcommands.filter(listed).collect();
        if subcommands.is_empty() {
            check(command, name);
        }
        for subcommand in subcommands {
            each_command(
                subcommand,
                &format!("{name} {}", subcommand.get_name()),
                check,
            );
        }
    }

    #[test]
    fn help_texts_start_with_a_capital_and_end_without_a_full_stop() {
        each_command(&Cli::command(), "galleria", &|command, name| {
            let about = command.get_about().expect(name).to_string();
            let arguments = command.get_arguments().filter_map(|one| one.get_help());
            for text in arguments.map(ToString::to_string).chain([about]) {
                assert!(
                    text.starts_with(|first: char| first.is_ascii_uppercase()),
                    "{name}: {text}"
                );
                assert!(!text.ends_with('.'), "{name}: {text}");
            }
        });
    }

    #[test]
    fn help_texts_fit_the_width_of_help() {
        // Clap wraps at 100 columns if it does not know the width of the terminal. An example stays on its line.
        let check = |help: &str, name: &str| {
            for line in help.lines() {
                let fits = line.chars().count() <= 100;
                assert!(fits || line.starts_with("  galleria"), "{name}: {line}");
            }
        };
        check(EXAMPLES, "galleria");
        each_command(&Cli::command(), "galleria", &|command, name| {
            let help = command.get_after_help().map(ToString::to_string);
            check(&help.unwrap_or_default(), name);
        });
    }

    /// The arguments of an example: without its explanation, a pipe or a redirection.
    fn arguments(example: &str) -> Vec<String> {
        let ends = ["  ", " | ", " > "];
        let end = ends.iter().filter_map(|end| example.find(end)).min();
        let mut arguments = vec![String::new()];
        let mut quoted = false;
        for c in example[..end.unwrap_or(example.len())].chars() {
            match (c, quoted) {
                ('\'', _) => quoted = !quoted,
                (' ', false) => arguments.push(String::new()),
                (c, _) => arguments.last_mut().expect("one").push(c),
            }
        }
        arguments
    }

    fn parses(example: &str) {
        if let Err(error) = Cli::try_parse_from(arguments(example)) {
            panic!("{example}: {error}");
        }
    }

    #[test]
    fn every_command_has_examples_that_parse() {
        each_command(&Cli::command(), "galleria", &|command, name| {
            let help = command.get_after_help().map(ToString::to_string);
            // A backslash continues an example on the next line.
            let help = help.unwrap_or_default().replace(" \\\n    ", " ");
            let examples = help.lines().filter_map(|line| line.strip_prefix("  "));
            let examples: Vec<_> = examples
                .filter(|line| line.starts_with("galleria"))
                .collect();
            assert!(
                examples.iter().any(|example| example.starts_with(name)),
                "{name} has no example"
            );
            for example in examples {
                parses(example);
            }
        });
        for example in EXAMPLES.lines().filter_map(|line| line.strip_prefix("  ")) {
            parses(example);
        }
    }
}
