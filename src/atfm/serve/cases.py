"""`Cases`: what there is to look at without sending anything: the cases of a store, or the package's own examples."""

from typing import Any, Protocol

import numpy as np

from atfm.data.examples import example, example_names
from atfm.data.store import Store
from atfm.errors import StoreError
from atfm.io.picture import Picture
from atfm.predict.opened import Opened, open_image
from atfm.predict.source import Source
from atfm.serve.image import KEY, NAME, Image, apart
from atfm.serve.refusal import Refusal, refusal_of

__all__ = ["Cases", "Examples", "StoreCases", "checked", "reader_masks"]


class Cases(Protocol):
    """Cases by number, from 0."""

    def __len__(self) -> int:
        """How many there are."""

    def told(self, number: int) -> dict[str, Any]:
        """What a list says of one."""

    def image(self, number: int) -> Image:
        """One as an image with its annotators."""


class Examples:
    """The images that come with the package."""

    def __len__(self) -> int:
        return len(example_names())

    def told(self, number: int) -> dict[str, Any]:
        name = example_names()[number]
        return {
            "number": number,
            "name": name,
            "kind": "example",
            "readers": example(name).case.annotators,
            "split": None,
        }

    def image(self, number: int) -> Image:
        found = example(example_names()[number])
        masks = found.case.masks
        opened = apart(open_image(found.path, name=NAME, key=KEY))
        return Image(opened, masks=masks, attribution=found.attribution)


class StoreCases:
    """The cases of a store, each under its number there.

    Args:
        store: an open one.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._ids = store.ids()
        splits = store.info.splits
        self._split = {patient: name for name, patients in splits.items() for patient in patients}

    def __len__(self) -> int:
        return len(self.store)

    def told(self, number: int) -> dict[str, Any]:
        case_id, patient_id = self._ids[number]
        return {
            "number": number,
            "name": case_id,
            "kind": "case",
            "readers": self.store.annotators(number),
            "split": self._split.get(patient_id),
        }

    def image(self, number: int) -> Image:
        info = self.store.info
        try:
            case = self.store[number]
        except StoreError as error:
            raise refusal_of(error, {f"{self.store.path}/": "", str(self.store.path): "the store"}) from error
        known = any(mm != 1 for mm in case.spacing)  # 1 stands for what nobody said
        meta = {"format": "array", "spacing known": known, "modality": info.modality}
        source = Source(Picture(case.image, case.spacing, meta, case.warnings))
        deep = source if case.image.ndim == 4 else None
        return Image(
            Opened(source, deep, NAME, case.case_id),
            masks=case.masks,
            classes=info.classes,
            attribution=f"{info.name}, {info.licence}, {info.source}",
        )


def checked(cases: Cases, number: int) -> int:
    """A number that there is.

    Raises:
        Refusal: there is none.
    """
    if not 0 <= number < len(cases):
        raise Refusal(404, f"case {number}: expected 0 to {len(cases) - 1}")
    return number


def reader_masks(image: Image) -> np.ndarray:
    """The annotators' masks `[K, C, D, H, W]` bool; of several classes channel 0 is the background.

    Raises:
        Refusal: an image without annotators.
    """
    if image.masks is None:
        raise Refusal(404, "nobody annotated this image; readers are known of the cases of a store and of the examples")
    masks = image.masks if image.masks.ndim == 4 else image.masks[:, None]
    if image.classes < 3:
        return np.asarray(masks > 0)[:, None]
    return np.stack([masks == label for label in range(image.classes)], 1)
