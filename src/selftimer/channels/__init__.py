"""How an effect leaves: the client's conversation, documents, owner notifications; each declares its guarantee."""
