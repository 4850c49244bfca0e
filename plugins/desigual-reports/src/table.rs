//! Writes rows to files: one file for each store or one for all, with header and totals.

use crate::columns::{Column, Report, Role};
use crate::groups::{AMOUNTS, Fact, Group, Groups, KEYS, Sums};
use crate::settings::{FileOf, Period, Settings};
use galleria_sdk::csv;
use galleria_sdk::file_name::Pattern;
use galleria_sdk::money;
use galleria_sdk::prelude::*;

const DIRECTORY: &str = "additional_reports";

/// The files of a run.
pub struct Table<'a> {
    cx: &'a Context<Settings>,
    window: &'a Window,
    columns: Vec<(Column, String)>,
    name: Pattern,
    period: Period,
    groups: Groups,
    /// The store of the groups, and their day if rows are by day.
    store: String,
    date: String,
    file: Option<csv::Writer<Output>>,
    /// Totals of the open file, by currency.
    totals: Vec<Sums>,
    /// Totals of all files, by currency.
    sums: Vec<Sums>,
    rows: u64,
}

impl<'a> Table<'a> {
    /// Creates the files of a run. A file that does not depend on rows is opened immediately.
    pub fn open(cx: &'a Context<Settings>, window: &'a Window) -> Result<Self, Fault> {
        let settings = cx.settings();
        let columns = settings.chosen();
        let mut chosen = [false; KEYS];
        // Each refund is a separate row, distinguished by a number that is not a column.
        chosen[0] = settings.report == Report::Refunds;
        for at in columns.iter().filter_map(|(column, _)| column.role.key()) {
            chosen[at] = true;
        }
        let mut table = Self {
            cx,
            window,
            columns,
            name: settings.file_name(),
            period: settings.period(),
            groups: Groups::new(chosen),
            store: String::new(),
            date: String::new(),
            file: None,
            totals: Vec::new(),
            sums: Vec::new(),
            rows: 0,
        };
        match (settings.file, cx.scope()) {
            (FileOf::One, _) => table.begin_file("")?,
            (FileOf::PerStore, Scope::Store(store)) => {
                table.store.clone_from(&store.external_id);
                table.begin_file(&store.external_id)?;
            }
            (FileOf::PerStore, Scope::Retailer(_)) => {}
        }
        Ok(table)
    }

    /// Adds a fact. Facts arrive by store and business date.
    pub fn add(&mut self, fact: &Fact<'_>) -> Result<(), Fault> {
        let other_store = fact.store != self.store;
        if other_store || (self.period == Period::Day && fact.date != self.date) {
            self.write_groups()?;
            if other_store {
                fact.store.clone_into(&mut self.store);
                if self.cx.settings().file == FileOf::PerStore {
                    self.end_file()?;
                    self.begin_file(fact.store)?;
                }
            }
            fact.date.clone_into(&mut self.date);
        }
        self.groups.add(fact)
    }

    /// Writes the remaining groups, and returns the counts: `names` are the names of the amounts.
    pub fn finish(mut self, names: &[(&str, usize)]) -> Result<Totals, Fault> {
        self.write_groups()?;
        self.end_file()?;
        self.sums
            .sort_by(|one, two| one.currency.cmp(&two.currency));
        let sums = self.sums.iter().flat_map(|sums| {
            let currency = sums.currency.to_ascii_lowercase();
            names.iter().map(move |(name, at)| {
                let amount = money::format(sums.amounts[*at], sums.digits);
                Attribute::new([name, "-", &currency].concat(), amount)
            })
        });
        Ok(Totals {
            rows: self.rows,
            sums: sums.collect(),
        })
    }

