"""Streams of bookings from machines and other programs: JSON lines in, one answer per line out.

`line_format` defines a line and its answer, `arrivals` cuts the input into chunks, `intake` books them, from a stream
or from a folder into which files are dropped. The rules are in the services that `intake` calls.
"""
