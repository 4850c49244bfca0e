-- Recorded evaluations of taxes. A repeated request gets the recorded response.
CREATE TABLE tax_evaluations (
    id {ordered} PRIMARY KEY,
    digest TEXT NOT NULL,
    store_id {ordered} NOT NULL,
    idempotency_key {ordered} NOT NULL,
    actor TEXT NOT NULL,
    recorded_ms BIGINT NOT NULL,
    request TEXT NOT NULL,
    response TEXT NOT NULL
);
CREATE INDEX tax_evaluations_by_store ON tax_evaluations (store_id, recorded_ms, id);
CREATE INDEX tax_evaluations_by_key ON tax_evaluations (store_id, idempotency_key, recorded_ms, id);
CREATE INDEX tax_evaluations_by_age ON tax_evaluations (recorded_ms);
