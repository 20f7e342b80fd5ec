"""A drawing of BiGAN, ALICE and ALAD: the pairs that each discriminator sees."""

from alad.adversarial.game import FAMILY, Term
from alad.report.charts.canvas import WIDTH, Chart, words
from alad.report.markup import Markup, joined, tag

METHODS = {"bigan": "BiGAN", "alice": "ALICE", "alad": "ALAD"}  # key of FAMILY -> name
TERMS = tuple(dict.fromkeys(term for method in METHODS for term in FAMILY[method].terms))
ROW, TOP = 74, 88  # height of one discriminator's row, and of what stands above the rows
BOX = 46  # width of a network's box


def game_chart() -> Chart:
    """Draw E and G, the discriminators with their pairs, and which method has which."""
    rows = [_row(term, TOP + ROW * at) for at, term in enumerate(TERMS)]
    described = ["E turns a row x into a code E(x); G turns a code z into a row G(z)."]
    for term in TERMS:
        real, fake = (f"({', '.join(pair)})" for pair in (term.real, term.fake))
        pairs, methods = f"tells {real}, real, from {fake}, fake", ", ".join(methods_of(term))
        described.append(f"D_{term.name} {pairs}: {methods}.")
    networks = [_network("x", "E", "E(x)", 4), _network("z", "G", "G(z)", WIDTH / 2 + 4)]
    heads = [("real pair", PAIRS[0] + PAIR / 2), ("fake pair", PAIRS[1] + PAIR / 2)]
    heads += list(zip(METHODS.values(), DOTS, strict=True))
    names = [words(text, at, TOP - 14, "middle", "name") for text, at in heads]
    body = joined([*networks, *names, *rows])
    title = "Which pairs each discriminator sees: BiGAN, ALICE, ALAD"
    return Chart(title, " ".join(described), TOP + ROW * len(TERMS) + 4, body)


def methods_of(term: Term) -> list[str]:
    """List the names of the methods that have this term."""
    return [name for method, name in METHODS.items() if term in FAMILY[method].terms]


def _network(source: str, name: str, result: str, left: float) -> Markup:
    """Draw a network between what it takes and what it makes: x → E → E(x)."""
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
PAIR, DOTS = 106, [336 + 50 * at for at in range(len(METHODS))]  # and the methods' dots


def _row(term: Term, top: float) -> Markup:
    """Draw a discriminator, its pairs, and a dot for each method that has it."""
    y, methods = top + 22, methods_of(term)
    return joined(
        [
            tag("path", class_="grid", d=f"M0 {top - 4:.1f}H{WIDTH}"),
            _discriminator(term.name, y),
            _pair(term.real, PAIRS[0], y, "t3"),
            _pair(term.fake, PAIRS[1], y, "t2"),
            *(_dot(x, y, name in methods) for name, x in zip(METHODS.values(), DOTS, strict=True)),
            words(term.asks, PAIRS[0], y + 37, "start", "name"),
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


def _pair(pair: tuple[str, ...], left: float, y: float, tone: str) -> Markup:
    """Draw a capsule with both members of the pair."""
    capsule = tag("rect", class_="pair", x=left, y=y - 15, width=PAIR, height=32, rx=16)
    text = words(f"( {', '.join(pair)} )", left + PAIR / 2, y + 6, "middle", "maths")
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
