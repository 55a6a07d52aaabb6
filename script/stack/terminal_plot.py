"""The table of script/run as a picture for a terminal: a line for each quantile, a mark a source."""

import shutil

# In the order in which they are drawn, one over the other.
MARKS = (("recorded", "o", "\033[34m"), ("asked", "+", "\033[33m"), ("law", "|", "\033[36m"))
NAMES = {"law": "the law", "recorded": "the server's own histogram", "asked": "Prometheus"}
RESET = "\033[0m"
LEAST_COLUMNS = 40
MOST_COLUMNS = 100


def position(value, end, columns):
    return min(round(value / end * (columns - 1)), columns - 1)


def line(values, end, columns):
    """Marks on one line; where several fall together the law's is seen, else Prometheus'."""
    cells = ["·"] * columns
    for (_, mark, colour), value in zip(MARKS, values):
        if value is not None:
            cells[position(value, end, columns)] = f"{colour}{mark}{RESET}"
    return "".join(cells)


def plot(table, columns=None):
    """Of the rows of quantile_table; empty when there is nothing to show."""
    rows = [(name, (recorded, asked, law)) for name, law, recorded, asked, _ in table]
    known = [value for _, values in rows for value in values if value is not None and value == value]
    if not known or max(known) <= 0:
        return ""
    columns = columns or shutil.get_terminal_size().columns
    width = max(min(columns, MOST_COLUMNS), LEAST_COLUMNS) - 8
    end = max(known) * 1.02
    lines = [f"{name:<5} " + line([value if value == value else None for value in values], end, width)
             for name, values in rows]
    axis = f"0{f'{end:.3g} s':>{width - 1}}"
    legend = "   ".join(f"{colour}{mark}{RESET} {NAMES[name]}" for name, mark, colour in MARKS)
    return "\n".join([*lines, " " * 6 + axis, " " * 6 + legend])
