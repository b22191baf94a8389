"""The worked examples of the specification, run through the services that the doors use."""
