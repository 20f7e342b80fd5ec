"""Choosing on half of the tables: by hand, with nothing to find, and with something to find."""

import numpy as np
import pytest

from alad.benchmark.confirmation import Interval, confirm
from alad.errors import InputError


def test_two_tables_by_hand():
    """Table 0 chooses a, ahead by 2 there and behind by 3 on table 1; table 1 chooses b: 1, -1.

    Both halves are drawn about equally often, so the mean lead where chosen is near (2 + 1) / 2,
    that on the other half near (-3 - 1) / 2.
    """
    scores = np.array([[5, 5], [7, 2], [4, 6]], float)[:, :, np.newaxis]  # the control, a, b
    found = confirm(scores, ["control", "a", "b"], "control", repetitions=400)
    assert found.configurations == 2 and found.tables == 2 and found.seeds == 1
    share = found.chosen["a"]
    assert 0.4 < share < 0.6 and found.chosen["b"] == pytest.approx(1 - share)
    assert found.lead_where_chosen.mean == pytest.approx(2 * share + (1 - share))
    assert found.lead.mean == pytest.approx(-3 * share - (1 - share))
    assert found.value.mean == pytest.approx(2 * share + 4 * (1 - share))
    assert found.ahead == 0 and (found.lead.low, found.lead.high) == (-3, -1)


def test_the_smaller_half_chooses_and_seeds_are_averaged():
    """Of three tables one chooses: with seeds 1 and 3 the value is 2, above the other's 1.5."""
    scores = np.zeros((3, 3, 2))
    scores[1] = [1.0, 3.0]
    scores[2] = [1.5, 1.5]
    found = confirm(scores, ["none", "two", "one and a half"], "none")
    assert found.chosen == {"two": 1.0} and found.seeds == 2
    assert found.lead == found.value == found.lead_where_chosen == Interval(2, 2, 2)
    assert found.ahead == 1


def test_configurations_of_chance_confirm_to_no_lead():
    """Fifty of them: the chosen half shows a lead of 2 deviations of a half's mean, the other 0."""
    leads, shown = [], []
    for seed in range(20):
        scores = np.random.default_rng(seed).normal(size=(51, 40, 3))
        found = confirm(scores, [str(at) for at in range(51)], "0", repetitions=50, seed=seed)
        leads.append(found.lead.mean)
        shown.append(found.lead_where_chosen.mean)
    deviation = 1 / np.sqrt(20 * 3)  # of a mean over half of the tables
    assert np.mean(shown) > 1.5 * deviation
    assert abs(np.mean(leads)) < 0.5 * deviation


def test_a_better_configuration_confirms():
    scores = np.random.default_rng(0).normal(size=(30, 40, 3))
    scores += np.random.default_rng(1).normal(size=(40, 1)) * 10  # tables differ far more
    scores[7] += 1.0
    found = confirm(scores, [str(at) for at in range(30)], "3")
    assert found.chosen["7"] > 0.9 and found.ahead > 0.99
    truly = scores[7].mean() - scores[3].mean()
    assert found.lead.mean == pytest.approx(truly, abs=0.1)
    assert found.lead.low > 0.5


def test_same_seed_same_answer():
    scores = np.random.default_rng(0).normal(size=(5, 9, 2))
    one, same, other = (confirm(scores, list("abcde"), "a", seed=seed) for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize(
    ("shape", "names", "control", "complaint"),
    [
        ((2, 4), "ab", "a", "have the shape"),
        ((3, 4, 1), "ab", "a", "for 2 names"),
        ((2, 4, 1), "aa", "a", "a name of its own"),
        ((2, 4, 1), "ab", "c", "control is 'c'; choose one of: a, b"),
        ((1, 4, 1), "a", "a", "another configuration"),
        ((2, 1, 1), "ab", "a", "at least two tables"),
        ((2, 4, 0), "ab", "a", "and one seed"),
    ],
)
def test_what_cannot_be_chosen_from_is_refused(shape, names, control, complaint):
    with pytest.raises(InputError, match=complaint):
        confirm(np.zeros(shape), list(names), control)


def test_scores_and_repetitions_are_checked():
    scores = np.zeros((2, 4, 1))
    with pytest.raises(InputError, match="repetitions is 0"):
        confirm(scores, ["a", "b"], "a", repetitions=0)
    scores[1, 2, 0] = np.nan
    with pytest.raises(InputError, match="a score of 'b' is not finite"):
        confirm(scores, ["a", "b"], "a")
