"""The storage that gives static files their hashed names, also where one script imports another."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage, which rewrites the imports of scripts as it rewrites the addresses in style sheets.

    Without it a page would get `main.1f2e3d.js` and then ask for `dom.js`, which is cached for a short time only and
    may be of another version.
    """

    support_js_module_import_aggregation = True
