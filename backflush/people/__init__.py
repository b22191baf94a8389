"""People: who did it. Users; roles and rights come with the pages."""
