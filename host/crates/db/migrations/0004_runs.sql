-- Runs that are due, under way, done or dead. The table is made anew: SQLite does not let go of
-- NOT NULL, and a run has no end before it ended.
--
-- ready_ms says from when a run may be leased: due_ms while it is due or failed; the lease's end
-- while it is running; never (the end of time) once it is over. See src/runs.rs, which alone
-- writes it.
ALTER TABLE runs RENAME TO runs_before;
DROP INDEX runs_by_age;

CREATE TABLE runs (
    serial {serial},
    id TEXT NOT NULL CONSTRAINT runs_id UNIQUE,
    retailer TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    point TEXT NOT NULL,
    store_id TEXT NOT NULL,
    first_date {ordered} NOT NULL,
    last_date {ordered} NOT NULL,
    schedule TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    ready_ms BIGINT NOT NULL,
    lease_owner TEXT,
    stop BIGINT NOT NULL DEFAULT 0,
    as_of_ms BIGINT,
    since_ms BIGINT,
    stores BIGINT NOT NULL DEFAULT 0,
    progress BIGINT NOT NULL DEFAULT 0,
    row_count BIGINT NOT NULL DEFAULT 0,
    sums TEXT NOT NULL,
    files TEXT NOT NULL,
    code TEXT,
    detail TEXT,
    created_ms BIGINT NOT NULL,
    begun_ms BIGINT,
    ended_ms BIGINT
);
INSERT INTO runs (id, retailer, subscriber, point, store_id, first_date, last_date, schedule, state,
        attempts, tries, due_ms, ready_ms, as_of_ms, row_count, sums, files, created_ms, ended_ms)
    SELECT id, retailer, subscriber, point, store_id, first_date, last_date, '', 'ended',
        1, 1, as_of_ms, 9223372036854775807, as_of_ms, row_count, sums, '[]', as_of_ms, ended_ms
    FROM runs_before ORDER BY ended_ms, id;
DROP TABLE runs_before;
CREATE INDEX runs_by_ready ON runs (ready_ms, serial);
CREATE INDEX runs_by_last ON runs (retailer, subscriber, point, store_id, as_of_ms) WHERE state = 'ended';
CREATE INDEX runs_by_state ON runs (state, serial);
CREATE INDEX runs_by_age ON runs (created_ms);

-- Up to which moment of the wall clock a schedule was planned: text such as 2026-11-24T02:30:00,
-- which sorts as it should. Grows with schedules and stores, not with time.
CREATE TABLE schedule_marks (
    retailer TEXT NOT NULL,
    schedule TEXT NOT NULL,
    store_id {ordered} NOT NULL,
    expression TEXT NOT NULL,
    planned_to {ordered} NOT NULL,
    CONSTRAINT schedule_marks_key PRIMARY KEY (retailer, schedule, store_id)
);
