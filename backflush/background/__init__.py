"""Background jobs: long retries and exports that the worker carries out, with their progress and result.

A job consists of small steps that are each complete, so an interrupted job continues where it stopped. The packages
that begin a job define its steps and check the rights. No posting depends on a job.
"""
