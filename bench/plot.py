"""A plot of the results as SVG: a bar a contender, as long as its ratio to the bare scan."""

import html

from results import Result, by_workload, ratio

LINE, LEFT, WIDTH = 18, 230, 480
LONGEST = 8  # the ratio that a bar of full length has; longer ones are cut, their number says so


def plot(results: list[Result]) -> str:
    elements, y = [], 10
    for title, group in by_workload(results):
        y += LINE
        elements.append(_text(10, y, title, weight="bold"))
        for result in group:
            scan = ratio(result, group) if result.runs else None
            if scan is None:
                continue
            y += LINE
            length = WIDTH * min(scan, LONGEST) / LONGEST
            colour = "#2a6fbb" if result.contender.startswith("sheaf") else "#b8bec6"
            place = f'x="{LEFT}" y="{y - 12}" width="{length:.0f}" height="14"'
            elements.append(_text(20, y, result.contender))
            elements.append(f'<rect {place} fill="{colour}"/>')
            elements.append(_text(LEFT + length + 6, y, f"{scan:.2f}"))
        y += LINE // 2
    y += LINE
    elements.append(_text(LEFT, y, "time as a multiple of a bare scan's; shorter is better"))
    size = f'width="{LEFT + WIDTH + 70}" height="{y + LINE}"'
    font = 'font-family="sans-serif" font-size="12"'
    start = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>'
    background = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([start, background, *elements, "</svg>\n"])


def _text(x: float, y: float, text: str, weight: str = "normal") -> str:
    place = f'x="{x:.0f}" y="{y:.0f}" font-weight="{weight}"'
    return f"<text {place}>{html.escape(text)}</text>"
