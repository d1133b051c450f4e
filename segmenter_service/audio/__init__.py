"""From a connection's bytes to PCM, resumably: sniff → demux → blocks → decode. No Redis, no bucket, no Flask."""
