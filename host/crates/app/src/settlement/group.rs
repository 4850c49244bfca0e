//! The lines and tenders that share references, directly or through others: loaded, matched and written together.

use galleria_domain::matching::{GroupLine, ReferenceKind, Verdict, match_group};
use galleria_domain::{Allocation, MatchRule, MatchingRules, RecordedTender};
use galleria_ports::Error;
use galleria_ports::records::{LineMatch, LineRow, Tx};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The maximum number of lines that share a reference. A reference of more lines, such as the number of a shop, does
/// not identify a payment and is not used.
const MAX_LINES: usize = 1_000;

/// The maximum number of tenders that share a reference. A split payment has only a few.
const MAX_TENDERS: usize = 200;

/// The number of lines above which only the references of the lines and tenders to match are followed, and no
/// references of others. The parts of tenders that other lines pay then remain as they are.
const MAX_GROUP: usize = 5_000;

/// A reference and its kind.
type Reference = (ReferenceKind, String);

/// Lines and tenders of a retailer, which must be locked.
pub(super) struct LineGroup {
    retailer: String,
    /// By statement and number, with the provider.
    lines: BTreeMap<(String, u64), (LineRow, String)>,
    tenders: BTreeMap<String, RecordedTender>,
    /// The tenders of which a person has just settled a part.
    claimed: BTreeSet<String>,
    /// The references that were found, and those that are not followed yet.
    seen: BTreeSet<Reference>,
    waiting: VecDeque<Reference>,
    /// The references that identify nothing.
    shared: BTreeSet<Reference>,
}

impl LineGroup {
    pub(super) fn new(retailer: &str) -> Self {
        Self {
            retailer: retailer.to_owned(),
            lines: BTreeMap::new(),
            tenders: BTreeMap::new(),
            claimed: BTreeSet::new(),
            seen: BTreeSet::new(),
            waiting: VecDeque::new(),
            shared: BTreeSet::new(),
        }
    }

    /// Adds a line, unless a person settled it.
    pub(super) fn add_line(&mut self, row: LineRow, provider: &str) {
        let key = (row.statement.clone(), row.number);
        if row.matched.rule == Some(MatchRule::Hand) || self.lines.contains_key(&key) {
            return;
        }
        for kind in ReferenceKind::ALL {
            self.follow(kind, kind.of_line(&row.line));
        }
        self.lines.insert(key, (row, provider.to_owned()));
    }

    pub(super) fn add_tender(&mut self, tender: RecordedTender) {
        if self.tenders.contains_key(&tender.id) {
            return;
        }
        for kind in ReferenceKind::ALL {
            self.follow(kind, kind.of_tender(&tender));
        }
        self.tenders.insert(tender.id.clone(), tender);
    }

    /// Adds the tenders that a manually settled line pays, or paid before.
    pub(super) async fn add_parts(
        &mut self,
        tx: &mut dyn Tx,
        parts: &[Allocation],
    ) -> Result<(), Error> {
        for part in parts {
            if let Some(tender) = tx.tender_get(&part.tender).await? {
                self.claimed.insert(tender.id.clone());
                self.add_tender(tender);
            }
        }
        Ok(())
    }

    fn follow(&mut self, kind: ReferenceKind, reference: &str) {
        if !reference.is_empty() && self.seen.insert((kind, reference.to_owned())) {
            self.waiting.push_back((kind, reference.to_owned()));
        }
    }

    /// Matches the lines and records changes. Returns the results by the ids of the lines.
    pub(super) async fn rematch(
        mut self,
        tx: &mut dyn Tx,
        rules: &MatchingRules,
    ) -> Result<BTreeMap<String, LineMatch>, Error> {
        self.load(tx).await?;
        let lines: Vec<_> = self
            .lines
            .values()
            .map(|line| self.group_line(line))
            .collect();
        let mut tenders = Vec::new();
        for tender in self.tenders.values() {
            tenders.push(self.group_tender(tx, tender).await?);
        }
        let result = match_group(&lines, &tenders, rules);
        let mut matches = BTreeMap::new();
        for ((row, _), verdict) in self.lines.values().zip(&result.verdicts) {
            let matched = line_match(verdict, &tenders);
            if matched != row.matched {
                tx.statement_line_match(&row.statement, row.number, &matched)
                    .await?;
            }
            matches.insert(row.id(), matched);
        }
        let results = result.settled.into_iter().zip(result.covered);
        for (tender, (settled, covered)) in self.tenders.values().zip(results) {
            // Even with the same paid part, the tender may not be recorded as covered, for example after a reread.
            if tender.settled != 0 || settled != 0 {
                tx.tender_settle(&tender.id, settled, covered).await?;
            }
        }
        Ok(matches)
    }

