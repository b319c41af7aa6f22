"""Instants that never come and instants long past, as plain numbers: a checkpoint is JSON, which has no infinity."""

NEVER = 1e15
LONG_AGO = -1e15
