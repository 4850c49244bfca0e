-- What operators did: who, when, why, and what it changed. Rows are only ever added.
CREATE TABLE operations (
    serial {serial},
    at_ms BIGINT NOT NULL,
    operator TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    before_state TEXT NOT NULL,
    after_state TEXT NOT NULL
);
CREATE INDEX operations_by_age ON operations (at_ms);
CREATE INDEX operations_by_subject ON operations (subject, serial);

-- The order of the list of dead letters, so that a page continues without counting off.
DROP INDEX dead_letters_by_age;
CREATE INDEX dead_letters_by_age ON dead_letters (died_ms, position, subscriber);
