"""`Sides`: which files of a folder are images and which are masks, where one name may fit the patterns of both."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from atfm.errors import AmbiguousError
from atfm.importers.naming import Pattern, shown

__all__ = ["Sides"]


class Sides:
    """Images told from masks.

    A name that fits one pattern is what that says. One that fits both is a mask if the pattern of the masks is the more
    specific one, that is fixes more letters, and if there is an image for it to be the mask of; else it is an image.

    Args:
        folder: where the names begin, for errors.
        names: of the files, in the order wanted.
        images: pattern of the images.
        masks: pattern of the masks.

    Attributes:
        images: how the name of each image is read.
        others: the remaining names, masks among them.

    Raises:
        AmbiguousError: a file that may be an image with masks of its own or a mask of another image.
    """

    def __init__(self, folder: Path, names: Sequence[str], images: Pattern, masks: Pattern) -> None:
        self.folder, self.masks = folder, masks
        # Two patients may both have a case `visit-1`; the patient tells them apart where both patterns name it.
        self.by_patient = "{patient}" in images.parts and "{patient}" in masks.parts
        self._candidates = {name: match for name in names if (match := next(images.matches(name), None))}
        self._of_case = {self.case_of(match): name for name, match in self._candidates.items()}
        self._owners: dict[str, str | None] = {}
        specific = masks.literals > images.literals
        taken = {name for name in self._candidates if specific and self._owner(name)}
        self._check(taken, names)
        self.images = {name: match for name, match in self._candidates.items() if name not in taken}
        self.others = [name for name in names if name not in self.images]

    def case_of(self, match: Mapping[str, str]) -> str:
        """The id of the case that a name was read as."""
        return f"{match['patient']}/{match['case']}" if self.by_patient else match["case"]

    def why_no_mask(self, orphans: Sequence[str]) -> str:
        """Why no file is the mask of an image, for an error.

        Args:
            orphans: the names that fit the masks' pattern and belong to no image.
        """
        both = [name for name in self.images if next(self.masks.matches(name), None)]
        if orphans:
            return f"what fits it belongs to no image: {few(orphans)}"
        if both:
            return (
                f"the {len(both)} files that fit it fit the pattern of the images too and are taken for images, such "
                f"as {few(both)}; fix more letters in the pattern of the masks, as in '{{case}}_mask.png'"
            )
        if self.others:
            return f"beside {len(self.images)} images the folder holds {few(self.others)}"
        return (
            f"all {len(self.images)} files of the folder are images by their pattern, such as {few(list(self.images))}"
        )

    def _owner(self, name: str) -> str | None:
        """The image of which a candidate is the mask, read the longest way; None where it is an image itself."""
        if name not in self._owners:
            self._owners[name] = None  # of two that would be each other's mask, the first asked for is the image
            for image in self._readings(name):
                if image != name and self._owner(image) is None:
                    self._owners[name] = image
                    break
        return self._owners[name]

    def _readings(self, name: str) -> Iterator[str]:
        """The candidates of which a name may be a mask, the longest reading first."""
        for match in self.masks.matches(name):
            image = self._of_case.get(self.case_of(match))
            if image is not None:
                yield image

    def _check(self, taken: set[str], names: Sequence[str]) -> None:
        """Refuse a mask that has masks of its own by a longer reading of their names."""
        for name in names if taken else ():
            image = next((image for image in self._readings(name) if image != name), None)
            if image in taken:
                raise AmbiguousError(
                    f"{self.folder / image}: may be an image, of which {shown(name)} is a mask, or itself a mask of "
                    f"{shown(self._owners[image])}; give patterns that tell them apart, or rename it"
                )


def few(names: Sequence[str]) -> str:
    """A few names for an error."""
    return ", ".join(map(shown, names[:3])) + (" ..." if len(names) > 3 else "")
