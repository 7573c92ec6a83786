"""What is drawn equals the direct call, bit for bit; it is heard of as it is drawn, and kept for a while."""

import asyncio
import json
import threading
from pathlib import Path

import nibabel
import numpy as np
import pytest

from atfm.data.examples import example
from atfm.models import Model
from atfm.predict import Prediction, prepare_file, sample


def same(told, direct: Prediction, kit) -> None:
    """An answer tells all of a prediction, and nothing else."""
    place, whole = told["place"], direct.place.put(direct.masks)  # [S, C, *whole]
    whole = whole if whole.ndim == 5 else whole[:, :, None]
    x, y = place["x"], place["y"]
    box = whole[:, :, place["slices"], y : y + place["height"], x : x + place["width"]]
    masks = kit.unpacked(told["masks"])
    assert masks.shape == box.shape and np.array_equal(masks, box)
    assert masks.sum() == direct.masks.sum(), "a mask reaches beyond its place"
    assert told["weights"] == direct.weights.tolist() and told["areas"]["px"] == direct.areas.tolist()
    assert told["empty"] == direct.empty and told["empty_exact"] == (direct.known_empty is not None)
    assert [one["name"] for one in told["hypotheses"]] == [one.name for one in direct.hypotheses]
    for one, wanted in zip(told["hypotheses"], direct.hypotheses, strict=True):
        assert (one["probability"], one["low"], one["high"]) == (wanted.probability, wanted.low, wanted.high)
        assert (one["sample"], one["samples"]) == (wanted.medoid, list(wanted.members))
        assert one["area"] == {"px": wanted.area, "mm2": wanted.area_mm2, "ml": wanted.volume_ml}
        assert all(told["hypothesis_of"][k] == told["hypotheses"].index(one) for k in one["samples"])
    mean = kit.values(told["probability"])
    flat = direct.foreground[None] if direct.foreground.ndim == 2 else direct.foreground
    assert abs(mean.sum() - flat.sum()) <= 0.5 / 255 * mean.size and mean.max() <= 1
    assert kit.values(told["ambiguity"]).shape == mean.shape
    assert told["warnings"] == list(direct.warnings)


@pytest.mark.parametrize(
    "how", [{}, {"seed": 7, "n": 33}, {"steps": 3}, {"window": [20.0, 200.0]}, {"chunk": 5}], ids=str
)
def test_a_picture_equals_the_direct_call(serve, kit, how) -> None:
    caller, pixels = serve(), kit.grey()
    image = caller.send(kit.png(pixels))
    told = caller.draw(image=image["id"], **how)
    options = how | ({"window": tuple(how["window"])} if "window" in how else {})
    n = options.pop("n", 16)
    direct = kit.small().sample(pixels, n, **options)
    same(told, direct, kit)
    assert (told["n"], told["seed"], told["key"]) == (n, how.get("seed", 0), "image-0")
    marked = int((direct.areas > 0).sum())
    assert told["sentence"] == f"{marked} of {n} simulated readers outline something here"


def test_the_shipped_model_on_the_shipped_example(serve, kit, lidc: Model) -> None:
    caller = serve(lidc)
    image = caller.post("cases/0").json()
    assert image["ways"]["lidc"]["sees"] == {"x": 32, "y": 32, "width": 64, "height": 64}
    told = caller.draw(image=image["id"], n=64, seed=3)
    found = example()
    same(told, lidc.sample(found.case.image, 64, seed=3), kit)
    assert caller.get(f"samples/{told['id']}").json() == told
    readers = caller.get(f"images/{image['id']}/readers").json()
    assert np.array_equal(kit.unpacked(readers)[:, 0, 0], found.case.masks > 0)
    assert readers["names"] == image["readers"] == [f"reader {k}" for k in range(1, 5)]
    assert image["attribution"] == found.attribution


