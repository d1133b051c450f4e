"""The web page: meetings to read, hear, search and record, for people with a browser and a token."""
