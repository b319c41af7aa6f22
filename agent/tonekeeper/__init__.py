"""Tonekeeper: an edge agent that keeps the dial tone of hosted-VoIP sites."""

__version__ = "0.1.0"
