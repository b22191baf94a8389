"""Code that the interfaces share: pages, the API, the command line and streams use it, and none of them uses another.

The status of a refusal (`refusals`), the JSON of refusals, previews and unresolved movements (`payloads`), positions in
long lists (`pagination`), a user's rights at a site (`visitor`), the check for NUL characters in requests
(`null_characters`), and the counting of requests (`metrics`).

No business rules live here: these are in the packages below.
"""
