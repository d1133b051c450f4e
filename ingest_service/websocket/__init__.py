"""`/v1/stream`: a stream over one WebSocket, in the thread of the request that opened it. The protocol stands in docs/websocket.md."""
