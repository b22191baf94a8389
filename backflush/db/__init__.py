"""Database helpers without business nouns.

- `fields`: exact decimals and references within a site
- `queries`: named SQL statements for the hot path
- `online_schema`: migration operations that don't hold up people who are booking on PostgreSQL
- `unique_names`: turns a violated unique name into a refusal
- `connections`: a second database connection
- `gc_pause`: pauses the garbage collector
"""
