"""Several connections of one meeting: what each of them heard, and which of them is shown and transcribed."""
