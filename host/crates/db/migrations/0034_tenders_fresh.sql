-- By retailer: a retailer whose matching rules are unknown does not delay the others.
DROP INDEX tenders_fresh;
CREATE INDEX tenders_fresh ON tenders (retailer, accepted_ms, id) WHERE fresh = 1;
