"""Each warning once, with how many cases it is about."""

from atfm.data.telling import Telling


def test_each_sentence_stands_once_with_its_number_of_cases() -> None:
    telling = Telling(["patient unknown", "patient unknown"])
    telling.add("a", ["spacing unknown", "palette looked up", "spacing unknown"])
    telling.add("b", ["spacing unknown"])
    assert telling.lines() == [
        "patient unknown",
        "spacing unknown (2 cases, as a)",
        "palette looked up (case a)",
    ]
