"""Pure: decisions. Runs and their steps, the next attempt of a delivery, limits, quiet hours."""
