"""The questions behind Home: one module for each uzLET, each with one selector that reads and changes nothing.

A module costs a fixed number of statements, however much there is. How a block looks and for whom it is lives in
`web.blocks`.
"""
