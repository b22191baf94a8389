"""Tests of the doors: how they translate input and answers, and how they refuse."""