def test_a_spot_on_a_ct_is_what_the_command_line_finds(serve, kit, lidc: Model, tmp_path: Path) -> None:
    """512 x 512 x 60: the answer's masks are those of `--at`, with Dice 1, in the scan's own geometry."""
    rng = np.random.default_rng(0)
    volume = rng.integers(-1000, -700, (60, 512, 512), np.int16)
    z, y, x = np.ogrid[:60, :512, :512]
    volume[((z - 31) / 2) ** 2 + ((y - 300) / 9) ** 2 + ((x - 200) / 8) ** 2 < 1] = 40
    path = tmp_path / "scan.nii"
    nibabel.save(nibabel.Nifti1Image(volume.T, np.diag([-0.7, -0.7, 2.5, 1])), path)
    caller = serve(lidc)
    image = caller.send(path.read_bytes(), "scan.nii")
    assert image["size"] == {"width": 512, "height": 512, "slices": 60}
    assert image["letters"] == {"left": "R", "right": "L", "top": "A", "bottom": "P"}
    assert image["ways"]["lidc"]["spot"] and not image["ways"]["lidc"]["whole"]
    told = caller.draw(image=image["id"], n=16, seed=5, point=[200, 300, 31])
    (prepared,) = prepare_file(lidc, path, key="image-0", at=[(200, 300, 31)])
    direct = sample(lidc, prepared, 16, seed=5)
    same(told, direct, kit)
    assert told["place"]["slices"] == [31] and told["areas"]["mm2"] == pytest.approx((direct.areas * 0.49).tolist())
    masks, drawn = kit.unpacked(told["masks"])[:, 0, 0], direct.masks[:, 0].reshape(16, *direct.place.size[-2:])
    dice = (2 * (masks & drawn).sum() or 1) / (masks.sum() + drawn.sum() or 1)
    assert dice == 1 and masks.any()
    around = lidc.sample(volume, 16, seed=5, at=(200, 300, 31), spacing=(2.5, 0.7, 0.7))
    assert np.array_equal(around.masks, direct.masks)  # and those of an array


def test_slices_of_a_volume_and_volumes(serve, kit) -> None:
    flat, deep = (kit.small(size, f"{len(size)}d", orientation="LPS") for size in ((16, 16), (4, 16, 16)))
    caller = serve(flat, deep)
    volume = np.random.default_rng(1).integers(0, 1000, (4, 16, 16), np.int16)
    image = caller.send(kit.nifti(volume, np.diag([-1.0, -1, 2, 1])))
    assert image["ways"]["2d"]["slices"] and not image["ways"]["2d"]["whole"] and image["ways"]["3d"]["whole"]
    told = caller.draw(image=image["id"], slices=[1, 3], n=4)
    planes = kit.unpacked(told["masks"])
    for place, k in enumerate(told["place"]["slices"]):
        alone = caller.draw(image=image["id"], slices=[k], n=4)
        assert np.array_equal(kit.unpacked(alone["masks"])[:, :, 0], planes[:, :, place])
        assert np.array_equal(planes[:, :, place], flat.sample(volume[k], 4).masks)
    same(caller.draw(image=image["id"], model="3d", n=4), deep.sample(volume, 4, spacing=(2, 1, 1)), kit)


