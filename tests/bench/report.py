"""Medians, their certainty, and tables."""
import math
import statistics


class Ratio:
    """Of the values of one contestant to those of another in the same rounds."""

    def __init__(self, values, base):
        ratios = sorted(v / b for v, b in zip(values, base))
        n = len(ratios)
        self.median = statistics.median(ratios)
        self.low, self.high = ratios[n // 4], ratios[3 * n // 4]
        # The ranks between which the true median lies in 95 of 100 cases
        reach = 0.98 * math.sqrt(n)
        first = max(0, math.floor(n / 2 - reach))
        last = min(n - 1, math.ceil(n / 2 + reach))
        self.error = (ratios[last] - ratios[first]) / 2

    def __str__(self):
        return f"{self.median:.3f} ({self.error:.3f}) [{self.low:.2f} {self.high:.2f}]"


def microseconds(values):
    return f"{statistics.median(values) / 1000:.1f}"


def count(value):
    return "-" if value is None else f"{value:.0f}"


def table(title, head, rows):
    """Prints rows of text in columns; the first is flushed left."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    print(f"\n{title}\n")
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("    " + "  ".join(cells).rstrip(), flush=True)
