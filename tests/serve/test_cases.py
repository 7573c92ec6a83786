"""Cases of a store, page by page, each as an image with its annotators and the noise of its evaluation."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.store import Store, StoreWriter
from atfm.serve.cases import StoreCases


@pytest.fixture(scope="module")
def stores(tmp_path_factory) -> dict[str, Store]:
    """Flat cases of a binary set, with sizes of pixels; and volumes of three classes."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("stores")
    common = {"licence": "CC0", "source": "made here", "modality": "CT"}

    def cases(size: tuple[int, ...], labels: int, spacing: tuple[float, ...], names: list[str]):
        for number, name in enumerate(names):
            image = rng.integers(0, 256, (1, *size)).astype(np.float32) / np.float32(255)
            masks = rng.integers(0, labels, (2 + number % 2, *size), np.uint8)
            yield Case(image, masks, name, f"patient-{number}", spacing)

    flat, deep = folder / "flat", folder / "deep"
    splits = {"train": ["patient-0", "patient-1"], "test": ["patient-2"]}
    with StoreWriter(flat, name="flat", splits=splits, **common) as writer:
        for case in cases((16, 16), 2, (0.5, 0.25), ["a/1", "b", "c", "d"]):
            writer.add(case)
    with StoreWriter(deep, name="deep", splits={}, classes=3, **common) as writer:
        for case in cases((4, 16, 16), 3, (1.0, 1.0, 1.0), ["x"]):
            writer.add(case)
    return {"flat": Store.open(flat), "deep": Store.open(deep)}


def test_cases_page_by_page(serve, stores) -> None:
    caller = serve(cases=StoreCases(stores["flat"]))
    told = caller.get("cases").json()
    assert told["total"] == 4 and [one["name"] for one in told["cases"]] == ["a/1", "b", "c", "d"]
    assert told["cases"][2] == {"number": 2, "name": "c", "kind": "case", "readers": 2, "split": "test"}
    assert told["cases"][3]["split"] is None and told["cases"][1]["readers"] == 3
    for first, count, wanted in ((1, 2, [1, 2]), (3, 9, [3]), (4, 1, []), (10**9, 1, [])):
        page = caller.get(f"cases?first={first}&count={count}").json()
        assert page["total"] == 4 and [one["number"] for one in page["cases"]] == wanted


def test_a_case_is_drawn_as_it_is_evaluated(serve, kit, stores) -> None:
    store = stores["flat"]
    caller = serve(cases=StoreCases(store))
    image = caller.post("cases/1").json()
    assert image["readers"] == ["reader 1", "reader 2", "reader 3"] and "CC0" in image["attribution"]
    assert image["spacing"] == {"x": 0.25, "y": 0.5, "z": None}
    told = caller.draw(image=image["id"], n=5, seed=2)
    direct = kit.small().sample(store[1].image, 5, seed=2, key="b", spacing=(0.5, 0.25))
    assert np.array_equal(kit.unpacked(told["masks"])[:, :, 0], direct.masks) and told["key"] == "b"
    assert told["areas"]["mm2"] == pytest.approx((direct.areas * 0.125).tolist())
    masks = kit.unpacked(caller.get(f"images/{image['id']}/readers").json())
    assert np.array_equal(masks[:, 0, 0], store[1].masks > 0)
    shown = caller.get(f"images/{image['id']}/slices/0", headers={"Accept-Encoding": "identity"})
    assert np.array_equal(np.frombuffer(shown.content, "<f4").reshape(16, 16), store[1].image[0])


def test_readers_of_classes_have_a_channel_each(serve, kit, stores) -> None:
    caller = serve(kit.small((4, 16, 16), channels=3), cases=StoreCases(stores["deep"]))
    image = caller.post("cases/0").json()
    masks = kit.unpacked(caller.get(f"images/{image['id']}/readers").json())
    assert masks.shape == (2, 3, 4, 16, 16) and image["kind"] == "volume" and image["spacing"] is None
    assert np.array_equal(masks.argmax(1), stores["deep"][0].masks)


def test_a_case_that_is_not_there(serve, stores) -> None:
    caller = serve(cases=StoreCases(stores["flat"]))
    assert "0 to 3" in caller.refused(404, "POST", "cases/4")
    caller.refused(422, "POST", "cases/-1")


def test_a_damaged_store_is_told_without_its_place(serve, stores, tmp_path: Path) -> None:
    copy = tmp_path / "secret-folder"
    shutil.copytree(stores["flat"].path, copy)
    store = Store.open(copy)
    with (copy / "images.npy").open("r+b") as stream:
        stream.seek(200)
        stream.write(b"\xff" * 8)
    said = serve(cases=StoreCases(store)).refused(500, "POST", "cases/0")
    assert "/" not in said.replace("a/1", "") and "damaged" in said
