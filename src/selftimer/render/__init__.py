"""Pure: template and context to message; money and date words."""
