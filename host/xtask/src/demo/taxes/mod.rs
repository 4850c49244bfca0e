//! Taxes of two stores of one retailer, on different routes.
//!
//! A second host is the tax service of the platform. The sales of one store are evaluated by its own host, with the
//! service as shadow; those of the other store are evaluated by the service. Both must have the taxes of the ledger.
//! The service has another rate for one code of the first store, and the shadow must find exactly its sales.

mod baskets;

use super::retailer::Retailer;
use crate::client::{Client, QueryResponse};
use crate::host::{Host, Settings};
use crate::samples::put_stores;
use crate::show;
use anyhow::{Context, Result, bail, ensure};
use baskets::{Rate, StoreDay, Sums};
use galleria_domain::tax::{DifferenceTable, TaxDifferenceRow, TaxResponse, TaxRoute};
use galleria_simulator::ledger::Ledger;
use reqwest::Method;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The shadow evaluates a basket within milliseconds.
const SHADOW_WITHIN: Duration = Duration::from_secs(60);

/// The routes of the two stores.
const ROUTES: [TaxRoute; 2] = [TaxRoute::Embedded, TaxRoute::Grpc];

/// The difference of the other rate, in per cent.
const OTHER_RATE: Decimal = Decimal::ONE;

/// The host of the stores and the tax service that it calls.
pub struct Hosts {
    pub host: Host,
    pub service: Host,
    /// The settings of the host, for commands.
    settings: Settings,
}

/// What was evaluated.
pub struct Evaluated {
    /// The number of sales.
    pub sales: usize,
    /// The store with a shadow.
    pub store: String,
}

/// The output of `galleria tax compare --json`.
#[derive(Deserialize)]
struct Comparison {
    routes: Vec<Value>,
    differences: DifferenceTable,
}

