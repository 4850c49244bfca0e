//! The methods of the tax service.

use super::caller::{caller, check_store, idempotency_key, qualified};
use super::imports::Import;
use super::status::{self, coded};
use super::text;
use crate::proto;
use crate::proto::tax_server::Tax;
use galleria_app::App;
use galleria_app::tax::{EvaluationCall, TaxTableImported};
use galleria_domain::Digest;
use galleria_domain::tax::{MAX_TABLE_ROWS, TaxRequest};
use galleria_ports::Error;
use prost::Message as _;
use tonic::{Code, Request, Response, Status, Streaming};

/// The metadata with the number of tax services that a request has passed.
const HOPS: &str = "galleria-tax-hops";

/// The metadata that says whether a response was recorded for an earlier request.
const REPLAYED: &str = "idempotency-replayed";

pub(super) struct TaxService {
    pub app: App,
    pub max_message_bytes: usize,
}

#[tonic::async_trait]
impl Tax for TaxService {
    async fn evaluate_tax(
        &self,
        request: Request<proto::TaxEvaluateRequest>,
    ) -> Result<Response<proto::TaxEvaluateResponse>, Status> {
        let call = EvaluationCall {
            caller: caller(&request)?.clone(),
            idempotency_key: idempotency_key(&request)?,
            hops: text(request.metadata(), HOPS)
                .and_then(|hops| hops.parse().ok())
                .unwrap_or(0),
        };
        let request = TaxRequest::try_from(request.into_inner()).map_err(Error::Invalid);
        let request = request.map_err(status::of)?;
        let store = &request.store_data.store_id;
        check_store(&self.app, &call.caller, store).await?;
        let served = self.app.taxes.serve(request, &call);
        let served = served.await.map_err(status::of)?;
        let response = Response::new(served.evaluation.into());
        Ok(marked(response, served.repeated))
    }

    async fn get_store_tax_table(
        &self,
        request: Request<proto::GetStoreTaxTableRequest>,
    ) -> Result<Response<proto::StoreTaxTable>, Status> {
        let caller = caller(&request)?.clone();
        let request = request.into_inner();
        let store = request.store_id;
        check_store(&self.app, &caller, &store).await?;
        let after = Some(&*request.page_token).filter(|token| !token.is_empty());
        let size = match request.page_size {
            0 => MAX_TABLE_ROWS,
            size => MAX_TABLE_ROWS.min(size as usize),
        };
        let page = self.app.taxes.table_page(&store, after, size as u32);
        let page = page.await.map_err(|error| status::of(named(error)))?;
        let table = proto::StoreTaxTable {
            store_id: store,
            rows: page.rows.into_iter().map(Into::into).collect(),
            next_page_token: page.next.unwrap_or_default(),
        };
        let (size, max) = (table.encoded_len(), self.max_message_bytes);
        if size > max {
            let rows = table.rows.len();
            let text = format!(
                "{rows} rows have {size} bytes, and a message at most {max}: read them in pages, with a page_size of \
                 at most {}",
                rows * max / size
            );
            return Err(coded(Code::ResourceExhausted, "body_too_large", text));
        }
        Ok(Response::new(table))
    }

    async fn import_store_tax_code_data(
        &self,
        request: Request<proto::ImportStoreTaxDataRequest>,
    ) -> Result<Response<()>, Status> {
        let (caller, key) = (caller(&request)?.clone(), idempotency_key(&request)?);
        let mut import = Import::new(caller, request.get_ref());
        import.add(request.into_inner().rows)?;
        let imported = import.run(&self.app, key).await?;
        let reply = imported.map_err(|problems| status::refused(&problems))?;
        Ok(marked(Response::new(()), reply.repeated))
    }

    async fn stream_store_tax_code_data(
        &self,
        request: Request<Streaming<proto::ImportStoreTaxDataRequest>>,
    ) -> Result<Response<proto::ImportSummary>, Status> {
        let (caller, key) = (caller(&request)?.clone(), idempotency_key(&request)?);
        let mut messages = request.into_inner();
        let first = messages.message().await?;
        let first = first.ok_or_else(|| {
            let error = Error::invalid(
                "store_id",
                "must be in the first message: the stream has none",
            );
            status::of(error)
        })?;
        let mut import = Import::new(caller, &first);
        import.add(first.rows)?;
        while let Some(message) = messages.message().await? {
            import.check_further(&message)?;
            import.add(message.rows)?;
        }
        let (dry_run, rows) = (import.dry_run(), import.len());
        let imported = match import.run(&self.app, key).await? {
            Ok(reply) => reply,
            Err(problems) if dry_run => {
                return Ok(Response::new(proto::ImportSummary::from(problems)));
            }
            Err(problems) => return Err(status::refused(&problems)),
        };
        let summary: TaxTableImported = serde_json::from_str(&imported.body).map_err(|error| {
            let what = format!("reading the result of an import of {rows} rows: {error}");
            status::of(Error::Internal(what))
        })?;
        let response = Response::new(proto::ImportSummary::from(summary));
        Ok(marked(response, imported.repeated))
    }

    async fn delete_store_tax_table(
        &self,
        request: Request<proto::DeleteStoreTaxTableRequest>,
    ) -> Result<Response<()>, Status> {
        let (caller, key) = (caller(&request)?.clone(), idempotency_key(&request)?);
        let request = request.into_inner();
        check_store(&self.app, &caller, &request.store_id).await?;
        let digest = Digest::of(&[b"delete\n", &*request.encode_to_vec()].concat());
        let key = key.map(|key| qualified(&caller, key, digest));
        let (store, actor) = (&request.store_id, caller.actor(""));
        let deleted = self
            .app
            .taxes
            .delete_table(key, store, &actor, &request.reason);
        let reply = deleted.await.map_err(status::of)?;
        Ok(marked(Response::new(()), reply.repeated))
    }
}

/// Marks a response that was recorded for an earlier request.
fn marked<T>(mut response: Response<T>, repeated: bool) -> Response<T> {
    if repeated {
        let value = tonic::metadata::AsciiMetadataValue::from_static("true");
        response.metadata_mut().insert(REPLAYED, value);
    }
    response
}

/// Names the field of the request instead of the parameter over HTTP.
fn named(error: Error) -> Error {
    match error {
        Error::Invalid(mut problems) => {
            for problem in &mut problems {
                if problem.field == "after" {
                    problem.field = "page_token".into();
                    problem.message = "must be the `next_page_token` of the previous page".into();
                }
            }
            Error::Invalid(problems)
        }
        error => error,
    }
}
