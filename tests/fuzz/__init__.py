"""Coverage-guided fuzzing of everything that reads foreign bytes. `python -m tests.fuzz --help`; the short form is in `test_fuzz`."""
