//! Moves a store to another route, if the comparisons show that its taxes stay the same.

use super::Taxes;
use super::comparisons::{ComparedBaskets, MoveReadiness, compared};
use super::settings::lock_store;
use super::tables::subject;
use crate::core::{IdempotencyKey, Reply};
use crate::request::{answer, refuse};
use galleria_domain::Problem;
use galleria_domain::tax::{TaxRoute, TaxSettings};
use galleria_ports::records::{ComparisonTerms, OperationRow, Tx};
use galleria_ports::{Error, in_tx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A move of a store to another route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTaxMove {
    /// The new route.
    pub route: TaxRoute,
    /// Move even if baskets differ or too few were compared; requires a reason.
    #[serde(default)]
    pub force: bool,
    /// Compare with the previous route after the move.
    #[serde(default)]
    pub keep_shadow: bool,
    /// The person for whom the caller acts; the caller itself if it is absent.
    #[serde(default)]
    pub actor: String,
    /// The reason, for the audit log.
    #[serde(default)]
    pub reason: String,
}

/// The result of a move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxMoved {
    /// The store.
    pub store: String,
    /// The settings before.
    pub before: TaxSettings,
    /// The settings after.
    pub after: TaxSettings,
    /// The comparison of both routes before the move.
    pub readiness: MoveReadiness,
    /// Whether the move was forced although the store was not ready.
    pub forced: bool,
}

impl NewTaxMove {
    fn check(&self) -> Result<(), Error> {
        let mut problems = Vec::new();
        for (field, text, most) in [("actor", &self.actor, 200), ("reason", &self.reason, 1_000)] {
            if text.chars().count() > most || text.contains('\0') {
                problems.push(Problem::new(
                    field,
                    format!("must have at most {most} characters"),
                ));
            }
        }
        if self.force && self.reason.trim().is_empty() {
            problems.push(Problem::new(
                "reason",
                "must not be empty if `force` is set",
            ));
        }
        refuse(problems)
    }

    /// The settings after the move. The other routes in them always differ from the new one.
    fn settings(&self, before: &TaxSettings) -> TaxSettings {
        let other = |route: Option<TaxRoute>| route.filter(|route| *route != self.route);
        TaxSettings {
            route: self.route,
            fallback: other(before.fallback),
            shadow: match self.keep_shadow {
                true => Some(before.route),
                false => other(before.shadow),
            },
            ..before.clone()
        }
    }
}

impl Taxes {
    /// Moves a store to another route. It is effective with the next evaluation on every host.
    pub async fn move_store(
        &self,
        key: impl Into<Option<IdempotencyKey>>,
        store: &str,
        request: NewTaxMove,
    ) -> Result<Reply, Error> {
        request.check()?;
        let (taxes, id, now) = (self.clone(), store.to_owned(), self.core.clock.now());
        self.core
            .once(
                key,
                200,
                in_tx!(|tx, taxes, id, request| answer(&taxes.moved(tx, id, request, now).await?)),
            )
            .await
    }

    async fn moved(
        &self,
        tx: &mut dyn Tx,
        store: String,
        request: NewTaxMove,
        now: Timestamp,
    ) -> Result<TaxMoved, Error> {
        lock_store(tx, &store).await?;
        let taxes = tx.tax_store_get(&store).await?;
        let before = taxes.settings.unwrap_or_default();
        if before.route == request.route {
            let rule = format!(
                "must differ from the current route, which is {}",
                before.route
            );
            return Err(Error::invalid("route", rule));
        }
        let terms = ComparisonTerms {
            store_id: store.clone(),
            route: before.route,
            shadow: request.route,
            table_version: taxes.table_version,
            settings_version: taxes.settings_version,
        };
        let readiness = MoveReadiness::new(compared(tx, terms).await?, self.policy.move_baskets);
        if !readiness.ready && !request.force {
            return Err(refused(&store, &before, &readiness));
        }
        let moved = TaxMoved {
            after: request.settings(&before),
            forced: !readiness.ready,
            store,
            before,
            readiness,
        };
        refuse(self.settings_problems(&moved.before, &moved.after))?;
        tx.tax_settings_put(&moved.store, &moved.after).await?;
        let mut after = json!(moved.after);
        after["comparison"] = json!(moved.readiness.comparison.baskets);
        after["forced"] = json!(moved.forced);
        tx.operation_insert(&OperationRow {
            at: now,
            actor: request.actor,
            action: "tax_move".into(),
            subject: subject(&moved.store),
            reason: request.reason,
            before: json!(moved.before).to_string(),
            after: after.to_string(),
        })
        .await?;
        Ok(moved)
    }
}

