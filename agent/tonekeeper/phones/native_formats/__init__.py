"""The syntaxes of phones' settings files: where values stand in them, and how a setting is written."""
