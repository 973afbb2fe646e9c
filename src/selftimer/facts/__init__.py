"""Pure: the records of a studio, what changed between two of them, and the events that follow."""
