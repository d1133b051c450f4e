"""One module for each command, with its options in `add(commands)`; `turnscribe.cli` lists them. What all share is in `command`."""
