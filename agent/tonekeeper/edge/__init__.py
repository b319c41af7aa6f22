"""One adapter per outside thing. Adapters speak in core values and keep no opinion."""
