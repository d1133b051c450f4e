"""`turnscribe demo`: plays a recording to services that it starts on this machine, and measures what comes out."""
