"""The page: HTML made on the server, from the report. Each section is a part with an id, and can be renewed alone."""
