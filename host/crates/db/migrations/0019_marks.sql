-- What an authority answered is what people ask by; the unique index begins with the order.
CREATE INDEX story_marks_by_mark ON fiscal_marks (mark);
