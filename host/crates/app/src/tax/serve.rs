//! Evaluations for callers of this host, and their records.
//!
//! A request with `commit` is recorded once: for each idempotency key, or without one, for each content. Its
//! repetitions get the recorded response, so that a client can repeat a request whose response was lost.

use super::evaluations::parse;
use super::{TaxEvaluation, Taxes};
use galleria_domain::Digest;
use galleria_domain::tax::TaxRequest;
use galleria_ports::Error;
use galleria_ports::access::Caller;
use galleria_ports::in_tx;
use galleria_ports::records::TaxEvaluationRow;
use galleria_ports::tax::TaxCall;
use jiff::Timestamp;
use serde::Serialize;

/// The number of tax services that a request may pass before this host.
pub const MAX_HOPS: u32 = 3;

/// What a caller sent beside its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationCall {
    /// The caller. Its reach qualifies the key: tills of different retailers may all count from 1.
    pub caller: Caller,
    /// As sent.
    pub idempotency_key: Option<String>,
    /// The number of tax services that the request has passed.
    pub hops: u32,
}

/// An evaluation for a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedEvaluation {
    /// The evaluation.
    pub evaluation: TaxEvaluation,
    /// Its JSON text if it is recorded.
    pub recorded: Option<String>,
    /// Whether it was recorded for an earlier request.
    pub repeated: bool,
}

impl ServedEvaluation {
    /// The JSON text: that of the record if there is one.
    pub fn json(self) -> Result<String, Error> {
        match self.recorded {
            Some(text) => Ok(text),
            None => json(&self.evaluation),
        }
    }
}

impl Taxes {
    /// Evaluates the taxes of a basket for a caller, and records the evaluation if the request says `commit`.
    ///
    /// # Errors
    ///
    /// A key that was sent with another content gives the conflict `idempotency_key_reused`, and a request that
    /// passed [`MAX_HOPS`] services gives `tax_route_loop`.
    pub async fn serve(
        &self,
        mut request: TaxRequest,
        call: &EvaluationCall,
    ) -> Result<ServedEvaluation, Error> {
        if call.hops >= MAX_HOPS {
            return Err(Error::Conflict {
                code: "tax_route_loop",
                message: format!(
                    "the tax services of these hosts route to each other: the request has passed {} of them; set \
                     the route of one of the stores to `embedded`",
                    call.hops
                ),
            });
        }
        let mut upstream = TaxCall {
            idempotency_key: None,
            hops: call.hops + 1,
        };
        if !request.commit {
            return Ok(ServedEvaluation {
                evaluation: self.evaluate_call(&request, &upstream).await?,
                recorded: None,
                repeated: false,
            });
        }
        if call.idempotency_key.is_none() {
            // The same basket on another business date is another content.
            self.set_business_date(&mut request).await?;
        }
        let record = Record::new(&request, call)?;
        if let Some(before) = self.recorded(&record.row.id).await? {
            return record.repeated(before);
        }
        // Unlike the key of the caller, the id is unique among all callers of this host.
        upstream.idempotency_key = Some(record.row.id.clone());
        let evaluation = self.evaluate_call(&request, &upstream).await?;
        let mut row = record.row.clone();
        row.recorded_at = self.core.clock.now();
        row.response = json(&evaluation)?;
        let text = row.response.clone();
        let written = self
            .core
            .records
            .write(in_tx!(|tx, row| tx.tax_evaluation_insert(&row).await));
        match written.await {
            Ok(()) => Ok(ServedEvaluation {
                evaluation,
                recorded: Some(text),
                repeated: false,
            }),
            // Concurrent repetitions: the first record counts.
            Err(error @ Error::Exists { .. }) => {
                let before = self.recorded(&record.row.id).await?;
                record.repeated(before.ok_or(error)?)
            }
            Err(error) => Err(error),
        }
    }

    async fn set_business_date(&self, request: &mut TaxRequest) -> Result<(), Error> {
        if request.business_date.is_none() {
            let of = self.evaluated_store(&request.store_data.store_id).await?;
            request.business_date = Some(of.store.business_date(self.core.clock.now()));
        }
        Ok(())
    }
}

/// A record to be made, without its time and response.
struct Record {
    row: TaxEvaluationRow,
}

impl Record {
    fn new(request: &TaxRequest, call: &EvaluationCall) -> Result<Self, Error> {
        let mut content = request.clone();
        let calculator = &mut content.store_data.tax_calculator;
        *calculator = calculator.take().filter(|name| !name.is_empty());
        let text = json(&content)?;
        let digest = Digest::of(text.as_bytes());
        let reach = call.caller.reach.label().unwrap_or_default();
        // No digest contains a line break, so keys and contents cannot collide.
        let id = match &call.idempotency_key {
            Some(key) => Digest::of(format!("{reach}\n{key}").as_bytes()),
            None => digest.clone(),
        };
        Ok(Self {
            row: TaxEvaluationRow {
                id: id.to_string(),
                digest: digest.to_string(),
                store_id: request.store_data.store_id.clone(),
                idempotency_key: call.idempotency_key.clone().unwrap_or_default(),
                actor: call.caller.name.clone(),
                recorded_at: Timestamp::UNIX_EPOCH,
                request: text,
                response: String::new(),
            },
        })
    }

    /// The earlier record, if it belongs to the same request.
    fn repeated(&self, before: TaxEvaluationRow) -> Result<ServedEvaluation, Error> {
        if before.digest != self.row.digest {
            return Err(Error::Conflict {
                code: "idempotency_key_reused",
                message: "another request was sent under this idempotency key: use a new key for a new request"
                    .into(),
            });
        }
        Ok(ServedEvaluation {
            evaluation: parse(&before.id, "response", &before.response)?,
            recorded: Some(before.response),
            repeated: true,
        })
    }
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|error| Error::Internal(format!("serialising an evaluation: {error}")))
}
