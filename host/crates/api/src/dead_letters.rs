//! Dead letters: what was given up until an operator decides.

use crate::access::Authenticated;
use crate::openapi::examples;
use crate::problem::{INVALID, Problem};
use crate::request::{IdempotencyHeader, PathPair, QueryParams, WriteRequest};
use crate::response::{ApiResult, ListProblems, ReadProblems, WriteProblems, WriteReply};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::handling::{Acting, DeadLetterPage, DeadLetterView, Verdict};
use galleria_app::records::DeadFilter;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(dead_letter_list))
        .routes(routes!(dead_letter_get))
        .routes(routes!(dead_letter_replay))
        .routes(routes!(dead_letter_discard))
        .routes(routes!(dead_letter_replay_many))
        .routes(routes!(dead_letter_discard_many))
}

/// Which dead letters are listed.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listed {
    /// Of this plugin, as `retailer.toml` names it.
    subscriber: Option<String>,
    /// With this fault, such as `invalid`.
    code: Option<String>,
    /// Of this retailer's stores. A caller that is bound to one retailer need not name it.
    retailer: Option<String>,
    /// Of this store.
    store: Option<String>,
    /// That came by this topic.
    topic: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// At most so many.
    #[serde(default = "Listed::usual")]
    #[param(required = false, minimum = 1, maximum = 500, default = 100)]
    limit: u32,
}

impl Listed {
    /// A letter carries its event: 500 of them are some megabytes.
    const MOST: u32 = 500;

    fn usual() -> u32 {
        100
    }
}

/// Dead letters, oldest first
#[utoipa::path(
    get, path = "/v1/dead-letters", tag = "operation", params(Listed),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = DeadLetterPage,
            example = examples::dead_letters),
    ),
)]
async fn dead_letter_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(Listed {
        subscriber,
        code,
        retailer,
        store,
        topic,
        after,
        limit,
    }): QueryParams<Listed>,
) -> ApiResult<Json<DeadLetterPage>> {
    let retailer = auth.place(&state.app, retailer, store.as_deref()).await?;
    if !(1..=Listed::MOST).contains(&limit) {
        let message = format!("1 to {}", Listed::MOST);
        let detail = format!("limit: {message}");
        return Err(Problem::of_field(INVALID, detail, "limit".into(), message));
    }
    let filter = DeadFilter {
        subscriber,
        code,
        retailer,
        store,
        topic,
    };
    let page = state.app.dead_letters(filter, after.as_deref(), limit);
    Ok(Json(page.await?))
}

/// A dead letter
#[utoipa::path(
    get, path = "/v1/dead-letters/{event}/{subscriber}",
    tag = "operation",
    params(
        ("event" = String, Path, description = "The event's id.", example = "payment:payment-1"),
        ("subscriber" = String, Path, description = "The plugin.", example = "poslog"),
    ),
    responses(ReadProblems, (status = 200, description = "The letter.", body = DeadLetterView,
        example = examples::dead_letter)),
)]
async fn dead_letter_get(
    State(state): State<ApiState>,
    PathPair(event, subscriber): PathPair,
) -> ApiResult<Json<DeadLetterView>> {
    Ok(Json(state.app.dead_letter(&event, &subscriber).await?))
}

/// How many were settled.
#[derive(Serialize, utoipa::ToSchema)]
struct SettledLetters {
    /// So many.
    settled: u32,
    /// Whether the filter finds more: ask again, with a new key.
    more: bool,
}

macro_rules! one {
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
                example = json!({ "operator": "ana", "reason": "the settings were mended" })),
            responses(
                WriteProblems,
                (status = 200, description = "Done.", body = SettledLetters,
                    example = examples::settled_letters),
            ),
        )]
        async fn $name(
            State(state): State<ApiState>,
            auth: Authenticated,
            PathPair(event, subscriber): PathPair,
            WriteRequest { key, mut body }: WriteRequest<Acting>,
        ) -> ApiResult<WriteReply> {
            body.operator = auth.signs(&body.operator);
            let app = &state.app;
            let settled = app.dead_letter_settle(key, &event, &subscriber, $verdict, body);
            Ok(WriteReply(settled.await?))
        }
    };
}

one!(
    /// Handle a dead letter again
    ///
    /// As if for the first time; what waited behind it goes on once it has had its effect.
    dead_letter_replay, Verdict::Replay, "/v1/dead-letters/{event}/{subscriber}/replay"
);
one!(
    /// Give a dead letter up for good
    ///
    /// It has no effect and never comes back; what waited behind it goes on.
    dead_letter_discard, Verdict::Discard, "/v1/dead-letters/{event}/{subscriber}/discard"
);

/// Which dead letters are settled together. At least one filter is named.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SettleMany {
    /// Of this plugin, as `retailer.toml` names it.
    subscriber: Option<String>,
    /// With this fault, such as `invalid`.
    code: Option<String>,
    /// Of this retailer's stores. A caller that is bound to one retailer need not name it.
    retailer: Option<String>,
    /// Of this store.
    store: Option<String>,
    /// That came by this topic.
    topic: Option<String>,
    /// For whom the caller acts, such as a person at an office; the caller itself where it is not said.
    #[serde(default)]
    operator: String,
    /// Why.
    reason: String,
}

async fn many(
    state: &ApiState,
    auth: &Authenticated,
    verdict: Verdict,
    asked: WriteRequest<SettleMany>,
) -> ApiResult<WriteReply> {
    let WriteRequest { key, body } = asked;
    let SettleMany {
        subscriber,
        code,
        retailer,
        store,
        topic,
        operator,
        reason,
    } = body;
    let retailer = auth.place(&state.app, retailer, store.as_deref()).await?;
    let filter = DeadFilter {
        subscriber,
        code,
        retailer,
        store,
        topic,
    };
    if filter == DeadFilter::default() {
        let message = "name at least one of subscriber, code, retailer, store and topic";
        let detail = message.to_owned();
        return Err(Problem::of_field(
            INVALID,
            detail,
            String::new(),
            message.into(),
        ));
    }
    let operator = auth.signs(&operator);
    let acting = Acting { operator, reason };
    let settled = state.app.dead_letters_settle(key, filter, verdict, acting);
    Ok(WriteReply(settled.await?))
}

macro_rules! many {
    ($(#[$doc:meta])* $name:ident, $verdict:expr, $path:literal) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "operation", params(IdempotencyHeader),
            request_body(content = SettleMany, example = json!({
                "subscriber": "poslog", "code": "misconfigured",
                "operator": "ana", "reason": "the settings were mended"
            })),
            responses(
                WriteProblems,
                (status = 200, description = "Done.", body = SettledLetters,
                    example = examples::settled_letters),
            ),
        )]
        async fn $name(
            State(state): State<ApiState>,
            auth: Authenticated,
            asked: WriteRequest<SettleMany>,
        ) -> ApiResult<WriteReply> {
            many(&state, &auth, $verdict, asked).await
        }
    };
}

many!(
    /// Handle many dead letters again
    ///
    /// The oldest 200 that the filter lets pass; `more` says whether there are others.
    dead_letter_replay_many, Verdict::Replay, "/v1/dead-letters/replay"
);
many!(
    /// Give many dead letters up for good
    ///
    /// The oldest 200 that the filter lets pass; `more` says whether there are others.
    dead_letter_discard_many, Verdict::Discard, "/v1/dead-letters/discard"
);
