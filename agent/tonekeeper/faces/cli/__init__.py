"""The command line: what is asked for, as values; and how the answers are shown. `app` does the work between."""
