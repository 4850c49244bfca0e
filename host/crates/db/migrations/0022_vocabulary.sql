-- One word, one meaning: the person at a till is the cashier, and who performed an action is its actor.
-- Columns are renamed, so a host of the version before cannot work with this schema. The JSON in other
-- columns is rewritten by src/contract.rs in the same transaction.
ALTER TABLE orders RENAME COLUMN operator TO cashier;
ALTER TABLE shifts RENAME COLUMN operator TO cashier;
ALTER TABLE shift_movements RENAME COLUMN operator TO cashier;
ALTER TABLE operations RENAME COLUMN operator TO actor;

DROP INDEX line_hands_by_line;
DROP INDEX line_hands_by_age;
ALTER TABLE line_hands RENAME TO manual_settlements;
ALTER TABLE manual_settlements RENAME COLUMN by_whom TO actor;
CREATE INDEX manual_settlements_by_line ON manual_settlements (line_id, serial);
CREATE INDEX manual_settlements_by_age ON manual_settlements (at_ms);
