"""Names of classes: kept by a store, refused where they cannot be meant, and absent from stores without them."""

import json
from pathlib import Path

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.store import Store, StoreWriter
from atfm.errors import InputError, StoreError


def written(path: Path, classes: int = 3, **options) -> Store:
    with StoreWriter(path, name="organs", classes=classes, **options) as writer:
        writer.add(Case(np.zeros((1, 4, 4), np.float32), np.ones((2, 4, 4), np.uint8), "a", "p"))
    return Store.open(path)


def test_a_store_keeps_them(tmp_path: Path) -> None:
    store = written(tmp_path / "store", class_names=["liver", "tumour"])
    assert store.info.class_names == store.info.foreground == ("liver", "tumour")
    store.check()


def test_without_names_a_store_is_the_one_it_always_was(tmp_path: Path) -> None:
    store = written(tmp_path / "store")
    assert store.info.foreground == ("1", "2") and "class_names" not in (store.path / "store.json").read_text()
    assert written(tmp_path / "binary", 1).info.foreground == ("1",)


@pytest.mark.parametrize(
    ("classes", "names", "message"),
    [
        (1, ["lesion"], "binary masks have one object and no names"),
        (3, ["background", "liver", "tumour"], "expected 2 different names, one for each label but the background"),
        (3, ["liver", "liver"], "expected 2 different names"),
        (3, [], "got none"),
        (3, ["liver", "tu\nmour"], r"cannot be printed: liver, tu\?mour"),
        (3, ["liver", ""], "a name is empty"),
        (3, ["liver", "x" * 101], "longer than 100 letters"),
    ],
)
def test_names_that_cannot_be_meant_are_refused(tmp_path: Path, classes: int, names: list[str], message: str) -> None:
    with pytest.raises(InputError, match=f"class_names: .*{message}") as raised:
        StoreWriter(tmp_path / "new", name="organs", classes=classes, class_names=names)
    store = written(tmp_path / "store", classes)
    file = store.path / "store.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"class_names": names}))
    with pytest.raises(StoreError, match=f"field class_names: .*{message}") as damaged:
        Store.open(store.path)
    assert "\n" not in str(raised.value) + str(damaged.value)
