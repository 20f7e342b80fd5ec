"""How long is left, by hand."""

from alad.benchmark.runner import RemainingTime, in_words

LINES = [
    # two members of one fit of 100 s, scored in 5 s each
    {"detector": "a", "cell": "1", "member": 0, "fit_seconds": 100.0, "score_seconds": 5.0},
    {"detector": "a", "cell": "1", "member": 1, "fit_seconds": 100.0, "score_seconds": 5.0},
    {"detector": "a", "cell": "2", "member": 0, "fit_seconds": 85.0, "score_seconds": 5.0},
    {"detector": "b", "cell": "3", "error": "failed"},
]


def test_cells_take_as_long_as_others_of_their_row_did():
    remaining = RemainingTime(LINES)
    assert remaining.of(["b"]) == "how long is not known yet"
    assert remaining.of(["a"]) == "about 2 min"  # (110 + 90) / 2 s
    assert remaining.of(["a", "a", "b"]) == "about 3 min, beside 1 not yet timed"
    remaining.add("b", 20.0)
    assert remaining.of(["b", "b"]) == "about 40 s"


def test_times_as_people_say_them():
    assert [in_words(seconds) for seconds in (89, 90, 5_399, 5_400)] == [
        *("89 s", "2 min", "90 min", "1.5 h")
    ]
