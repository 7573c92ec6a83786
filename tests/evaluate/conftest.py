"""Cases whose law is known, discs of a random radius, and methods that know it, ignore it, or say nothing."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.data.case import Case
from atfm.data.seen.images import SeenImages
from atfm.data.seen.seen import Seen
from atfm.data.store import Store, StoreWriter
from atfm.evaluate.evaluation import Evaluation
from atfm.evaluate.score import evaluate
from atfm.methods.method import Frame, Method
from atfm.methods.samples import Samples
from atfm.seeding import Noise, step_generator

SIZE = 24


def disc(radius: float) -> np.ndarray:
    rows, columns = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    return rows**2 + columns**2 < radius**2


class Discs(Method):
    """Discs with the radius of an annotator's, uniform in 2 to 9."""

    def __init__(self) -> None:
        super().__init__(Frame(1, 1, (SIZE, SIZE)))

    def sample(self, image: torch.Tensor, n: int, *, noise: Noise, first: int = 0) -> Samples:
        self.check(image)
        radii = [
            [
                2 + 7 * float(torch.rand(1, generator=step_generator(noise.seed, key, s)))
                for s in range(first, first + n)
            ]
            for key in noise.keys
        ]
        masks = torch.from_numpy(np.array([[disc(radius)[None] for radius in row] for row in radii]))
        return Samples(masks, masks.float())


class Nothing(Method):
    """No object, whatever the image."""

    def __init__(self) -> None:
        super().__init__(Frame(1, 1, (SIZE, SIZE)))

    def sample(self, image: torch.Tensor, n: int, *, noise: Noise, first: int = 0) -> Samples:
        masks = torch.zeros(len(image), n, 1, SIZE, SIZE, dtype=torch.bool)
        return Samples(masks, masks.float())


@dataclass(frozen=True)
class Model:
    method: Method
    name: str = "discs"
    patients: frozenset[str] = field(default_factory=lambda: frozenset({"0" * 16}))
    patients_known: str | None = None
    images: SeenImages | None = None

    @property
    def seen(self) -> Seen:
        return Seen(self.patients, self.patients_known, self.images)


@pytest.fixture(scope="session")
def model():
    """Make a model of a method: `model(method, patients=...)`."""
    return Model


@pytest.fixture(scope="session")
def discs() -> Method:
    return Discs()


@pytest.fixture(scope="session")
def nothing() -> Method:
    return Nothing()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """30 test cases of 10 patients with 4 annotators each, and one training patient."""
    path: Path = tmp_path_factory.mktemp("stores") / "discs"
    rng = np.random.default_rng(3)
    patients = [f"p{number}" for number in range(10)]
    with StoreWriter(path, name="discs", splits={"train": ["t0"], "test": patients, "nobody": []}) as writer:
        for number, patient in enumerate(["t0", *patients * 3]):
            masks = np.stack([disc(2 + 7 * rng.random()) for _ in range(4)]).astype(np.uint8)
            image = np.clip(masks.mean(0, dtype=np.float32) / 2 + 0.2, 0, 1)[None]
            writer.add(Case(image, masks, f"case-{number}", patient))
    return Store.open(path)


@pytest.fixture(scope="session")
def evaluation(store: Store, discs: Method, nothing: Method) -> Evaluation:
    return evaluate(Model(discs), store, samples=32, beside=[Model(nothing, "runs/nothing")])
