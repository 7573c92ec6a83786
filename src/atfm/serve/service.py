"""`Service`: everything that the routes share: models, cases, what is kept, and the two desks.

One desk draws, the other reads and writes files; neither does so on the event loop, and neither waits for the other.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from atfm.disk.machine import WRITING, refused
from atfm.errors import AtfmError
from atfm.io.most import at_most
from atfm.models import Model
from atfm.predict import Chunk, Prediction, open_image
from atfm.predict.saved import Saved, forms_of, save
from atfm.serve.arriving import Arriving
from atfm.serve.cases import Cases, checked
from atfm.serve.desk import Desk
from atfm.serve.image import KEY, NAME, Image, apart
from atfm.serve.limits import Limits
from atfm.serve.metrics import Metrics
from atfm.serve.packed import Box, packed_masks
from atfm.serve.private import private_folder
from atfm.serve.refusal import Refusal, refusal_of
from atfm.serve.result import Result, check_answer
from atfm.serve.shelf import Shelf
from atfm.serve.ticket import Tell
from atfm.serve.upload import Upload, laid_out, upload_of
from atfm.serve.wish import Wish, draw, prepare

__all__ = ["File", "Service"]

REFERRING = ("dicom-seg", "rtstruct")  # forms that refer to the files of the image


class File(NamedTuple):
    """A file of a result, under a name that says nothing of its image."""

    content: bytes
    media: str
    name: str


class Service:
    """What the routes share.

    Args:
        models: at least one; the first is the usual one.
        cases: what there is to look at.
        limits: see `Limits`.
        scratch: where private folders are made; None: see `private.parents`.
    """

    def __init__(
        self, models: Sequence[Model], cases: Cases, limits: Limits | None = None, scratch: Path | None = None
    ) -> None:
        self.limits, self.cases = limits or Limits(), cases
        self.models = named(models)
        half = self.limits.held // 2
        self.images: Shelf[Image] = Shelf("image", self.limits.keep, half)
        self.results: Shelf[Result] = Shelf("samples", self.limits.keep, half)
        self.metrics, self.scratch = Metrics(), scratch
        self.drawing = Desk("drawing", self.limits.waiting, self.limits.draw, self.refused)
        self.filing = Desk("filing", self.limits.waiting, self.limits.read, self.refused)
        self.arriving = Arriving(self.limits)
        self.metrics.watch(self)
        self.ready = True

    def model(self, name: str | None) -> Model:
        """The model of a name, or the first.

        Raises:
            Refusal: there is none.
        """
        if name is None:
            return next(iter(self.models.values()))
        if name not in self.models:
            raise Refusal(404, f"model {name[:80]!r}: expected one of {', '.join(self.models)}")
        return self.models[name]

    def read(self, content: bytes, told: str, tell: Tell) -> dict[str, Any]:
        """Read what was sent, keep it and tell of it."""
        upload = upload_of(content, told, self.limits)
        with laid_out(upload, self.scratch) as path, at_most(self.limits.values):
            opened = apart(open_image(path, name=NAME, key=KEY))
        pixels = opened.source.picture.pixels
        size = pixels.shape
        if pixels.dtype == np.float64 and max(-pixels.min(), pixels.max()) > np.finfo(np.float32).max:
            raise Refusal(400, "the image has values that are more than float32 holds; give it in other units")
        if math.prod(size) > self.limits.values:
            sides = " x ".join(map(str, size[::-1]))
            raise Refusal(
                413, f"the image has {sides} values, more than the {self.limits.values} that are taken; cut it up"
            )
        return self._keep(Image(opened, upload if opened.source.files else None), tell)

    def open_case(self, number: int, tell: Tell) -> dict[str, Any]:
        """Keep a case as an image and tell of it."""
        return self._keep(self.cases.image(checked(self.cases, number)), tell)

    def draw(self, wish: Wish, tell: Tell, *, streamed: bool = False) -> dict[str, Any]:
        """Draw what is wanted, keep it and tell of it, chunk by chunk where it is streamed."""
        began = time.monotonic()
        model, image = self.model(wish.model), self.images.get(wish.image)
        if wish.n > self.limits.samples:
            raise Refusal(422, f"n: expected at most {self.limits.samples} masks, got {wish.n}")
        prepared = prepare(model, image, wish)
        check_answer(model.method.channels, math.prod(prepared.place.size), wish.n, self.limits)
        box = Box(prepared.place)

        def heard(chunk: Chunk) -> None:
            self.metrics.drawn.inc(len(chunk.masks))
            tell("progress", {"done": chunk.done, "of": chunk.of})
            if streamed:
                tell("samples", {"first": chunk.first, "place": box.told, "masks": packed_masks(box.cut(chunk.masks))})

        prediction = draw(model, prepared, wish, heard)
        self.images.get(wish.image)  # nothing is kept of an image that was forgotten meanwhile
        result = Result(prediction, wish.image, round(time.monotonic() - began, 4), forms(prediction, image))
        name = self.results.put(result, result.nbytes)
        return result.told(name)

    def save(self, name: str, form: str, tell: Tell) -> File:
        """Write what was drawn as a file, where nobody else looks, and keep nothing of it there."""
        result = self.results.get(name)
        prediction = result.prediction
        if form not in result.files:
            raise Refusal(404, f"{form}: this result can be had as {', '.join(result.files)}")
        if form not in REFERRING:
            with private_folder(self.scratch) as folder:
                return file_of(save(prediction, form, folder))
        image = self.images.get(result.image)
        with laid_out(image.upload or Upload({}, ""), self.scratch) as path, private_folder(self.scratch) as folder:
            files_in = path.parent if path.is_file() else path
            return file_of(save(prediction, form, folder, files_in=files_in))

    def sweep(self) -> None:
        """Let go of images and samples that nobody has used for long."""
        self.images.sweep()
        self.results.sweep()

    def dismiss(self) -> None:
        """Send everybody away at once; the work at hand ends at its next word."""
        self.ready = False
        for desk in (self.drawing, self.filing):
            desk.close()

    def close(self) -> None:
        """Send everybody away, wait a little for the work at hand, and keep nothing."""
        self.dismiss()
        for desk in (self.drawing, self.filing):
            desk.join()
        self.images.drop_all()
        self.results.drop_all()

    def refused(self, error: BaseException) -> Refusal:
        """Whatever work raised, as a caller hears it; a fault of ours is counted and tells nothing of the image."""
        if isinstance(error, Refusal):
            return error
        if isinstance(error, AtfmError):
            return refusal_of(error)
        machine = refused(error, "the service", WRITING) if isinstance(error, OSError) else None
        if machine is not None:
            return refusal_of(machine)
        if isinstance(error, MemoryError):
            return Refusal(413, "this does not fit in memory; ask for fewer masks or slices, or send a smaller image")
        return self.metrics.fault(error)

    def _keep(self, image: Image, tell: Tell) -> dict[str, Any]:
        facts = image.told(self.models.values())
        tell("read", None)  # nobody keeps what nobody waits for
        name = self.images.put(image, image.nbytes)
        return {"id": name, **facts, "expires_in": int(self.limits.keep)}


def forms(prediction: Prediction, image: Image) -> list[str]:
    """The forms that a result can be had as."""
    possible = forms_of(prediction, image.opened.source)
    return [form for form in possible if form not in REFERRING or image.upload is not None]


def file_of(saved: Saved) -> File:
    """What was written."""
    return File(saved.path.read_bytes(), saved.media, saved.path.name)


def named(models: Sequence[Model]) -> dict[str, Model]:
    """Models by the last part of what the user called them, which tells nothing of this machine's folders."""
    found: dict[str, Model] = {}
    for model in models:
        short = known_as_model(model)
        name, number = short, 2
        while name in found:
            name, number = f"{short}-{number}", number + 1
        found[name] = replace(model, name=name)
    return found


def known_as_model(model: Model) -> str:
    """The last part of its name."""
    return Path(model.name).stem if "/" in model.name or model.name.endswith(".safetensors") else model.name
