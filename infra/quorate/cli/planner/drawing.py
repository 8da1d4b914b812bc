"""A layout as SVG: zones as boxes, managers as discs, the answer beneath."""

from __future__ import annotations

from html import escape

from quorate.cli.planner import words
from quorate.layout.bounds import text
from quorate.layout.checks import Check

WIDTH, DISC, GAP, PER_ROW = 132, 14, 12, 3
STYLE = """\
svg{font:14px system-ui,sans-serif;color-scheme:light dark}
.zone{fill:#f4f6f8;stroke:#66788a}.manager{fill:#1f6feb}.word{fill:#1c2733}.weak{fill:#b3261e}
@media(prefers-color-scheme:dark){.zone{fill:#1c2733;stroke:#8fa3b5}.manager{fill:#79b8ff}
.word{fill:#e8eef4}.weak{fill:#ff8a80}}"""


def draw(found: Check) -> str:
    """One SVG document that needs nothing else."""
    rows = max(1, *(-(-count // PER_ROW) for count in found.layout))
    box = 44 + rows * (2 * DISC + GAP)
    width = len(found.layout) * (WIDTH + GAP) + GAP
    lines = words.wrapped(words.verdict(found), "", max(20, width // 8)).splitlines()
    lines.append(f"Quorum {found.quorum} of {found.managers}; tolerates {words.tolerated(found.tolerates)}.")
    height = GAP + box + 12 + 20 * len(lines) + GAP
    kind = "word" if found.meets_goal else "weak"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-labelledby="title">',
        f'<title id="title">{escape(text(found.layout))} over '
        f"{escape(', '.join(zone.name for zone in found.zones))}: {escape(words.verdict(found))}</title>",
        f"<style>{STYLE}</style>",
        *(
            _zone(zone.name, count, GAP + index * (WIDTH + GAP), box)
            for index, (zone, count) in enumerate(zip(found.zones, found.layout, strict=True))
        ),
        *(
            f'<text class="{kind if row == 0 else "word"}" x="{GAP}" y="{GAP + box + 26 + 20 * row}">'
            f"{escape(line)}</text>"
            for row, line in enumerate(lines)
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _zone(name: str, count: int, left: int, height: int) -> str:
    middle = left + WIDTH / 2
    discs = []
    for manager in range(count):
        row, column = divmod(manager, PER_ROW)
        in_row = min(PER_ROW, count - row * PER_ROW)
        across = middle + (column - (in_row - 1) / 2) * (2 * DISC + GAP)
        down = GAP + 44 + DISC + row * (2 * DISC + GAP)
        discs.append(f'<circle class="manager" cx="{across:g}" cy="{down}" r="{DISC}"/>')
    return (
        f'<g><rect class="zone" x="{left}" y="{GAP}" width="{WIDTH}" height="{height}" rx="8"/>'
        f'<text class="word" x="{middle:g}" y="{GAP + 26}" text-anchor="middle">{escape(name)}</text>'
        f"{''.join(discs)}</g>"
    )
