"""Database helpers without business nouns.

- `fields`: exact decimals and references within a site
- `sql_files`: reads the `.sql` files of the packages
- `statements`: runs their statements
- `queries`: reads model instances by a statement, for the hot path
- `checks`: compares the statements' columns with the models at start
- `online_schema`: migration operations that don't hold up people who are booking on PostgreSQL
- `unique_names`: turns a violated unique name into a refusal
- `connections`: a second database connection
- `vendors`: what the two databases do differently, by purpose
- `gc_pause`: pauses the garbage collector
"""
