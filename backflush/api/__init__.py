"""JSON over HTTP under `/api/v1/`, for other programs: bookings, receipts and the unresolved queue.

`endpoints` authenticates by bearer token (`backflush person NAME --role operator --token`), checks the person's rights
and calls the services; it has no rules of its own. The cookies of the pages don't authenticate here, so no other web
site can send requests for a person who is signed in. A refusal is `{code, field, sentence, details}`. The description
is at `/api/v1/openapi.json`, and as a page in `description`.
"""
