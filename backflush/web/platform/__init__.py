"""Request handling that no page shows: visits, errors, security headers, health, metrics, static files."""
