"""Bookings that machines and other programs report: lines of JSON read, booked as they come, and answered.

`lines` says what a line and its answer look like, `arriving` cuts what comes into chunks, `taking` books it, from a
stream or from a folder into which files are dropped. Deciding is left to the rooms: here is only reading and telling.
"""
