"""What a person does with the sandbox by hand: acting as its clients and its owner, and the page at /_sandbox/."""
