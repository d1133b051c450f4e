"""The Protocols between the services and the world. Each has an embedded adapter and one for Google Cloud; one contract suite runs over both."""