impl Hosts {
    /// Starts both. The tax service has no retailers and serves callers without credentials.
    pub async fn start(folder: &Path, mut settings: Settings) -> Result<Self> {
        let own = folder.join("tax-service");
        let mut service = settings.clone();
        for (key, name) in [("data", "data"), ("retailers", "none"), ("plugins", "none")] {
            fs::create_dir_all(own.join(name))?;
            service.set(key, own.join(name).display());
        }
        service.set("tax.server.grpc_listen", "127.0.0.1:0");
        service.set("tax.server.identity.name", "demo");
        service.set("tax.server.identity.retailers", r#"["*"]"#);
        let service = Host::start(&own, &service).await?;
        let file = own.join("data/tax.server.grpc.addr");
        let address = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        settings.set("tax.grpc.address", format!("http://{}", address.trim()));
        Ok(Self {
            host: Host::start(folder, &settings).await?,
            service,
            settings,
        })
    }

    /// Stops both.
    pub fn stop(self) -> Result<()> {
        self.host.stop()?;
        self.service.stop()
    }
}

/// Evaluates the sales of two stores, and shows the taxes by route and the differences of the shadow. Returns nothing
/// if no retailer has two stores with taxes.
pub async fn evaluate(
    hosts: &Hosts,
    retailers: &[Retailer],
    ledger: &Ledger<'_>,
) -> Result<Option<Evaluated>> {
    let Some((days, other)) = select(retailers, ledger)? else {
        show::line("    no retailer has two stores with taxes");
        return Ok(None);
    };
    let [first, second] = &days;
    let sales = first.baskets.len() + second.baskets.len();
    show::step(&format!(
        "evaluating the taxes of {sales} sales: {} by its host, {} by a tax service over gRPC",
        first.store.id, second.store.id
    ));
    let (client, service) = (hosts.host.client()?, hosts.service.client()?);
    put_stores(&service, [first.store, second.store]).await?;
    for day in &days {
        import(&client, day, None).await?;
    }
    import(&service, first, Some(&other)).await?;
    import(&service, second, None).await?;
    let shadow = json!({"route": ROUTES[0], "shadow": ROUTES[1]});
    route(&client, first, shadow).await?;
    route(&client, second, json!({"route": ROUTES[1]})).await?;
    let mut rows = Vec::new();
    for (day, route) in days.iter().zip(ROUTES) {
        let sums = sums(&client, day, route).await?;
        rows.extend(sums.into_iter().map(|(rate, sum)| {
            vec![
                day.store.id.clone(),
                route.name().to_owned(),
                rate.code,
                format!("{} %", rate.percent),
                sum.baskets.to_string(),
                sum.net.to_string(),
                sum.tax.to_string(),
                (sum.net + sum.tax).to_string(),
                day.store.currency.clone(),
            ]
        }));
    }
    let header = [
        "Store", "Route", "Code", "Rate", "Sales", "Net", "Tax", "Gross", "Currency",
    ];
    show::table(&header, &rows, 3..8);
    differences(hosts, &client, first, &other).await?;
    Ok(Some(Evaluated {
        sales,
        store: first.store.id.clone(),
    }))
}

/// Selects two stores of the retailer with the most tax rates, and another rate for a code of the first one.
fn select<'a>(
    retailers: &'a [Retailer],
    ledger: &Ledger<'_>,
) -> Result<Option<([StoreDay<'a>; 2], Rate)>> {
    let mut selected = None;
    let mut most = 0;
    for retailer in retailers {
        let [first, second, ..] = &retailer.stores[..] else {
            continue;
        };
        let days = [
            StoreDay::new(first, ledger)?,
            StoreDay::new(second, ledger)?,
        ];
        let rates = days[0].rates()?;
        let lowest = rates.iter().find(|rate| rate.percent > Decimal::ZERO);
        if let Some(rate) = lowest
            && rates.len() > most
            && !days[1].baskets.is_empty()
        {
            most = rates.len();
            let other = Rate {
                percent: rate.percent + OTHER_RATE,
                code: rate.code.clone(),
            };
            selected = Some((days, other));
        }
    }
    Ok(selected)
}

/// Imports the tax table of a store, with another rate for one code.
async fn import(client: &Client, day: &StoreDay<'_>, other: Option<&Rate>) -> Result<()> {
    let path = format!("/v1/stores/{}/tax-table", day.store.id);
    let key = format!("tax-table:{}", day.store.id);
    let table = day.table(other)?;
    client.upload(&path, &key, "text/csv", table).await?;
    Ok(())
}

async fn route(client: &Client, day: &StoreDay<'_>, settings: Value) -> Result<()> {
    let path = format!("/v1/stores/{}/tax-settings", day.store.id);
    let key = format!("tax-settings:{}", day.store.id);
    client.write(Method::PUT, &path, &key, &settings).await?;
    Ok(())
}

/// Evaluates the sales of a store, and checks route and taxes of each.
async fn sums(client: &Client, day: &StoreDay<'_>, route: TaxRoute) -> Result<Sums> {
    let mut all = Sums::new();
    for basket in &day.baskets {
        let request = json!(basket.request);
        let response = match client.query("/v1/taxes/evaluate", &request).await? {
            QueryResponse::Accepted(response) => response,
            QueryResponse::Rejected(problem) => bail!("taxes of {request}: {problem}"),
        };
        ensure!(
            response["route"] == json!(route) && response["fallback"] == false,
            "taxes of {request}: expected the route {}, got {response}",
            route.name()
        );
        let taxes: TaxResponse = serde_json::from_value(response)?;
        let actual = baskets::sums(&baskets::taxes(&taxes));
        let expected = baskets::sums(&basket.taxes);
        ensure!(
            actual == expected,
            "taxes of {request} by {}: got {actual:?}, expected {expected:?}",
            route.name()
        );
        for (rate, sum) in actual {
            let total = all.entry(rate).or_default();
            total.baskets += sum.baskets;
            total.net += sum.net;
            total.tax += sum.tax;
        }
    }
    Ok(all)
}

/// Waits for the shadow. Shows and checks its differences.
async fn differences(
    hosts: &Hosts,
    client: &Client,
    day: &StoreDay<'_>,
    other: &Rate,
) -> Result<()> {
    let store = &day.store.id;
    show::step(&format!(
        "comparing {store} with its shadow: the tax service has {} % for {}",
        other.percent, other.code
    ));
    let sales = day.baskets.len();
    let path = format!("/v1/stores/{store}/tax-comparisons?limit=1");
    let begun = Instant::now();
    loop {
        let page = client.get(&path).await?;
        let compared = &page["summary"]["routes"][0]["compared"];
        if *compared == json!(sales) {
            break;
        }
        ensure!(
            begun.elapsed() < SHADOW_WITHIN,
            "the shadow compared {compared} of {sales} sales"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let compare = ["tax", "compare", "--store", store];
    show::line(&format!("    galleria {}", compare.join(" ")));
    show::line(hosts.settings.run(&compare)?.trim_end());
    let json = hosts.settings.run(&[&compare[..], &["--json"]].concat())?;
    check(day, other, serde_json::from_str(&json)?)
}

/// Checks that exactly the sales with the code differ, by exactly the other rate.
fn check(day: &StoreDay<'_>, other: &Rate, comparison: Comparison) -> Result<()> {
    let expected = day.difference(other);
    let sales = day.baskets.len() as u64;
    let counts = json!([{
        "route": ROUTES[0], "shadow": ROUTES[1], "compared": sales, "equal": sales - expected.baskets,
        "different": expected.baskets, "failed": 0, "dropped": 0,
    }]);
    ensure!(
        json!(comparison.routes) == counts,
        "counts of the shadow: got {}, expected {counts}",
        json!(comparison.routes)
    );
    let row = |row: &TaxDifferenceRow| {
        let rates = (row.tax_code.clone(), row.route_percent, row.shadow_percent);
        let amounts = (row.route_amount, row.shadow_amount, row.difference);
        (rates, amounts, row.baskets, row.items)
    };
    let actual: Vec<_> = comparison.differences.taxes.iter().map(row).collect();
    let amounts = (expected.route_amount, expected.shadow_amount);
    let expected = vec![(
        (
            other.code.clone(),
            Some(other.percent - OTHER_RATE),
            Some(other.percent),
        ),
        (amounts.0, amounts.1, amounts.1 - amounts.0),
        expected.baskets,
        expected.items,
    )];
    ensure!(
        actual == expected,
        "differences of the shadow: got {actual:?}, expected {expected:?}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::baskets::{Basket, LineTax};
    use super::*;
    use galleria_domain::Store;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    fn basket(lines: &[(&str, &str, &str, &str)]) -> Basket {
        let request = json!({"store_data": {"store_id": "s"}, "items": []});
        let tax = |(percent, code, net, tax): &(&str, &str, &str, &str)| LineTax {
            rate: Rate {
                percent: decimal(percent),
                code: (*code).to_owned(),
            },
            net: decimal(net),
            tax: decimal(tax),
        };
        Basket {
            request: serde_json::from_value(request).expect("a request"),
            taxes: lines.iter().map(tax).collect(),
        }
    }

    /// Three sales; two of them have the code whose rate is 10 on the route and 11 on the shadow.
    fn checked(edit: impl Fn(&mut Value)) -> Result<()> {
        let store: Store = serde_json::from_value(json!({
            "id": "s", "external_id": "1", "retailer": "r", "store_type": "kiosk", "country": "ES", "currency": "EUR",
            "minor_digits": 2, "zone": "Europe/Madrid",
        }))?;
        let ledger = Ledger::new(vec![], &[])?;
        let mut day = StoreDay::new(&store, &ledger)?;
        day.baskets = vec![
            basket(&[
                ("10", "RED", "1.00", "0.10"),
                ("10", "RED", "10.00", "1.00"),
            ]),
            basket(&[("21", "STD", "10.00", "2.10")]),
            basket(&[
                ("10", "RED", "-5.00", "-0.50"),
                ("21", "STD", "1.00", "0.21"),
            ]),
        ];
        let other = Rate {
            percent: decimal("11"),
            code: "RED".into(),
        };
        // The taxes in prices of 1.10, 11.00 and -5.50 at 11 per cent.
        let mut found = json!({
            "routes": [{
                "route": "embedded", "shadow": "grpc", "compared": 3, "equal": 1, "different": 2, "failed": 0,
                "dropped": 0,
            }],
            "differences": {
                "baskets": 2,
                "taxes": [{
                    "tax_code": "RED", "route_percent": "10.0", "shadow_percent": "11", "route_amount": "0.60",
                    "shadow_amount": "0.65", "difference": "0.05", "baskets": 2, "items": 3, "examples": [],
                }],
                "amounts": [], "rejected": [], "failed": [],
            },
        });
        edit(&mut found);
        check(&day, &other, serde_json::from_value(found)?)
    }

    #[test]
    fn the_shadow_must_find_exactly_the_sales_with_the_other_rate() {
        checked(|_| {}).expect("all differences");
        for (place, wrong) in [
            ("/routes/0/compared", json!(2)),
            ("/routes/0/equal", json!(2)),
            ("/routes/0/failed", json!(1)),
            ("/routes/0/dropped", json!(1)),
            ("/routes/0/shadow", json!("http")),
            ("/differences/taxes/0/tax_code", json!("STD")),
            ("/differences/taxes/0/shadow_percent", json!("12")),
            ("/differences/taxes/0/shadow_amount", json!("0.66")),
            ("/differences/taxes/0/baskets", json!(1)),
            ("/differences/taxes/0/items", json!(2)),
        ] {
            let error = checked(|found| *found.pointer_mut(place).expect(place) = wrong.clone());
            let error = error.expect_err(place).to_string();
            assert!(error.contains("of the shadow: got"), "{place}: {error}");
        }
        let error = checked(|found| {
            let rows = found["differences"]["taxes"].as_array_mut().expect("rows");
            let mut second = rows[0].clone();
            second["tax_code"] = json!("STD");
            rows.push(second);
        });
        error.expect_err("another code differs, too");
    }
}
