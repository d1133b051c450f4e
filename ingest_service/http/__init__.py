"""Requests to structs, outcomes to answers: the routes, and what all of them need (bodies, cross-origin pages, limits)."""
