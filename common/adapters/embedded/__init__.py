"""Adapters that need nothing but this machine: files, SQLite, HTTP to itself. All of them survive `kill -9` at any instant.

Several processes may share the files, one machine may hold them: SQLite's WAL and `flock` do not work over a network.
"""
