-- Statements that Orleans' ADO.NET providers run. They ask for this table and its two columns by name, and for the statements by key.
CREATE TABLE IF NOT EXISTS OrleansQuery (
    QueryKey  text PRIMARY KEY,
    QueryText text NOT NULL
);

-- Which version of these scripts was applied last, and the oldest version whose programs may use what is there.
CREATE TABLE IF NOT EXISTS emu3_schema (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version  integer NOT NULL
);
ALTER TABLE emu3_schema ADD COLUMN IF NOT EXISTS oldest integer;
