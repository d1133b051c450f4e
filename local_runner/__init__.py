"""The whole of turnscribe on one machine: `python -m local_runner`. Development, tests, demos and small installations.

Composes the same three applications that run on Cloud Run, in one process and on embedded adapters, and starts Whisper beside them.
"""