    fn begin_file(&mut self, store: &str) -> Result<(), Fault> {
        let settings = self.cx.settings();
        let scope = match self.cx.scope() {
            Scope::Store(store) => [&store.retailer, "-", &store.external_id].concat(),
            Scope::Retailer(name) => name.clone(),
        };
        let values = [
            ("report", settings.report.name()),
            ("retailer", self.cx.retailer()),
            ("scope", &*scope),
            ("store", store),
            ("first", &*self.window.first),
            ("last", &*self.window.last),
            ("window", &*self.window.id),
        ];
        let name = self.name.fill("file_name", &values)?;
        let file = Output::create(DIRECTORY, &name, &settings.csv.media_type());
        let mut rows = csv::Writer::to(file, &settings.csv)?;
        if settings.header {
            for (_, header) in &self.columns {
                rows.text(header);
            }
            rows.end_row();
        }
        self.file = Some(rows);
        Ok(())
    }

    /// Ends the open file with its totals.
    fn end_file(&mut self) -> Result<(), Fault> {
        let Some(mut rows) = self.file.take() else {
            return Ok(());
        };
        let mut totals = std::mem::take(&mut self.totals);
        totals.sort_by(|one, two| one.currency.cmp(&two.currency));
        for sums in &totals {
            if self.cx.settings().totals {
                self.write_total(&mut rows, sums);
            }
            add_to(&mut self.sums, sums)?;
        }
        rows.finish()?.close();
        Ok(())
    }

    fn write_groups(&mut self) -> Result<(), Fault> {
        for group in self.groups.take() {
            add_to(&mut self.totals, &group.sums)?;
            self.rows += 1;
            if let Some(rows) = &mut self.file {
                for (column, _) in &self.columns {
                    cell(rows, column.role, &group, &self.store, &self.date)?;
                }
                rows.end_row();
            }
        }
        Ok(())
    }

    fn write_total(&self, rows: &mut csv::Writer<Output>, sums: &Sums) {
        let mut label = Some(&*self.cx.settings().totals_label);
        for (column, _) in &self.columns {
            match column.role {
                Role::Store | Role::Date | Role::Key(_) | Role::Label(_) => {
                    rows.text(label.take().unwrap_or_default());
                }
                Role::Rate(_) | Role::CountOnce(_) => {
                    rows.empty();
                }
                role => number(rows, role, sums),
            }
        }
        rows.end_row();
    }
}

/// Adds to the sums of its currency.
fn add_to(all: &mut Vec<Sums>, more: &Sums) -> Result<(), Fault> {
    let known = all.iter().position(|sums| sums.currency == more.currency);
    let at = known.unwrap_or_else(|| {
        all.push(Sums::new(&more.currency, more.digits));
        all.len() - 1
    });
    all[at].add(&more.counts, &more.amounts, more.quantity)
}

fn cell(
    rows: &mut csv::Writer<Output>,
    role: Role,
    group: &Group,
    store: &str,
    date: &str,
) -> Result<(), Fault> {
    match role {
        Role::Store => rows.text(store),
        Role::Date => rows.text(date),
        Role::Key(at) => rows.text(&group.keys[at]),
        Role::Rate(at) => rows.decimal(crate::facts::rate_of(&group.keys[at])?),
        Role::Label(at) => rows.text(&group.labels[at]),
        role => {
            number(rows, role, &group.sums);
            rows
        }
    };
    Ok(())
}

fn number(rows: &mut csv::Writer<Output>, role: Role, sums: &Sums) {
    match role {
        Role::Currency => rows.text(&sums.currency),
        Role::Count(at) | Role::CountOnce(at) => rows.integer(sums.counts[at]),
        Role::Amount(at) => rows.amount(sums.amounts[at], sums.digits),
        Role::Quantity => rows.decimal(sums.quantity),
        Role::Store | Role::Date | Role::Key(_) | Role::Rate(_) | Role::Label(_) => rows.empty(),
    };
}

/// Names and indexes of a report's amounts.
pub fn amounts(columns: &'static [Column]) -> Vec<(&'static str, usize)> {
    let amounts = columns.iter().filter_map(|column| match column.role {
        Role::Amount(at) if at < AMOUNTS => Some((column.name, at)),
        _ => None,
    });
    amounts.collect()
}
