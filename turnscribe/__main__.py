"""`python -m turnscribe`: the same as the command `turnscribe`."""

from turnscribe.cli import main

if __name__ == "__main__":
    main()
