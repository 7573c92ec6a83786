"""Images with an upright are told from those without."""

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.store import Store, StoreWriter
from atfm.plan.upright import upright


def made(path, images: list[np.ndarray]) -> Store:
    mask = np.ones((1, *images[0].shape), np.uint8)
    with StoreWriter(path, name="images", splits={"train": [str(n) for n in range(len(images))]}) as writer:
        for number, image in enumerate(images):
            eight = (np.rint(255 * image) / 255).astype(np.float32)
            writer.add(Case(eight[None], mask, str(number), str(number), spacing=(1.0,) * image.ndim))
    return Store.open(path)


def images(count: int, kind: str) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 0.6, 24)[:, None] * np.ones(32)  # bright below: like itself when mirrored
    made = [ramp + 0.2 * rng.random((24, 32)) for _ in range(count)]
    if kind == "sided":
        return [image + np.linspace(0, 0.2, 32) for image in made]
    if kind == "turned":
        return [np.rot90(image[:, :24], int(rng.integers(4))) for image in made]
    return made


@pytest.mark.parametrize(
    ("kind", "up", "sided"), [("up", True, False), ("sided", True, True), ("turned", False, False)]
)
def test_an_upright_is_seen(tmp_path, kind: str, up: bool, sided: bool) -> None:
    found = upright(made(tmp_path / "store", images(24, kind)))
    assert (found.alike - found.turned > 0.1) == up
    assert (found.alike - found.mirrored > 0.1) == sided


def test_volumes_are_told_by_their_middle_slice(tmp_path) -> None:
    volumes = [np.stack([image] * 4) for image in images(12, "up")]
    found = upright(made(tmp_path / "store", volumes))
    assert found.alike - found.turned > 0.1


def test_a_few_images_do_not_tell(tmp_path) -> None:
    assert upright(made(tmp_path / "store", images(7, "up"))) == (0.0, 0.0, 0.0)
