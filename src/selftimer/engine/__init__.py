"""The async shell: observe, decide, deliver. It fetches, stores and sends; the pure floors decide."""
