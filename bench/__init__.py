"""What Selftimer costs, beside peers measured in the same run: `python -m bench`."""
