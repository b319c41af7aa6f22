"""The agent over HTTP: protocol, routes, metrics, page. Everything is rendered from the report."""
