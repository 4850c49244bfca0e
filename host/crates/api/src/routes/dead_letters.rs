//! Dead letters: events whose processing stopped until an operator decides.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{MAX_LIMIT, check_limit, default_limit};
use crate::problem::Problem;
use crate::problem_kinds::INVALID;
use crate::problem_responses::{ListProblems, ReadProblems, WriteProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{IdempotencyHeader, PathPair, QueryParams, WriteRequest};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::events::{Acting, DeadLetterPage, DeadLetterView, Verdict};
use galleria_ports::records::DeadLetterFilter;
use serde::{Deserialize, Serialize};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(
            dead_letter_list,
            Access::operator(Resource::Body)
        ))
        .with(endpoint!(
            dead_letter_get,
            Access::operator(Resource::DeadLetter)
        ))
        .with(endpoint!(
            dead_letter_replay,
            Access::operator(Resource::DeadLetter)
        ))
        .with(endpoint!(
            dead_letter_discard,
            Access::operator(Resource::DeadLetter)
        ))
        .with(endpoint!(
            dead_letter_replay_many,
            Access::operator(Resource::Body)
        ))
        .with(endpoint!(
            dead_letter_discard_many,
            Access::operator(Resource::Body)
        ))
}

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeadLettersQuery {
    /// Only of this plugin, by its name in `retailer.toml`.
    subscriber: Option<String>,
    /// Only with this fault, such as `invalid`.
    code: Option<String>,
    /// Only of this retailer's stores. The default of a caller that is bound to one retailer is that retailer.
    retailer: Option<String>,
    /// Only of this store.
    store: Option<String>,
    /// Only from this topic.
    topic: Option<String>,
    /// The `next` of the previous page.
    after: Option<String>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 500, default = 100)]
    limit: u32,
}

/// List dead letters, oldest first
#[utoipa::path(
    get, path = "/v1/dead-letters", tag = "operation", params(DeadLettersQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = DeadLetterPage,
            example = json!(example!("dead_letters"))),
    ),
)]
async fn dead_letter_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(DeadLettersQuery {
        subscriber,
        code,
        retailer,
        store,
        topic,
        after,
        limit,
    }): QueryParams<DeadLettersQuery>,
) -> ApiResult<Json<DeadLetterPage>> {
    let retailer = auth
        .list_place(&state.app, retailer, store.as_deref())
        .await?;
    check_limit(limit, MAX_LIMIT)?;
    let filter = DeadLetterFilter {
        subscriber,
        code,
        retailer,
        store,
        topic,
        ..DeadLetterFilter::default()
    };
    let page = state
        .app
        .events
        .dead_letters(filter, after.as_deref(), limit);
    Ok(Json(page.await?))
}

/// Get a dead letter
#[utoipa::path(
    get, path = "/v1/dead-letters/{event}/{subscriber}",
    tag = "operation",
    params(
        ("event" = String, Path, description = "The event's id.", example = "payment:payment-1"),
        ("subscriber" = String, Path, description = "The plugin.", example = "poslog"),
    ),
    responses(ReadProblems, (status = 200, description = "The dead letter.", body = DeadLetterView,
        example = json!(example!("dead_letter")))),
)]
async fn dead_letter_get(
    State(state): State<ApiState>,
    PathPair(event, subscriber): PathPair,
) -> ApiResult<Json<DeadLetterView>> {
    Ok(Json(
        state.app.events.dead_letter(&event, &subscriber).await?,
    ))
}

/// The number of dead letters that were replayed or discarded.
#[derive(Serialize, utoipa::ToSchema)]
struct SettledLetters {
    /// The number.
    settled: u32,
    /// Whether the filter matches more: repeat the request with a new key.
    more: bool,
}

