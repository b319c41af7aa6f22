"""What the agent decides. Pure: events in, commands out; the only time is the `now` that is handed in."""
