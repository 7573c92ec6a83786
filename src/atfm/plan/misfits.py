"""What a person should know of a set, and of how a configuration looks at it, before anything is trained."""

from collections.abc import Iterator

from atfm.plan.facts import Facts
from atfm.plan.view import View, spoken

__all__ = ["misfits", "shortcomings"]

ALIKE = 0.98  # mean IoU from which readers say the same, to a pixel of the outline
APART = 0.5  # share of cases without a common pixel, from which readers do not mark the same thing
TIGHT = 1.15  # view over lesion, below which a step sees hardly anything beside it
LOST = 4  # pixels of the longest side of a lesion


def misfits(facts: Facts, view: View) -> list[str]:
    """Return a sentence for each way in which what a network sees does not fit the lesions of the set.

    Args:
        facts: of the training cases.
        view: of the configuration that is to be trained.
    """
    return list(_misfits(facts, view))


def _misfits(facts: Facts, view: View) -> Iterator[str]:
    if facts.lesion is None:
        return
    lesion, size = view.lesion(facts), view.size
    what = "crop" if view.slides else "window"
    part = view.slides or "window" in view.fields  # what is seen whole is larger than anything in it
    usual = part and any(side > seen for side, seen in zip(lesion.usual, size, strict=True))
    most = part and any(side > seen for side, seen in zip(lesion.most, size, strict=True))
    if usual or most:
        which = f"what is marked takes {spoken(lesion.usual)} pixels as a rule" if usual else "some lesions take more"
        yield (
            f"lesions larger than the {what} of {spoken(size)}: {which}, {spoken(lesion.most)} at most, so that no "
            f"step sees one whole; take a larger {what}, or fit.step or fit.canvas, which make images smaller"
        )
    elif view.slides and any(side * TIGHT > seen for side, seen in zip(lesion.usual, size, strict=True)):
        yield (
            f"a crop without context: lesions of {spoken(lesion.usual)} pixels fill the crop of {spoken(size)}; take a "
            "larger crop, or fit.step, which makes images smaller"
        )
    small = facts.small / max(view.step)
    if small < LOST <= facts.small:
        yield (
            f"lesions smaller than what is seen: one in ten masks is at most {small:.1f} of the network's pixels long "
            f"(one of these is {max(view.step):.2g} of the image's); take a smaller fit.step, or crops"
        )
    seen = [side / whole for side, whole in zip(size, view.whole(facts).usual, strict=True)]
    if "window" in view.fields and facts.reach > 1.02 * min(seen):
        yield (
            f"marks outside of the window of {spoken(size)}: they reach {facts.reach:.0%} of the way from the middle "
            "to the border; what lies outside is never drawn"
        )


def shortcomings(facts: Facts) -> list[str]:
    """Return a sentence for each thing that the set cannot teach, whatever is trained on it."""
    return list(_shortcomings(facts))


def _shortcomings(facts: Facts) -> Iterator[str]:
    if facts.readers[2] == 1:
        yield (
            "one reader only: how readers differ is not in this set; samples will differ by what the image leaves open "
            "to the network, and GED says nothing of readers (docs/own-set.md, One reader only)"
        )
    elif facts.agreement is not None and facts.agreement >= ALIKE:
        yield (
            f"a set without ambiguity: two readers agree to an IoU of {facts.agreement:.3f} in the mean, so that one "
            "mask says all; the masks may be copies of one another"
        )
    if facts.disjoint >= APART:
        yield (
            f"readers who never overlap: in {facts.disjoint:.0%} of the cases no two of them share a pixel; they may "
            "have marked different things, or the masks may be laid wrongly on the images"
        )
    if not facts.patients_known:
        yield (
            "patients unknown: each case counts as one, and two images of a person may stand on both sides of a split; "
            "import with {patient} in the pattern or --patient if the names tell"
        )
