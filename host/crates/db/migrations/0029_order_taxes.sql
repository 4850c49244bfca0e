-- How an order got its taxes, in JSON; NULL if they were sent and not compared.
ALTER TABLE orders ADD COLUMN taxes TEXT;
