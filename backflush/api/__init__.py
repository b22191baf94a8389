"""The programs' door: bookings and what waits, as JSON over HTTP, under `/api/v1/`. The whole of it is described at
`/api/v1/openapi.json`.

It only translates: a program comes in by a token (`backflush person NAME --role operator --token`) as a person with
that person's roles, and a cookie of the pages is worth nothing here, so no form of another site can use one. Refusals
are `{code, field, sentence, details}`, with the status that the pages answer with.
"""
