"""Which of Whisper's words are not believed, and why. Pure; one file for each reason, all of them listed in `rules`."""
