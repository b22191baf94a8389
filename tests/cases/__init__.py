"""The worked examples of the specification, run through the same services as the doors use."""
