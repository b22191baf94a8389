"""Upkeep: looking after a plant's database as a whole.

Back-up and restore, spreading it over the servers of a Citus cluster, and the figures that monitoring asks for. It
knows which tables there are and nothing of what they mean; what is right in them is for `audit` to say.
"""
