"""Draw the pictures of docs/method.md as SVG, light or dark as the reader's system is.

    python tools/drawings.py

Numbers in them are computed: the ellipse is that of the matrix W below.
"""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "docs" / "drawings"
STYLE = """
  :root { --ink: #1b1f24; --muted: #5b6470; --edge: #9aa3ae; --box: #f0f2f5;
          --real: #0a7f5f; --fake: #c4541a; --accent: #0b5cad; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e8eaed; --muted: #a3abb5; --edge: #7a848f; --box: #262b32;
            --real: #4cc9a0; --fake: #f0924f; --accent: #7cb8f5; } }
  text { font: 14px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--ink);
         text-anchor: middle; }
  .small { font-size: 12px; fill: var(--muted); } .left { text-anchor: start; }
  .maths { font-style: italic; } .index { font-size: 10px; }
  .box { fill: var(--box); stroke: var(--edge); stroke-width: 1.5; }
  .real { stroke: var(--real); fill: none; stroke-width: 2; }
  .fake { stroke: var(--fake); fill: none; stroke-width: 2; }
  .line { stroke: var(--edge); fill: none; stroke-width: 1.5; }
  .dashed { stroke-dasharray: 5 4; } .head { fill: var(--edge); }
  .dot { fill: var(--accent); } .ring { fill: none; stroke: var(--edge); }
  .accent { stroke: var(--accent); fill: none; stroke-width: 2; }
"""
WIDTH = 480


def text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{words}</text>'


def box(x: float, y: float, words: str, width: float = 46, height: float = 34) -> str:
    """A network, centred at (x, y)."""
    left, top = x - width / 2, y - height / 2
    frame = f'<rect class="box" x="{left:g}" y="{top:g}" width="{width}" height="{height}" rx="6"/>'
    return frame + text(x, y + 5, words, "maths")


def pair(x: float, y: float, words: str, kind: str) -> str:
    frame = f'<rect class="{kind}" x="{x - 54:g}" y="{y - 16:g}" width="108" height="32" rx="16"/>'
    return frame + text(x, y + 5, words, "maths")


def arrow(*points: tuple[float, float]) -> str:
    """Through points; the last piece is horizontal or vertical."""
    (x0, y0), (x, y) = points[-2:]
    across, down = np.sign(x - x0), np.sign(y - y0)
    way = " ".join(f"{a:g},{b:g}" for a, b in [*points[:-1], (x - 4 * across, y - 4 * down)])
    back, side = 8, 4
    corners = [
        (x, y),
        (x - back * across - side * down, y - back * down - side * across),
        (x - back * across + side * down, y - back * down + side * across),
    ]
    head = " ".join(f"{a:g},{b:g}" for a, b in corners)
    return f'<polyline class="line" points="{way}"/><polygon class="head" points="{head}"/>'


def discriminator(x: float, y: float, index: str) -> str:
    return box(x, y, f'D<tspan class="index" dy="4">{index}</tspan>', 54)


def drawn(name: str, height: int, title: str, *parts: str) -> None:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    content = "\n".join([head, f"<title>{title}</title>", f"<style>{STYLE}</style>", *parts])
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).write_text(content + "\n</svg>\n", "utf-8")


# --- which pairs each discriminator sees ----------------------------------------------------------

GAMES = (  # discriminator, real pair, fake pair, what it asks, who plays it: BiGAN, ALICE, ALAD
    ("xz", "x, E(x)", "G(z), z", "does the code belong to the row?", (True, True, True)),
    ("xx", "x, x", "x, G(E(x))", "does the row come back?", (False, True, True)),
    ("zz", "z, z", "z, E(G(z))", "does the code come back?", (False, False, True)),
)


