"""What comes in from outside: signed calls of the service, kept before they are answered.

Imported only where `selftimer.toml` has a webhook with `fields`: a service without one doesn't grow by a web server.
"""
