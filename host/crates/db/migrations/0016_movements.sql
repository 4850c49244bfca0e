-- Money that went into a drawer or out of it beside sales and refunds, as it happened. Only ever added
-- to, and only while the shift is open: whoever adds has the shift's row locked.
--
-- Sums are asked of the rows and not kept with the shift: the version before, beside this one, writes
-- a shift's sums anew with every sale, and would lose what it does not know.

CREATE TABLE shift_movements (
    serial {serial},
    id TEXT NOT NULL CONSTRAINT shift_movements_id UNIQUE,
    shift_id TEXT NOT NULL
        CONSTRAINT shift_movements_of_shift REFERENCES shifts (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL,
    reason TEXT NOT NULL,
    operator TEXT,
    at_ms BIGINT NOT NULL,
    accepted_ms BIGINT NOT NULL
);
CREATE INDEX shift_movements_by_shift ON shift_movements (shift_id, serial);
CREATE INDEX shift_movements_by_kind ON shift_movements (shift_id, kind, amount);
CREATE INDEX shift_movements_by_age ON shift_movements (accepted_ms);
