//! What the commands of an operator's desk have in common: the house without plugins, opened and closed
//! around one piece of work, and who does it.

use crate::{house, logs, show};
use anyhow::Context as _;
use clap::Args;
use galleria_app::handling::Acting;
use galleria_app::{App, Key};
use galleria_config::Config;
use galleria_domain::Digest;
use std::process::ExitCode;

/// Who acts, and why, which has to be said: kept with what was done.
#[derive(Args, Clone, Debug)]
pub struct Signed {
    /// Who acts.
    #[arg(
        long,
        env = "USER",
        default_value = "command line",
        hide_env_values = true
    )]
    pub by: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
}

impl From<crate::key::Signed> for Acting {
    fn from(signed: crate::key::Signed) -> Self {
        Self {
            operator: signed.by,
            reason: signed.reason,
        }
    }
}

impl From<Signed> for Acting {
    fn from(signed: Signed) -> Self {
        Self {
            operator: signed.by,
            reason: signed.reason,
        }
    }
}

/// Does `work` on the database itself, whether a host serves or not. No plugin is called, so none is
/// loaded.
pub async fn at<W>(config: &Config, work: W) -> anyhow::Result<ExitCode>
where
    W: AsyncFnOnce(&App) -> anyhow::Result<()>,
{
    logs::start(galleria_config::Log {
        level: galleria_config::LogLevel::Warn,
        ..config.host.log
    });
    let generation = match house::load(&config.host, Vec::new())? {
        Ok(generation) => generation,
        Err(mistakes) => {
            show::mistakes(&mistakes);
            return Ok(ExitCode::FAILURE);
        }
    };
    let house = house::build(config, generation).await?;
    let done = work(&house.app).await;
    house.db.close().await.context("closing the database")?;
    done.map(|()| ExitCode::SUCCESS)
}

/// Each command is a request of its own.
pub fn key(word: &str, id: &str) -> Key {
    let key = format!("command-{}", uuid::Uuid::new_v4());
    let request = Digest::of(format!("{word} {id} {key}").as_bytes());
    Key { key, request }
}

/// Text of others for one line of a terminal: without what would move its cursor or change its colours.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The first words of a fault.
pub fn short(detail: &str) -> String {
    const MOST: usize = 60;
    let plain = plain(detail);
    match plain.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &plain[..end]),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{9b}d\u{e9}"), "a [31mb c d\u{e9}");
    }

    #[test]
    fn a_long_fault_is_cut_between_letters() {
        assert_eq!(short("out of paper\n"), "out of paper ");
        let long = "\u{e9}".repeat(61);
        assert_eq!(short(&long), format!("{}...", "\u{e9}".repeat(60)));
    }
}
