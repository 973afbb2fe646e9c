"""The tables' history, for databases made by an older Selftimer (`selftimer.store.schema`)."""
