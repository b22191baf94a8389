"""Errands: what somebody asked for that takes too long to wait for, done in the background by the worker.

Here lives how far an errand has come, what came of it, and the file that it made. What is done, and whether it may
be, is the business of the rooms and doors that begin one: they hand over a task that takes small steps, each whole
in itself, so that one that was stopped goes on where it stopped. No posting depends on an errand having run.
"""
