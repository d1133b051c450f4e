"""The ports over Google Cloud: Cloud Storage, Pub/Sub, Firestore. Each module translates its vendor's errors into the three classes."""
