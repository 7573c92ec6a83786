import numpy as np

from atfm.report.order import ENDS, in_order


def test_the_worst_and_the_best_come_first_and_every_case_once() -> None:
    ranks = np.random.default_rng(0).permutation(300).tolist()
    order = in_order(ranks, [f"case {number}" for number in range(300)])
    assert sorted(order) == list(range(300))
    first = {ranks[place] for place in order[: 2 * ENDS]}
    assert first == {*range(ENDS), *range(300 - ENDS, 300)} and ranks[order[0]] == 299 and ranks[order[1]] == 0


def test_the_others_come_at_the_same_turn_whatever_their_rank() -> None:
    names = [f"case {number}" for number in range(300)]
    ranks = list(range(300))
    other = [*range(ENDS), *reversed(range(ENDS, 300 - ENDS)), *range(300 - ENDS, 300)]
    turns = [[names[place] for place in in_order(r, names)[2 * ENDS :]] for r in (ranks, other)]
    assert turns[0] == turns[1] != names[ENDS : 300 - ENDS]


def test_few_cases_come_once() -> None:
    assert in_order([0.5], ["a"]) == [0] and in_order([1, 0], ["a", "b"]) == [0, 1] and in_order([], []) == []
