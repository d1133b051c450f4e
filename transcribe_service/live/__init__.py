"""Meetings live: server-sent events for whoever watches one, made once for all who do."""
