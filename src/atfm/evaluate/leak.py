"""`Leak`: what the guard found in common between a training and a test, and what it could not compare."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binom

from atfm.data.seen.images import Compared

__all__ = ["BY_CHANCE", "Leak", "joined"]

NAMED = 5  # patients or cases written out in the error and the report; the others are counted
# The share of images of other patients that look like one of 10,000 training images is below this: 0 of 4,272 slices of
# LIDC do (docs/data.md), and with 95 % certainty fewer than 1 in 1,400.
BY_CHANCE = 1 / 1000
UNLIKELY = 0.01  # what chance gives more rarely than this is none


@dataclass(frozen=True)
class Leak:
    """What a model was trained on of a test.

    Args:
        tested: how many patients the test has.
        patients: those that the model was trained on, sorted; empty for an honest score.
        ids_not_compared: why the ids of patients say nothing; empty where they were compared.
        images: what came of comparing the images; None where they were not.
        images_not_compared: which of them could not be, and why; empty where all were.
    """

    tested: int
    patients: tuple[str, ...] = ()
    ids_not_compared: str = ""
    images: Compared | None = None
    images_not_compared: str = ""

    @property
    def checked(self) -> bool:
        """Whether anything could be compared: the ids of patients or the images."""
        return not self.ids_not_compared or self.images is not None

    @property
    def by_chance(self) -> bool:
        """Whether as many images as look alike do so by chance: P(X >= alike) for X ~ Binomial(images, rate)."""
        if self.images is None:
            return True
        alike, cases = len(self.images.alike), self.images.cases
        return alike == 0 or bool(binom.sf(alike - 1, cases, self.rate) > UNLIKELY)

    @property
    def rate(self) -> float:
        """How often chance makes images alike: as the training's own do of different patients, 1/1000 at least."""
        return BY_CHANCE if self.images is None else max(BY_CHANCE, self.images.by_chance)

    @property
    def found(self) -> bool:
        """Whether the score is none of new patients."""
        return bool(self.patients) or (self.images is not None and bool(self.images.exact)) or not self.by_chance

    @property
    def names(self) -> str:
        """The first patients by name, and the number of the others."""
        return some(self.patients)

    @property
    def told(self) -> str:
        """What was found, in words that go on from `the model was trained on`; nothing where nothing was."""
        said = []
        if self.patients:
            said.append(f"{len(self.patients)} of the {self.tested} patients to be scored ({self.names})")
        if self.images is not None and self.images.exact:
            said.append(f"{len(self.images.exact)} of the {self.images.cases} images ({some(self.images.exact)})")
        if self.images is not None and not self.by_chance:
            alike = self.images.alike
            said.append(f"images that look like {len(alike)} of the {self.images.cases} ({some(alike)})")
        return " and ".join(said)

    @property
    def line(self) -> str:
        """What was compared and found, and what was not compared, for the report and the terminal."""
        if self.ids_not_compared:
            said = [f"patients not compared: {self.ids_not_compared}"]
        else:
            said = [f"{len(self.patients)} of {self.tested} patients in common, by their ids"]
        if self.images is not None:
            exact, alike = len(self.images.exact), len(self.images.alike)
            said.append(
                f"{exact} of {self.images.cases} images in common, {alike} look like a training image"
                + (f" ({self.images_not_compared})" if self.images_not_compared else "")
            )
        else:
            said.append(f"images not compared: {self.images_not_compared or 'nobody did'}")
        return "; ".join(said)

    @property
    def warnings(self) -> list[str]:
        """What a reader has to know who might take a leak to be excluded, one sentence each."""
        said = []
        if not self.checked:
            said.append(
                f"Nothing of the training could be compared with the test, so a leak cannot be excluded: "
                f"{self.ids_not_compared}; {self.images_not_compared or 'its images were not compared'}."
            )
        elif self.ids_not_compared:
            said.append(
                f"Patients were not compared: {self.ids_not_compared}. Other images of one person would not be noticed."
            )
        if self.images is not None and self.images.alike and self.by_chance:
            alike, cases = self.images.alike, self.images.cases
            verb = "looks" if len(alike) == 1 else "look"
            said.append(
                f"{len(alike)} of {cases} images {verb} like a training image ({some(alike)}); chance gives as many, "
                f"about 1 in {round(1 / self.rate):,}."
            )
        return said

    def as_json(self) -> dict[str, object]:
        """The stamp that a summary carries: what was compared, what is in common, and what could not be compared."""
        images = None
        if self.images is not None:
            images = {
                "compared": self.images.cases,
                "exact": len(self.images.exact),
                "alike": len(self.images.alike),
                "names": [*self.images.exact, *self.images.alike][:NAMED],
            }
        not_compared = {"patients": self.ids_not_compared, "images": self.images_not_compared}
        return {
            "checked": self.checked,
            "found": self.found,
            "patients": len(self.patients),
            "names": list(self.patients[:NAMED]),
            "images": images,
            "not_compared": {what: why for what, why in not_compared.items() if why},
            "line": self.line,
        }


def joined(leaks: Sequence[Leak]) -> Leak:
    """Return what was found of several trainings, each of which scores patients of its own."""
    images = [leak.images for leak in leaks if leak.images is not None]
    compared = Compared(
        sum(one.cases for one in images),
        tuple(case for one in images for case in one.exact),
        tuple(case for one in images for case in one.alike),
        max((one.by_chance for one in images), default=0.0),
    )
    return Leak(
        tested=sum(leak.tested for leak in leaks),
        patients=tuple(sorted(patient for leak in leaks for patient in leak.patients)),
        ids_not_compared=next((leak.ids_not_compared for leak in leaks if leak.ids_not_compared), ""),
        images=compared if len(images) == len(leaks) else None,
        images_not_compared=next((leak.images_not_compared for leak in leaks if leak.images_not_compared), ""),
    )


def some(names: Sequence[str]) -> str:
    """The first names, and the number of the others."""
    others = len(names) - NAMED
    named = ", ".join(names[:NAMED])
    return f"{named} and {others} more" if others > 0 else named
