-- Which part of which tender a statement line pays. Several lines may pay one tender, and a person may distribute a
-- line over several tenders. A line that settled a tender paid all of it.
CREATE TABLE allocations (
    statement_id {ordered} NOT NULL,
    number BIGINT NOT NULL,
    tender_id {ordered} NOT NULL,
    -- In the tender's minor units; negative for a refund.
    amount BIGINT NOT NULL CHECK (amount <> 0),
    CONSTRAINT allocations_key PRIMARY KEY (statement_id, number, tender_id),
    CONSTRAINT allocations_of_line FOREIGN KEY (statement_id, number)
        REFERENCES statement_lines (statement_id, number) ON DELETE CASCADE
);
CREATE INDEX allocations_by_tender ON allocations (tender_id, statement_id, number);

-- The paid part: never more than the tender. `covered` is 1 if it is paid except for the tolerance.
ALTER TABLE tenders ADD COLUMN settled BIGINT NOT NULL DEFAULT 0 CHECK (
    amount >= 0 AND settled BETWEEN 0 AND amount OR amount < 0 AND settled BETWEEN amount AND 0);
ALTER TABLE tenders ADD COLUMN covered BIGINT NOT NULL DEFAULT 0;
ALTER TABLE statement_lines ADD COLUMN kind TEXT NOT NULL DEFAULT '';

INSERT INTO allocations (statement_id, number, tender_id, amount)
SELECT l.statement_id, l.number, t.id, t.amount
FROM tenders t JOIN statement_lines l ON l.tender_id = t.id AND l.settles = 1
    AND t.settled_by = l.statement_id || '.' || CAST(l.number AS TEXT)
WHERE t.amount <> 0;
UPDATE tenders SET settled = amount, covered = 1 WHERE settled_by IS NOT NULL OR amount = 0;
UPDATE statement_lines SET settles = CASE WHEN EXISTS (SELECT 1 FROM allocations a
    WHERE a.statement_id = statement_lines.statement_id AND a.number = statement_lines.number) THEN 1 ELSE 0 END;
UPDATE statement_lines SET kind = CASE
    WHEN line{json} ->> 'kind' IN ('payment', 'refund', 'chargeback', 'fee', 'adjustment') THEN line{json} ->> 'kind'
    WHEN line{json} ->> 'kind' = 'chargeback_reversal' THEN 'chargeback-reversal'
    ELSE 'other' END;

-- The rules that decided about these lines knew only one line for each tender: matching checks their tenders again.
UPDATE tenders SET fresh = 1 WHERE covered = 0 OR id IN (SELECT tender_id FROM statement_lines
    WHERE outcome IN ('amount-mismatch', 'duplicate') OR outcome = 'matched' AND converted = 0);

-- A line is found by its references, whatever its outcome: a new line or tender may change it.
DROP INDEX statement_lines_waiting_psp;
DROP INDEX statement_lines_waiting_modification;
DROP INDEX statement_lines_waiting_merchant;
CREATE INDEX statement_lines_by_psp ON statement_lines (retailer, psp_reference)
    WHERE psp_reference <> '';
CREATE INDEX statement_lines_by_modification ON statement_lines (retailer, modification_reference)
    WHERE modification_reference <> '';
CREATE INDEX statement_lines_by_merchant ON statement_lines (retailer, merchant_reference)
    WHERE merchant_reference <> '';
ALTER TABLE statement_lines DROP COLUMN waits;

-- Uncovered payments are listed by their business date.
DROP INDEX tenders_uncovered;
CREATE INDEX tenders_uncovered ON tenders (retailer, business_date, id)
    WHERE covered = 0 AND voided = 0;
ALTER TABLE tenders DROP COLUMN settled_by;
