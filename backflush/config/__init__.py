"""How Backflush is set up: what the environment says, and the settings Django reads.

Lives inside the package, although nothing in the rooms imports it: installed
beside other projects, a top-level `config` would clash in site-packages.
"""
