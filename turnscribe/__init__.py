"""The client of turnscribe: SDK and command line. Speaks HTTP to the services and imports none of them."""

__version__ = "0.1.0"
