"""The Protocols between the services and the world. Each has an embedded and (later) a cloud adapter; one contract suite runs over both."""
