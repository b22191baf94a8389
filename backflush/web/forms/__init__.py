"""Code that all forms share: reading input, fields, dry runs, idempotency keys, scan forms."""
