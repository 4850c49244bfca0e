//! Every kind of problem: its code, status, title and remedy.

/// A kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemKind {
    /// Stable identifier for programs.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The same for every occurrence.
    pub title: &'static str,
    /// What the caller can do.
    pub remedy: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $status:literal $code:literal, $title:literal, $remedy:literal;)*) => {
        $(pub(crate) const $name: ProblemKind = ProblemKind {
            code: $code, status: $status, title: $title, remedy: $remedy,
        };)*

        /// Every kind, ordered by status.
        pub const CODES: &[ProblemKind] = &[$($name,)*];
    };
}

kinds! {
    BAD_JSON = 400 "bad_json", "The body does not match the JSON schema",
        "`errors` names the field; `detail` gives line and column.";
    BAD_QUERY = 400 "bad_query", "The query string is invalid",
        "Correct the parameter that `detail` names.";
    BAD_REQUEST = 400 "bad_request", "The request could not be read",
        "Send the complete request again.";
    KEY_INVALID = 400 "idempotency_key_invalid", "The Idempotency-Key is malformed",
        "Send one key of 1 to 200 visible ASCII characters.";
    KEY_MISSING = 400 "idempotency_key_missing", "The Idempotency-Key is missing",
        "Send a new key with every write, and the same key when you repeat that write.";
    UNAUTHORIZED = 401 "unauthorized", "Authentication required",
        "Send `Authorization: Bearer` with a valid key or token.";
    FORBIDDEN = 403 "forbidden", "The caller is not allowed to do this",
        "Use a caller with the scope or reach that `detail` names.";
    NOT_FOUND = 404 "not_found", "Not found",
        "Check the id that `detail` names.";
    NOT_SERVED = 404 "not_served", "The store has no plugin for this",
        "An operator adds a plugin to retailer.toml.";
    MEMBER_UNKNOWN = 404 "member_unknown", "No member was identified",
        "Scan the code again, or continue without a member.";
    NO_ROUTE = 404 "route_not_found", "The route does not exist",
        "`/openapi.json` lists all routes.";
    NO_METHOD = 405 "method_not_allowed", "The route does not support this method",
        "The header `Allow` lists the supported methods.";
    CATALOGUE_BUSY = 409 "catalogue_busy", "Another import of the retailer's products is in progress",
        "Repeat the request after that import.";
    EXISTS = 409 "exists", "The resource already exists",
        "Another request used this id. Use a new id, or read the existing resource.";
    MARK_CONFLICT = 409 "mark_conflict", "The fiscal record has a different mark",
        "Both marks are stored. An operator decides which of them is correct.";
    ORDER_NOT_PAID = 409 "order_not_paid", "The order is not paid",
        "Send its payment first.";
    ORDER_PAID = 409 "order_paid", "The order is already paid",
        "Only a refund or a `post_void` reverses it.";
    ORDER_REFUNDED = 409 "order_refunded", "The order has refunds",
        "Refund the rest instead.";
    ORDER_VOIDED = 409 "order_voided", "The order is voided",
        "Place a new order.";
    NOT_RETRYABLE = 409 "not_retryable", "The event cannot be retried now",
        "`detail` names what must happen first.";
    RUN_NOT_DEAD = 409 "run_not_dead", "The run cannot be replayed",
        "Only a run that is dead, cancelled or waiting for its next attempt can be replayed.";
    RUN_ENDED = 409 "run_ended", "The run has already ended",
        "The result of a completed run is final. Request a run for another window.";
    PAYOUT_EXISTS = 409 "payout_exists", "The payout was already imported from another file",
        "`detail` names that file. Decide which of the two files is correct.";
    STATEMENT_BUSY = 409 "statement_busy", "Another import of the retailer's statements is in progress",
        "Send the file again later. The same file is imported only once.";
    LINE_MATCHED = 409 "line_matched", "The statement line is already matched",
        "Send the `entry` to link it with instead.";
    LINE_NOT_MANUAL = 409 "not_settled_manually", "The statement line was not settled manually",
        "There is nothing to undo.";
    FOLDER_MISSING = 409 "retailer_folder_missing", "The retailer has no folder to load",
        "An operator restores the folder. A restart without it removes the retailer.";
    SHIFT_CLOSED = 409 "shift_closed", "The shift is closed",
        "Use an open shift. A closed shift never changes.";
    STORE_IDENTITY = 409 "store_identity", "Retailer, currency and minor digits of a store cannot change",
        "Use another id for the other store.";
    TAX_MOVE_REFUSED = 409 "tax_move_refused", "The comparisons do not show that the taxes stay the same",
        "Read the comparisons, correct the tax table or wait for more baskets; or send `force` with a reason.";
    TAX_ROUTE_LOOP = 409 "tax_route_loop", "The tax services route to each other",
        "An operator sets the route of one of the stores to `embedded`.";
    DOCUMENT_GONE = 410 "document_gone", "The content of the document is no longer available",
        "The recipient removed or overwrote the delivered file.";
    BODY_TOO_LARGE = 413 "body_too_large", "The body is too large",
        "`detail` gives the maximum size.";
    MEDIA_TYPE = 415 "unsupported_media_type", "The media type of the body is not supported",
        "Send `Content-Type: application/json`.";
    KEY_REUSED = 422 "idempotency_key_reused", "The Idempotency-Key was used for another request",
        "Use a new key for a new request.";
    FILE_REFUSED = 422 "file_refused", "The file is invalid; nothing was imported",
        "`errors` gives row and column of the first 1,000 invalid cells; `detail` counts all.";
    INVALID = 422 "invalid", "The request violates a rule",
        "`errors` names every invalid field.";
    TOO_MANY_REQUESTS = 429 "too_many_requests", "The client exceeded its request rate",
        "Wait for the seconds in `Retry-After`. Some hosts are configured to send status 460 instead.";
    TOO_MANY_ATTEMPTS = 429 "too_many_attempts", "Too many attempts",
        "Wait for the seconds in `Retry-After`.";
    INTERNAL = 500 "internal", "Internal error",
        "Report the request id to the operator.";
    NAME_TAKEN = 500 "name_taken", "The name of a document is already in use",
        "Report the request id to the operator.";
    TAX_RESPONSE = 502 "tax_response_invalid", "The store's tax service returned an invalid response",
        "An operator corrects the service, or changes the tax settings of the store.";
    TAX_UNTRUSTED = 502 "tax_service_untrusted", "The certificate of the store's tax service is not trusted",
        "An operator corrects the certificate or the configured authority, or changes the tax settings of the store.";
    DRAINING = 503 "draining", "The host is shutting down",
        "Send the request to another host.";
    ISSUER = 503 "issuer_unavailable", "The token issuer does not respond",
        "Repeat the request later, or use an API key.";
    NOT_WORKING = 503 "not_working", "A part of the host has stopped",
        "Send the request to another host. An operator restarts this one.";
    PLUGIN = 503 "plugin_failed", "A plugin failed",
        "Repeat the request later with the same Idempotency-Key.";
    RECORDS = 503 "records_unavailable", "The database is unavailable",
        "Repeat the request later with the same Idempotency-Key.";
    OUT_OF_SERVICE = 503 "retailer_out_of_service", "The retailer's plugins are not loaded",
        "Repeat the request later. An operator corrects the retailer's configuration and loads it again.";
    TAX_ROUTE = 503 "tax_route_not_configured", "The host has no address of the store's tax service",
        "An operator configures the address, or changes the tax settings of the store.";
    TAX_UNAVAILABLE = 503 "tax_service_unavailable", "The store's tax service is unavailable",
        "Repeat the request later, after the seconds in `Retry-After` if it is present.";
    TIMEOUT = 503 "timeout", "The request timed out",
        "It may still take effect: repeat it with the same Idempotency-Key.";
    TAX_TIMEOUT = 504 "tax_service_timeout", "The store's tax service did not answer in time",
        "Repeat the request later.";
}
