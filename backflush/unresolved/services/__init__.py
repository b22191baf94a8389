"""Saying what really happened to what couldn't be assumed: resolve, cancel, retry, and undo of each.

Each settles under the lock of the movement that it is about, so two people can't both do it.
"""
