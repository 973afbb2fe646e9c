"""How an effect leaves: the client's conversation, documents, owner notifications; each declares its guarantee."""

from selftimer import lean  # noqa: F401 - for what it does, before httpx is imported
