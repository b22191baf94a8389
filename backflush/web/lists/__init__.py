"""Code that all lists share: pagination, filters, exported files and export jobs."""