macro_rules! settle_endpoint {
    ($(#[$doc:meta])* $name:ident, $verdict:expr, $path:literal) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "operation",
            params(
                ("event" = String, Path, description = "The event's id.", example = "payment:payment-1"),
                ("subscriber" = String, Path, description = "The plugin.", example = "poslog"),
                IdempotencyHeader,
            ),
            request_body(content = Acting,
                example = json!({ "actor": "ana", "reason": "the settings were corrected" })),
            responses(
                WriteProblems,
                (status = 200, description = "Done.", body = SettledLetters,
                    example = json!(example!("settled_letters"))),
            ),
        )]
        async fn $name(
            State(state): State<ApiState>,
            auth: Authenticated,
            PathPair(event, subscriber): PathPair,
            WriteRequest { key, mut body }: WriteRequest<Acting>,
        ) -> ApiResult<WriteReply> {
            body.actor = auth.actor(&body.actor);
            let app = &state.app;
            let settled = app.events.settle_dead_letter(key, &event, &subscriber, $verdict, body);
            Ok(WriteReply(settled.await?))
        }
    };
}

settle_endpoint!(
    /// Replay a dead letter
    ///
    /// The event is processed as if for the first time. The events behind it continue after its effect.
    dead_letter_replay, Verdict::Replay, "/v1/dead-letters/{event}/{subscriber}/replay"
);
settle_endpoint!(
    /// Discard a dead letter
    ///
    /// The event has no effect and is not processed again. The events behind it continue.
    dead_letter_discard, Verdict::Discard, "/v1/dead-letters/{event}/{subscriber}/discard"
);

/// The dead letters to replay or discard together. At least one filter is required.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SettleMany {
    /// Only of this plugin, by its name in `retailer.toml`.
    subscriber: Option<String>,
    /// Only with this fault, such as `invalid`.
    code: Option<String>,
    /// Only of this retailer's stores. The default of a caller that is bound to one retailer is that retailer.
    retailer: Option<String>,
    /// Only of this store.
    store: Option<String>,
    /// Only from this topic.
    topic: Option<String>,
    /// The person for whom the caller acts; the caller itself if it is absent.
    #[serde(default)]
    actor: String,
    /// The reason, for the audit log.
    reason: String,
}

async fn settle_many(
    state: &ApiState,
    auth: &Authenticated,
    verdict: Verdict,
    request: WriteRequest<SettleMany>,
) -> ApiResult<WriteReply> {
    let WriteRequest { key, body } = request;
    let SettleMany {
        subscriber,
        code,
        retailer,
        store,
        topic,
        actor,
        reason,
    } = body;
    let retailer = auth
        .list_place(&state.app, retailer, store.as_deref())
        .await?;
    let filter = DeadLetterFilter {
        subscriber,
        code,
        retailer,
        store,
        topic,
        ..DeadLetterFilter::default()
    };
    if filter == DeadLetterFilter::default() {
        let message = "requires at least one of subscriber, code, retailer, store and topic";
        let (detail, field) = (message.to_owned(), String::new());
        return Err(Problem::of_field(INVALID, detail, field, message.into()));
    }
    let actor = auth.actor(&actor);
    let acting = Acting { actor, reason };
    let settled = state
        .app
        .events
        .settle_dead_letters(key, filter, verdict, acting);
    Ok(WriteReply(settled.await?))
}

macro_rules! settle_many_endpoint {
    ($(#[$doc:meta])* $name:ident, $verdict:expr, $path:literal) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "operation", params(IdempotencyHeader),
            request_body(content = SettleMany, example = json!({
                "subscriber": "poslog", "code": "misconfigured", "store": "madrid-1",
                "actor": "ana", "reason": "the settings were corrected"
            })),
            responses(
                WriteProblems,
                (status = 200, description = "Done.", body = SettledLetters,
                    example = json!(example!("settled_letters"))),
            ),
        )]
        async fn $name(
            State(state): State<ApiState>,
            auth: Authenticated,
            request: WriteRequest<SettleMany>,
        ) -> ApiResult<WriteReply> {
            settle_many(&state, &auth, $verdict, request).await
        }
    };
}

settle_many_endpoint!(
    /// Replay many dead letters
    ///
    /// Replays the oldest 200 that match the filter; `more` shows whether there are others.
    dead_letter_replay_many, Verdict::Replay, "/v1/dead-letters/replay"
);
settle_many_endpoint!(
    /// Discard many dead letters
    ///
    /// Discards the oldest 200 that match the filter; `more` shows whether there are others.
    dead_letter_discard_many, Verdict::Discard, "/v1/dead-letters/discard"
);
