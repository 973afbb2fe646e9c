"""A faithful local Studio API with a studio that lives behind it. Shares no code with the client."""
