"""Our drawing of BiGAN, ALICE and ALAD: which pairs each discriminator sees.

The pairs are those of the table in `alad.adversarial.game`.
"""

from dataclasses import dataclass

from alad.report.charts.canvas import WIDTH, Chart, words
from alad.report.markup import Markup, joined, tag

METHODS = ("BiGAN", "ALICE", "ALAD")
ROW, TOP = 74, 88  # height of one discriminator's row, and of what stands above the rows
BOX = 46  # width of a network's box


@dataclass(frozen=True)
class Judged:
    """One discriminator: its real and its fake pair, and the methods that play its game."""

    index: str  # of D
    real: tuple[str, str]
    fake: tuple[str, str]
    methods: tuple[str, ...]
    asks: str


GAMES = (
    Judged("xz", ("x", "E(x)"), ("G(z)", "z"), METHODS, "does the code belong to the row?"),
    Judged("xx", ("x", "x"), ("x", "G(E(x))"), METHODS[1:], "does the row come back?"),
    Judged("zz", ("z", "z"), ("z", "E(G(z))"), METHODS[2:], "does the code come back?"),
)


def game_chart() -> Chart:
    """The two networks, the three discriminators with their pairs, and who plays which game."""
    rows = [_row(judged, TOP + ROW * at) for at, judged in enumerate(GAMES)]
    described = "E turns a row x into a code E(x); G turns a code z into a row G(z). " + " ".join(
        map(_told, GAMES)
    )
    body = joined([_networks(), _heads(), *rows])
    title = "Which pairs each discriminator sees: BiGAN, ALICE, ALAD"
    return Chart(title, described, TOP + ROW * len(GAMES) + 4, body)


def _told(judged: Judged) -> str:
    real, fake = (f"({first}, {second})" for first, second in (judged.real, judged.fake))
    whose = ", ".join(judged.methods)
    return f"D_{judged.index} tells {real}, real, from {fake}, fake: {whose}."


def _networks() -> Markup:
    """x → E → E(x) and z → G → G(z), above the rows."""
    return joined([_network("x", "E", "E(x)", 4), _network("z", "G", "G(z)", WIDTH / 2 + 4)])


def _network(source: str, name: str, result: str, left: float) -> Markup:
    y, box = 24.0, left + 52
    return joined(
        [
            words(source, left + 12, y + 5, "middle", "maths"),
            _arrow(left + 24, y, box - 4),
            _box(box, y - 16, BOX, 32),
            words(name, box + BOX / 2, y + 5, "middle", "maths strong"),
            _arrow(box + BOX + 4, y, box + BOX + 28),
            words(result, box + BOX + 34, y + 5, "start", "maths"),
        ]
    )


PAIRS = (74, 190)  # where the real and the fake pair stand, and how wide a pair is
PAIR, DOTS = 106, (336, 386, 436)  # and the methods' dots


def _heads() -> Markup:
    heads = [("real pair", PAIRS[0] + PAIR / 2), ("fake pair", PAIRS[1] + PAIR / 2)]
    heads += list(zip(METHODS, DOTS, strict=True))
    return joined(words(text, at, TOP - 14, "middle", "name") for text, at in heads)


def _row(judged: Judged, top: float) -> Markup:
    y = top + 22
    return joined(
        [
            tag("path", class_="grid", d=f"M0 {top - 4:.1f}H{WIDTH}"),
            _discriminator(judged.index, y),
            _pair(judged.real, PAIRS[0], y, "t3"),
            _pair(judged.fake, PAIRS[1], y, "t2"),
            *(
                _dot(at, y, method in judged.methods)
                for method, at in zip(METHODS, DOTS, strict=True)
            ),
            words(judged.asks, PAIRS[0], y + 37, "start", "name"),
        ]
    )


def _discriminator(index: str, y: float) -> Markup:
    label = tag("tspan", index, dy=4, class_="index")
    return joined(
        [
            _box(4, y - 16, 52, 34),
            tag("text", "D", label, x=30, y=y + 4, text_anchor="middle", class_="maths strong"),
        ]
    )


def _pair(pair: tuple[str, str], left: float, y: float, tone: str) -> Markup:
    """A capsule with both members of the pair."""
    capsule = tag("rect", class_="pair", x=left, y=y - 15, width=PAIR, height=32, rx=16)
    text = words(f"( {pair[0]}, {pair[1]} )", left + PAIR / 2, y + 6, "middle", "maths")
    return tag("g", capsule, text, class_=tone)


def _dot(at: float, y: float, plays: bool) -> Markup:
    shape = {"cx": at, "cy": y, "r": 7}
    drawn = tag("circle", class_="dot" if plays else "absent", **shape)
    return tag("g", tag("title", "plays" if plays else "does not"), drawn, class_="t1")


def _box(x: float, y: float, width: float, height: float) -> Markup:
    return tag("rect", class_="box", x=x, y=y, width=width, height=height, rx=6)


def _arrow(x: float, y: float, to: float) -> Markup:
    line = tag("path", class_="arrow", d=f"M{x:.1f} {y:.1f}H{to - 5:.1f}")
    head = f"M{to:.1f} {y:.1f}l-8 -4v8z"
    return joined([line, tag("path", class_="head", d=head)])
