"""The command line: a door. It reads what a person typed, calls one room's service or selector, and shows the answer.

One module for each room that it opens; `frame` has what they share, and says how a command is added. No rule of the
business lives here.
"""
