"""Tables for a terminal. Pure."""

from collections.abc import Sequence


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A line for each row, in columns as wide as their widest cell; the last one ends where it ends. All rows have as many cells."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    padded = ([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]] for row in rows)
    return ["  ".join(cells).rstrip() for cells in padded]
