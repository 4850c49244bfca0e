-- What dashboards ask every few seconds: how much waits and was given up, of which retailer, and since
-- when. Counted along these, without reading a row; SQLite looks at `state` again, and finds it there.
CREATE INDEX parked_waiting ON parked (consumer_group, store_id, since_ms, state)
    WHERE state <> 'held';
CREATE INDEX dead_letters_piled ON dead_letters (consumer_group, store_id, died_ms);
