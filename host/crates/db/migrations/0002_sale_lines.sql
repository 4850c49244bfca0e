-- What a report by article and one without taxes need of a line. Lines from before are taken to have
-- their taxes included, as in every shop that was served until now.
ALTER TABLE sale_lines ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE sale_lines ADD COLUMN net BIGINT NOT NULL DEFAULT 0;
UPDATE sale_lines SET net = amount - tax;
