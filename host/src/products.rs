//! `galleria products`: a file of products imported, and what is there shown.

use crate::cli::{ProductsAsk, ProductsCommand, ProductsImport};
use crate::{host, import, logs, show};
use anyhow::Context as _;
use galleria_app::App;
use galleria_app::products::{Format, ImportAsk, Imported, Missing, ProductAsk};
use galleria_config::Config;
use galleria_ports::Error;
use indicatif::ProgressBar;
use std::process::ExitCode;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often left-overs are looked for. Nobody sees them; they only take room.
const SWEPT_EVERY: Duration = Duration::from_secs(60);

/// Does what is asked.
pub async fn run(config: Config, command: ProductsCommand) -> anyhow::Result<ExitCode> {
    let retailer = match &command {
        ProductsCommand::Import(ask) => &ask.retailer,
        ProductsCommand::List(ask) => &ask.retailer,
    };
    let known: Vec<_> = config
        .retailers
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    anyhow::ensure!(
        known.contains(&retailer.as_str()),
        "there is no retailer {retailer}: one of {}",
        known.join(", ")
    );
    logs::start(galleria_config::Log {
        level: galleria_config::LogLevel::Warn,
        ..config.host.log
    });
    // Products need no plugin.
    let generation = match host::load(&config.host, Vec::new())? {
        Ok(generation) => generation,
        Err(errors) => {
            show::config_errors(&errors);
            return Ok(ExitCode::FAILURE);
        }
    };
    let host = host::build(&config, generation).await?;
    let done = match command {
        ProductsCommand::Import(ask) => import(&host.app, ask).await,
        ProductsCommand::List(ask) => list(&host.app, ask).await,
    };
    host.db.close().await.context("closing the database")?;
    done
}

async fn import(app: &App, asked: ProductsImport) -> anyhow::Result<ExitCode> {
    let file = std::fs::File::open(&asked.file)
        .with_context(|| format!("opening {}", asked.file.display()))?;
    let lines = asked.file.extension().is_some_and(|end| {
        ["jsonl", "ndjson"]
            .iter()
            .any(|known| end.eq_ignore_ascii_case(known))
    });
    let ask = ImportAsk {
        retailer: asked.retailer,
        format: if lines {
            Format::JsonLines
        } else {
            Format::Csv
        },
        decimal_comma: asked.decimal_comma,
        dry_run: asked.dry_run,
        missing: match asked.missing {
            crate::cli::MissingProducts::Keep => Missing::Keep,
            crate::cli::MissingProducts::Deactivate => Missing::Deactivate,
        },
    };
    let bar = ProgressBar::new_spinner();
    let watch = import::watch(&bar)?;
    let imported = app.products_import(ask, Box::new(file), None, watch).await;
    bar.finish_and_clear();
    import::told(imported, |body| Ok(counted(&serde_json::from_str(body)?)))
}

fn counted(imported: &Imported) -> String {
    let Imported {
        dry_run,
        rows,
        added,
        changed,
        unchanged,
        deactivated,
        store_prices: own,
    } = imported;
    let mut text = format!(
        "{rows} rows: {added} products added, {changed} changed, {unchanged} unchanged, \
         {deactivated} no longer sold"
    );
    if own.added + own.changed + own.unchanged + own.removed > 0 {
        text.push_str(&format!(
            "\nprices of stores: {} added, {} changed, {} unchanged, {} taken away",
            own.added, own.changed, own.unchanged, own.removed
        ));
    }
    if *dry_run {
        text.push_str("\nthis was a dry run: nothing was imported");
    }
    text
}

async fn list(app: &App, asked: ProductsAsk) -> anyhow::Result<ExitCode> {
    let mut table = show::table(["sku", "name", "category", "price", "sold", "changed"]);
    let mut ask = ProductAsk {
        retailer: asked.retailer,
        store: asked.store,
        changed_since: asked.changed_since,
        after: asked.after,
        limit: asked.limit,
    };
    let mut next = None;
    while ask.limit > 0 {
        let page = match app.products(ask.clone()).await {
            // A retailer without stores and, here, without plugins: it has no products either.
            Err(Error::NotFound {
                what: "retailer", ..
            }) => break,
            page => page?,
        };
        for view in &page.products {
            let price = view.price.as_ref();
            let price = price.map(|price| {
                let amount = price
                    .amount
                    .exact()
                    .map_or_else(String::new, |d| d.to_string());
                format!("{amount} {}", price.currency)
            });
            table.add_row([
                view.sku.as_str(),
                &view.name,
                &view.category,
                &price.unwrap_or_else(|| "-".to_owned()),
                if view.active { "yes" } else { "no" },
                &view.changed_at.to_string(),
            ]);
        }
        ask.limit -= u32::try_from(page.products.len())
            .unwrap_or(ask.limit)
            .min(ask.limit);
        next.clone_from(&page.next);
        match page.next {
            Some(after) => ask.after = after,
            None => break,
        }
    }
    show::line(&table.to_string());
    if let Some(after) = next {
        show::line(&format!("there is more: --after {after}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes away what imports left that broke off, for as long as the host serves.
pub async fn sweep(app: App, stop: CancellationToken) {
    loop {
        match app.products_sweep().await {
            Ok(0) => {}
            Ok(left) => tracing::info!(left, "imports of products that broke off were cleared up"),
            Err(error) => tracing::warn!(error = error.chain(), "clearing up after imports"),
        }
        tokio::select! {
            () = app.clock().sleep(SWEPT_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
