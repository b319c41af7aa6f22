"""The page: HTML made on the server, from the report and a template."""
