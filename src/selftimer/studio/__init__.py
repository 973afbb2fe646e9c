"""The Studio API client: httpx, auth, paging, limits, wire models, error mapping."""