fn refused(store: &str, settings: &TaxSettings, readiness: &MoveReadiness) -> Error {
    let MoveReadiness {
        comparison,
        required,
        ..
    } = readiness;
    let (route, target) = (comparison.route, comparison.shadow);
    let ComparedBaskets {
        compared,
        different,
        failed,
        ..
    } = comparison.baskets;
    let mut reasons = Vec::new();
    if different > 0 {
        reasons.push(format!("{different} of {compared} compared baskets differ"));
    }
    if compared < *required {
        let missing = match settings.shadow == Some(target) {
            true if failed > 0 => format!(" ({failed} evaluations by {target} failed)"),
            true => String::new(),
            false => format!(" (the shadow of the store is not {target}: set it)"),
        };
        reasons.push(format!(
            "{compared} of {required} required baskets were compared with {target}{missing}"
        ));
    }
    Error::Conflict {
        code: "tax_move_refused",
        message: format!(
            "store {store} cannot move from {route} to {target}: {}, since the last change of its tax table or tax \
             settings. `galleria tax compare --store {store}` shows the comparisons; `force` with a reason moves it \
             nevertheless",
            reasons.join(", and ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tax::comparisons::RouteComparison;
    use TaxRoute::{Embedded, Grpc, Http};

    fn to(route: TaxRoute) -> NewTaxMove {
        NewTaxMove {
            route,
            force: false,
            keep_shadow: false,
            actor: String::new(),
            reason: String::new(),
        }
    }

    #[test]
    fn the_other_routes_of_the_settings_differ_from_the_new_one() {
        let before = TaxSettings {
            route: Grpc,
            fallback: Some(Http),
            shadow: Some(Http),
            ..TaxSettings::default()
        };
        let after = to(Http).settings(&before);
        assert_eq!(
            (after.route, after.fallback, after.shadow),
            (Http, None, None)
        );
        let after = to(Embedded).settings(&before);
        assert_eq!((after.fallback, after.shadow), (Some(Http), Some(Http)));
        let keep = NewTaxMove {
            keep_shadow: true,
            ..to(Http)
        };
        let after = keep.settings(&before);
        assert_eq!(after.shadow, Some(Grpc));
        assert_eq!(after.problems(), []);
    }

    #[test]
    fn a_forced_move_requires_a_reason() {
        assert!(to(Http).check().is_ok());
        let forced = NewTaxMove {
            force: true,
            ..to(Http)
        };
        let error = forced.check().expect_err("no reason").to_string();
        assert_eq!(error, "reason: must not be empty if `force` is set");
    }

    #[test]
    fn a_refusal_names_what_is_missing() {
        let refusal = |shadow, (equal, different, failed): (u64, u64, u64)| {
            let settings = TaxSettings {
                shadow,
                ..TaxSettings::default()
            };
            let baskets = ComparedBaskets {
                compared: equal + different,
                equal,
                different,
                failed,
                dropped: 0,
            };
            let comparison = RouteComparison {
                route: Embedded,
                shadow: Http,
                baskets,
            };
            let readiness = MoveReadiness::new(comparison, 10);
            assert!(!readiness.ready);
            let text = refused("s1", &settings, &readiness).to_string();
            let (_, text) = text.split_once("to http: ").expect("reasons");
            text.split_once(", since").expect("the end").0.to_owned()
        };
        assert_eq!(
            refusal(Some(Http), (9, 1, 0)),
            "1 of 10 compared baskets differ"
        );
        assert_eq!(
            refusal(Some(Http), (4, 1, 2)),
            "1 of 5 compared baskets differ, and 5 of 10 required baskets were compared with http \
             (2 evaluations by http failed)"
        );
        assert_eq!(
            refusal(None, (0, 0, 0)),
            "0 of 10 required baskets were compared with http (the shadow of the store is not http: set it)"
        );
    }
}
