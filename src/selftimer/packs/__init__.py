"""Packs: rules with words and tests for one kind of work, which `selftimer new` writes and the owner then owns."""
