-- The status reads the dead letters of one code: events that the broker rejects.
CREATE INDEX dead_letters_by_code ON dead_letters (code, died_ms, position, subscriber);
