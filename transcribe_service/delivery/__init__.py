"""Delivery: transcripts sent on to the Engine API and to webhooks, each receiver at its own pace."""
