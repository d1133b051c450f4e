"""What two or more services share: events, ids, errors, ports and their adapters, the push envelope, settings, logs, health.

Imports no service.
"""

__version__ = "0.1.0"
