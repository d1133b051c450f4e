"""What every way in shares: what an uploader may say, and how it becomes durable objects and their events. Knows no HTTP server."""
