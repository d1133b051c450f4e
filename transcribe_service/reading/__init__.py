"""What readers ask for: a meeting and its transcript, in every form."""
