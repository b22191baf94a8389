"""Pages for auditors and controllers: the audit worksheet, periods, archives."""
