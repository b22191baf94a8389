"""The command line. Each command parses its arguments, calls a service or selector, and prints the answer.

One module per group of commands. `output` has what all commands share and shows how to add one; there are no business
rules here.
"""
