"""Configuration: environment variables (`env`), Django settings, logging, and the WSGI entry point.

It is inside the package because a top-level package named `config` could clash with another project's.
"""
