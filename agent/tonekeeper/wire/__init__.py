"""Bytes or text to frozen values and back. Pure: no clock, no randomness, no I/O; `DecodeError` is all that is raised."""
