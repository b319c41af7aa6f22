"""Phone models: firmware profiles, tuned timers, forecasts. Pure."""
