-- create_archive_goes --
-- Create the temporary table of the selected nodes: postings, and cost objects as negative numbers.
-- By hand: the ORM has no temporary tables.
-- Example:
CREATE TEMPORARY TABLE IF NOT EXISTS archive_goes (id bigint PRIMARY KEY);

-- create_archive_ties --
-- Create the temporary table of the connections between selected nodes.
-- By hand: as create_archive_goes.
-- Example:
CREATE TEMPORARY TABLE IF NOT EXISTS archive_ties (
    one bigint NOT NULL, other bigint NOT NULL, PRIMARY KEY (one, other)
);