    /// Loads all lines and tenders that share references with the group.
    async fn load(&mut self, tx: &mut dyn Tx) -> Result<(), Error> {
        let mut own = self.waiting.len();
        while let Some((kind, reference)) = self.waiting.pop_front() {
            if own == 0 && self.lines.len() > MAX_GROUP {
                break;
            }
            own = own.saturating_sub(1);
            let most = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
            let tenders = tx
                .tender_list_by_reference(&self.retailer, kind, &reference, most(MAX_TENDERS))
                .await?;
            // Lines are related only through a tender.
            if tenders.is_empty() {
                continue;
            }
            let lines = tx
                .statement_line_list_by_reference(&self.retailer, kind, &reference, most(MAX_LINES))
                .await?;
            let shared = tenders.len() > MAX_TENDERS || lines.len() > MAX_LINES;
            for (row, provider) in lines {
                // Lines that this reference matched while fewer shared it are matched again.
                if shared && row.matched.rule != Some(kind.rule()) {
                    continue;
                }
                for part in &row.matched.parts {
                    if let Some(tender) = tx.tender_get(&part.tender).await? {
                        self.add_tender(tender);
                    }
                }
                self.add_line(row, &provider);
            }
            if shared {
                self.shared.insert((kind, reference));
                continue;
            }
            for tender in tenders {
                self.add_tender(tender);
            }
        }
        Ok(())
    }

    fn is_shared(&self, kind: ReferenceKind, reference: &str) -> bool {
        !self.shared.is_empty() && self.shared.contains(&(kind, reference.to_owned()))
    }

    fn group_line(&self, (row, provider): &(LineRow, String)) -> GroupLine {
        let mut line = row.line.clone();
        for kind in ReferenceKind::ALL {
            if self.is_shared(kind, kind.of_line(&row.line)) {
                match kind {
                    ReferenceKind::Modification => line.modification_reference.clear(),
                    ReferenceKind::Psp => line.psp_reference.clear(),
                    ReferenceKind::Merchant => line.merchant_reference.clear(),
                }
            }
        }
        GroupLine {
            id: row.id(),
            provider: provider.clone(),
            line,
        }
    }

    /// The tender with the part that lines outside of the group pay: they were settled manually, or not loaded.
    async fn group_tender(
        &self,
        tx: &mut dyn Tx,
        tender: &RecordedTender,
    ) -> Result<RecordedTender, Error> {
        let mut found = tender.clone();
        found.settled = match tender.settled != 0 || self.claimed.contains(&tender.id) {
            true => {
                let mut parts = tx.tender_allocation_list(&tender.id).await?;
                parts.retain(|part| {
                    let line = (part.statement.clone(), part.number);
                    !self.lines.contains_key(&line)
                });
                parts.iter().map(|part| part.amount).sum()
            }
            false => 0,
        };
        Ok(found)
    }
}

fn line_match(verdict: &Verdict, tenders: &[RecordedTender]) -> LineMatch {
    let tender = verdict.tender.map(|index| &tenders[index]);
    let parts = tender
        .filter(|_| verdict.pays != 0)
        .map(|tender| Allocation {
            tender: tender.id.clone(),
            amount: verdict.pays,
        });
    LineMatch {
        outcome: Some(verdict.outcome),
        rule: Some(verdict.rule),
        parts: parts.into_iter().collect(),
        difference: verdict.difference,
        expected_fee: verdict.expected_fee,
        ..match_fields(tender)
    }
}

/// The fields of a match that derive from its tender.
pub(super) fn match_fields(tender: Option<&RecordedTender>) -> LineMatch {
    tender.map_or_else(LineMatch::default, |tender| LineMatch {
        tender: Some(tender.id.clone()),
        store_id: tender.store_id.clone(),
        store: tender.store.clone(),
        business_date: tender.business_date.clone(),
        entry_id: tender.entry_id.clone(),
        ..LineMatch::default()
    })
}
