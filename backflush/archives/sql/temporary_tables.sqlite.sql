-- create_archive_goes --
-- Create the temporary table of the selected nodes: postings, and cost objects as negative numbers.
-- By hand: as on PostgreSQL.
-- Example:
CREATE TEMPORARY TABLE IF NOT EXISTS archive_goes (id integer PRIMARY KEY);

-- create_archive_ties --
-- Create the temporary table of the connections between selected nodes.
-- By hand: as on PostgreSQL.
-- Example:
CREATE TEMPORARY TABLE IF NOT EXISTS archive_ties (
    one bigint NOT NULL, other bigint NOT NULL, PRIMARY KEY (one, other)
) WITHOUT ROWID;
