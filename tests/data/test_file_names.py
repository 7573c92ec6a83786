from atfm.data.file_names import file_names
from atfm.io.naming import is_folder_name


def test_a_name_is_the_id_where_that_can_be_one() -> None:
    assert file_names(["phantom-1-00003", "a b/c", "é.png"]) == {
        "phantom-1-00003": "phantom-1-00003",
        "a b/c": "a_b__c",
        "é.png": "é.png",
    }


def test_names_are_different_short_and_lead_nowhere_else() -> None:
    ids = ["a/b", "a__b", "A/B", "..", ".", "", "-x", "x" * 4000, "x" * 4001, "../up", "c:\\d", "e\nf", "日" * 90]
    names = file_names(ids)
    assert len({name.casefold() for name in names.values()}) == len(ids)
    assert all(is_folder_name(name) and len(name.encode()) <= 150 and name[0] not in ".-" for name in names.values())
    assert file_names(list(reversed(ids))) == dict(reversed(names.items())), "whatever their order"