def pairs() -> None:
    parts = []
    for left, source, name, result in ((4, "x", "E", "E(x)"), (244, "z", "G", "G(z)")):
        parts += [
            text(left + 14, 31, source, "maths"),
            arrow((left + 26, 26), (left + 58, 26)),
            box(left + 81, 26, name),
            arrow((left + 104, 26), (left + 136, 26)),
            text(left + 160, 31, result, "maths"),
        ]
    heads = ("real pair", 130), ("fake pair", 248), ("BiGAN", 338), ("ALICE", 392), ("ALAD", 444)
    parts += [text(x, 84, words, "small") for words, x in heads]
    for row, (index, real, fake, asks, plays) in enumerate(GAMES):
        y = 114 + 70 * row
        parts += [
            discriminator(32, y, index),
            pair(130, y, f"({real})", "real"),
            pair(248, y, f"({fake})", "fake"),
            text(76, y + 34, asks, "small left"),
        ]
        for x, plays_it in zip((338, 392, 444), plays, strict=True):
            parts.append(
                f'<circle class="{"dot" if plays_it else "ring"}" cx="{x}" cy="{y}" r="7"/>'
            )
    drawn("pairs.svg", 300, "Which pairs each discriminator sees", *parts)


# --- the score ------------------------------------------------------------------------------------


def score() -> None:
    parts = [
        text(22, 75, "x", "maths"),
        arrow((34, 70), (66, 70)),
        box(89, 70, "E"),
        arrow((112, 70), (136, 70)),
        text(160, 75, "E(x)", "maths"),
        arrow((182, 70), (204, 70)),
        box(227, 70, "G"),
        arrow((250, 70), (274, 70)),
        text(288, 75, "x′", "maths"),
        pair(120, 150, "(x, x)", "real"),
        pair(288, 150, "(x, x′)", "fake"),
        arrow((288, 84), (288, 132)),
        arrow((22, 84), (22, 150), (64, 150)),
        f'<polyline class="line dashed" points="22,{150} 22,{112} 262,{112}"/>',
        arrow((262, 112), (262, 132)),
        arrow((120, 168), (120, 198)),
        arrow((288, 168), (288, 198)),
        discriminator(120, 216, "xx"),
        discriminator(288, 216, "xx"),
        arrow((120, 234), (120, 262)),
        arrow((288, 234), (288, 262)),
        text(120, 280, "f(x, x)", "maths"),
        text(288, 280, "f(x, x′)", "maths"),
        arrow((146, 275), (178, 275)),
        arrow((258, 275), (230, 275)),
        text(204, 281, "−", ""),
        text(414, 132, "the same D, twice:", "small"),
        text(414, 150, "a row with itself,", "small"),
        text(414, 168, "and with its", "small"),
        text(414, 186, "reconstruction", "small"),
        text(414, 270, "score: sum of the", "small"),
        text(414, 288, "absolute differences", "small"),
        text(240, 24, "E and G: there and back", "small"),
    ]
    drawn("score.svg", 304, "The score: distance of D_xx's features", *parts)


# --- spectral normalisation -----------------------------------------------------------------------

W = np.array([[1.5, 0.6], [0.2, 0.8]])


def spectral() -> None:
    sigma = float(np.linalg.svd(W, compute_uv=False)[0])
    scale = 38.0
    parts = []
    for centre, matrix, words in (
        (80, np.eye(2), "directions of length 1"),
        (240, W, f"through W: up to {sigma:.2f}"),
        (400, W / sigma, "through W ÷ σ: at most 1"),
    ):
        parts += [
            f'<circle class="line dashed" cx="{centre}" cy="90" r="{scale:g}"/>',
            f'<polygon class="accent" points="{image_of_circle(matrix, centre, 90, scale)}"/>',
            text(centre, 178, words, "small"),
        ]
    parts += [arrow((140, 90), (166, 90)), arrow((314, 90), (346, 90))]
    parts += [text(153, 80, "W", "maths"), text(330, 80, "÷ σ", "maths")]
    drawn("spectral.svg", 190, "Spectral normalisation", *parts)


def image_of_circle(matrix: np.ndarray, x: float, y: float, scale: float) -> str:
    angle = np.linspace(0, 2 * np.pi, 73)[:-1]
    points = scale * matrix @ np.array([np.cos(angle), np.sin(angle)])
    return " ".join(f"{x + a:.1f},{y - b:.1f}" for a, b in points.T)


if __name__ == "__main__":
    pairs()
    score()
    spectral()