def test_masks_lie_in_the_order_of_the_file(serve, kit, tmp_path: Path) -> None:
    """A volume that lies otherwise than the training is turned for the model, and its masks are turned back."""
    model = kit.small((16, 16), orientation="LPS")
    volume = np.random.default_rng(2).integers(0, 1000, (5, 16, 16), np.int16)
    for affine in (np.diag([1.0, 1, -2, 1]), np.array([[0.0, 0, 2, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])):
        content = kit.nifti(volume, affine)
        (tmp_path / "a.nii").write_bytes(content)
        caller = serve(model)
        image = caller.send(content)
        (prepared,) = prepare_file(model, tmp_path / "a.nii", key="image-0", at=[(4, 9, 2)])
        same(caller.draw(image=image["id"], n=6, point=[4, 9, 2]), sample(model, prepared, 6), kit)


def test_classes_are_channels_with_their_background(serve, kit) -> None:
    caller, pixels = serve(kit.small(channels=3)), kit.grey()
    told = caller.draw(image=caller.send(kit.png(pixels))["id"], n=5)
    assert told["masks"]["shape"] == [5, 3, 1, 16, 16]
    same(told, kit.small(channels=3).sample(pixels, 5), kit)


def test_a_stream_tells_what_is_drawn_as_it_is_drawn(serve, kit) -> None:
    caller = serve()
    image = caller.send(kit.png(kit.grey()))["id"]
    wish = {"image": image, "n": 10, "chunk": 4}
    answer = caller.post("samples", json=wish, headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    heard = kit.events(answer.text)
    assert [name for name, _ in heard] == ["queued", *["progress", "samples"] * 3, "result"]
    assert heard[0][1] == {"ahead": 0} and heard[-3][1] == {"done": 10, "of": 10}
    parts = [(data["first"], kit.unpacked(data["masks"])) for name, data in heard if name == "samples"]
    result = heard[-1][1]
    assert [first for first, _ in parts] == [0, 4, 8]
    assert np.array_equal(np.concatenate([masks for _, masks in parts]), kit.unpacked(result["masks"]))
    plain = caller.draw(**wish)
    for told in (plain, result):
        del told["id"], told["seconds"]
    assert plain == result


def test_an_error_in_a_stream_is_its_last_event(serve, kit) -> None:
    caller = serve(kit.small(), kit.small(size=(99, 99), name="other"))
    image = caller.send(kit.png(kit.grey()))["id"]
    answer = caller.post("samples", json={"image": image, "model": "other"}, headers={"Accept": "text/event-stream"})
    name, data = kit.events(answer.text)[-1]
    assert name == "error" and data["error"]["code"] == "bad-request" and "99 x 99" in data["error"]["message"]
    gone = {"image": "nobody", "n": 1}
    assert "image" in caller.refused(404, "POST", "samples", json=gone, headers={"Accept": "text/event-stream"})


@pytest.mark.parametrize(
    ("wrong", "status", "word"),
    [
        ({"n": 0}, 422, "n:"), ({"n": 1025}, 422, "n:"), ({"n": 2.5}, 422, "n:"), ({"n": True}, 422, "n:"),
        ({"seed": -1}, 422, "seed"), ({"steps": 0}, 422, "steps"), ({"steps": "many"}, 422, "steps"),
        ({"slices": []}, 422, "slices"), ({"slices": [0], "point": [1, 1]}, 400, "slices"),
        ({"point": [1]}, 422, "point"), ({"point": [1, 1.5]}, 422, "point"), ({"point": [99, 1]}, 400, "0 to 15"),
        ({"window": [3, 1]}, 400, "window"), ({"window": [1]}, 422, "window"), ({"colour": 1}, 422, "colour"),
        ({"model": "nobody"}, 404, "small"), ({"slices": [0]}, 400, "flat"), ({"image": 3}, 422, "image"),
    ],
    ids=str,
)  # fmt: skip
def test_a_wish_that_cannot_be_met(serve, kit, wrong, status, word) -> None:
    caller = serve()
    image = caller.send(kit.png(kit.grey()))["id"]
    assert word in caller.refused(status, "POST", "samples", json={"image": image, "n": 2, **wrong})


def test_results_are_forgotten_with_their_image_or_alone(serve, kit) -> None:
    caller = serve()
    image = caller.send(kit.png(kit.grey()))["id"]
    one, two = (caller.draw(image=image, n=1)["id"] for _ in range(2))
    assert caller.ask("DELETE", f"samples/{one}").status_code == 204
    caller.refused(410, "GET", f"samples/{one}")
    assert caller.get(f"samples/{two}").status_code == 200
    assert caller.ask("DELETE", f"images/{image}").status_code == 204
    caller.refused(410, "GET", f"samples/{two}")
    caller.refused(410, "POST", "samples", json={"image": image})
    caller.refused(404, "GET", "samples/nobody")


def test_nothing_is_kept_of_an_image_that_is_forgotten_while_it_is_drawn(serve, kit, monkeypatch) -> None:
    caller = serve()
    image = caller.send(kit.png(kit.grey()))["id"]
    forget = caller.service.images.drop
    monkeypatch.setattr("atfm.serve.service.packed_masks", lambda masks: forget(image) and {})
    answer = caller.post("samples", json={"image": image, "n": 2}, headers={"Accept": "text/event-stream"})
    assert kit.events(answer.text)[-1][1]["error"]["code"] == "gone" and len(caller.service.results) == 0


def test_an_answer_that_nobody_could_hold_is_refused_before_it_is_drawn(serve, kit) -> None:
    caller = serve(answer=64)
    image = caller.send(kit.png(kit.grey()))["id"]
    assert caller.draw(image=image, n=2)["n"] == 2
    assert "ask for fewer" in caller.refused(413, "POST", "samples", json={"image": image, "n": 3})
    case = caller.post("cases/0").json()["id"]
    caller.refused(413, "GET", f"images/{case}/readers")


def test_it_is_drawn_off_the_event_loop_by_one_thread(serve, kit, monkeypatch) -> None:
    caller, drew = serve(), set()
    method = type(kit.small().method)
    original = method.forward

    def forward(self, *words):
        drew.add(threading.current_thread().name)
        return original(self, *words)

    monkeypatch.setattr(method, "forward", forward)
    image = caller.send(kit.png(kit.grey()))["id"]
    for _ in range(3):
        caller.draw(image=image, n=1)
    assert drew == {"drawing"}


def test_a_question_that_does_not_arrive(serve, monkeypatch) -> None:
    monkeypatch.setattr("atfm.serve.guard.QUESTION", 0.05)

    async def slow():
        yield b"{"
        await asyncio.sleep(0.5)
        yield b"}"

    how = {"content": slow(), "headers": {"Content-Type": "application/json"}}
    assert "did not arrive" in serve().refused(408, "POST", "samples", **how)


def test_a_body_that_is_no_json(serve) -> None:
    caller = serve()
    caller.refused(400, "POST", "samples", content=b"{", headers={"Content-Type": "application/json"})
    caller.refused(422, "POST", "samples", content=b"[]", headers={"Content-Type": "application/json"})
    long = json.dumps({"image": "x" * 2**21}).encode()
    caller.refused(413, "POST", "samples", content=long, headers={"Content-Type": "application/json"})
