"""Database helpers that know no business noun: exact number fields, named queries, online schema changes."""
