"""Bytes or text to frozen values and back. Pure: no clock, no randomness, no I/O; only `DecodeError` is raised."""
