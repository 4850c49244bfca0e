//! Writes Flying Tiger's settlement file: the payouts of each statement by store and business date, as
//! CSV in `reconciliation`.
//!
//! Every line of a statement is counted in exactly one row, whatever its outcome, so the rows of a
//! statement add up to its total to the minor unit. The plugin keeps the sums of one row and one
//! statement in memory, for any number of lines. The host matches the lines.
#![warn(missing_docs)]

mod columns;
mod settings;
mod sums;

pub use columns::{Column, Titled};
use galleria_sdk::csv;
use galleria_sdk::money;
use galleria_sdk::prelude::*;
pub use settings::Settings;
use sums::Sums;

const DIRECTORY: &str = "reconciliation";

/// The plugin.
pub struct FlyingTigerSettlement;

impl Plugin for FlyingTigerSettlement {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        settings.problems()
    }

    fn check_schedules(settings: &Settings, schedules: &[RunSchedule]) -> Vec<Problem> {
        settings.repeated(schedules).into_iter().collect()
    }
}

impl WriteSettlement for FlyingTigerSettlement {
    fn run(cx: &Context<Settings>, window: &Window) -> Result<Totals, Fault> {
        let settings = cx.settings();
        let name = settings.file_name(cx, window)?;
        let file = Output::create(DIRECTORY, &name, &settings.csv.media_type());
        let mut rows = csv::Writer::to(file, &settings.csv)?;
        if settings.header {
            for titled in &settings.columns {
                rows.text(&titled.header);
            }
            rows.end_row();
        }
        let mut day: Option<Group> = None;
        let mut statement: Option<Group> = None;
        let mut run = Run::default();
        for line in Settlement::open() {
            if day.as_ref().is_some_and(|group| !group.same_day(&line)) {
                write(&mut rows, settings, day.take())?;
            }
            if statement
                .as_ref()
                .is_some_and(|group| !group.same_statement(&line))
            {
                run.add(statement.as_ref())?;
                write(&mut rows, settings, statement.take())?;
            }
            day.get_or_insert_with(|| Group::day(&line))
                .sums
                .add(&line)?;
            let whole = statement.get_or_insert_with(|| Group::statement(&line));
            whole.sums.add(&line)?;
        }
        write(&mut rows, settings, day)?;
        run.add(statement.as_ref())?;
        write(&mut rows, settings, statement)?;
        rows.finish()?.close();
        Ok(run.totals())
    }
}

galleria_sdk::plugin!(FlyingTigerSettlement: WriteSettlement);

/// The subject of a row.
struct Group {
    /// `day`, or `statement` for the row of totals.
    record: &'static str,
    provider: String,
    account: String,
    statement: String,
    paid_on: String,
    store: String,
    business_date: String,
    currency: String,
    digits: u8,
    sums: Sums,
}

impl Group {
    fn statement(line: &galleria_sdk::SettlementLine) -> Self {
        Self {
            record: "statement",
            provider: line.provider().to_owned(),
            account: line.account().to_owned(),
            statement: line.statement().to_owned(),
            paid_on: line.paid_on().to_owned(),
            store: String::new(),
            business_date: String::new(),
            currency: line.paid_currency().to_owned(),
            digits: money::minor_digits(line.paid_currency()),
            sums: Sums::default(),
        }
    }

    fn day(line: &galleria_sdk::SettlementLine) -> Self {
        Self {
            record: "day",
            store: line.store().to_owned(),
            business_date: line.business_date().to_owned(),
            ..Self::statement(line)
        }
    }

    fn same_statement(&self, line: &galleria_sdk::SettlementLine) -> bool {
        self.statement == line.statement()
            && self.provider == line.provider()
            && self.account == line.account()
            && self.paid_on == line.paid_on()
            && self.currency == line.paid_currency()
    }

    fn same_day(&self, line: &galleria_sdk::SettlementLine) -> bool {
        self.store == line.store()
            && self.business_date == line.business_date()
            && self.same_statement(line)
    }
}

fn write(
    rows: &mut csv::Writer<Output>,
    settings: &Settings,
    group: Option<Group>,
) -> Result<(), Fault> {
    let Some(group) = group else {
        return Ok(());
    };
    if group.record == "statement" && !settings.totals {
        return Ok(());
    }
    for titled in &settings.columns {
        match titled.column {
            Column::Record => rows.text(group.record),
            Column::Provider => rows.text(&group.provider),
            Column::Account => rows.text(&group.account),
            Column::Statement => rows.text(&group.statement),
            Column::PaidOn => rows.text(&group.paid_on),
            Column::Store => rows.text(&group.store),
            Column::BusinessDate => rows.text(&group.business_date),
            Column::Currency => rows.text(&group.currency),
            Column::Sum(part, measure) => {
                let (value, money) = group.sums.value(part, measure)?;
                rows.amount(value, if money { group.digits } else { 0 })
            }
            Column::Difference => rows.amount(group.sums.difference()?, group.digits),
            Column::ForeignDifferences => rows.integer(group.sums.foreign_differences()),
        };
    }
    rows.end_row();
    Ok(())
}

/// The counts of the run: lines, and net, gross and fee by currency.
#[derive(Default)]
struct Run {
    lines: u64,
    currencies: Vec<(String, u8, [Money; 3])>,
}

impl Run {
    fn add(&mut self, statement: Option<&Group>) -> Result<(), Fault> {
        let Some(group) = statement else {
            return Ok(());
        };
        let whole = group.sums.whole()?;
        self.lines += group.sums.lines();
        match self
            .currencies
            .iter_mut()
            .find(|(currency, ..)| *currency == group.currency)
        {
            Some((_, _, sums)) => {
                for (sum, more) in sums.iter_mut().zip(whole) {
                    *sum = money::sum([*sum, more])?;
                }
            }
            None => self
                .currencies
                .push((group.currency.clone(), group.digits, whole)),
        }
        Ok(())
    }

    fn totals(mut self) -> Totals {
        self.currencies.sort();
        let named = |(currency, digits, sums): &(String, u8, [Money; 3])| {
            let name = currency.to_ascii_lowercase();
            let pairs = ["gross-", "fee-", "net-"].into_iter().zip(*sums);
            let attribute = |(what, sum): (&str, Money)| {
                Attribute::new([what, &name].concat(), money::format(sum, *digits))
            };
            pairs.map(attribute).collect::<Vec<_>>()
        };
        Totals {
            rows: self.lines,
            sums: self.currencies.iter().flat_map(named).collect(),
        }
    }
}
