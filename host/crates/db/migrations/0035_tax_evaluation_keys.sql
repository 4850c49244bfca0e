-- Finds a recorded evaluation by the caller's idempotency key alone, for timelines.
CREATE INDEX tax_evaluations_by_caller_key ON tax_evaluations (idempotency_key, id)
    WHERE idempotency_key <> '';
