"""Tests of the estimator and of simulated plants, without a database."""
