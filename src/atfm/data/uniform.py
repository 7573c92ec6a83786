"""What all cases of one store have in common, and the refusal of a case that lacks it."""

from collections.abc import Sequence

from atfm.data.case import Case
from atfm.data.labels import highest, refusal
from atfm.errors import InputError
from atfm.io.decoding import brief, is_plain

__all__ = ["Uniform"]

LONGEST_ID = 500
MOST_ANNOTATORS = 2**16 - 1


class Uniform:
    """The channels, axes, labels and names of the cases so far.

    Args:
        classes: 1 for binary masks, else the number of labels, background included.
        ignore_label: a label that says nothing, if there is one.
        class_names: of every label but the background, if they have names.

    Raises:
        InputError: a number of classes that is none, an `ignore_label` that is a class, or names that do not fit.
    """

    def __init__(
        self, classes: int = 1, ignore_label: int | None = None, class_names: Sequence[str] | None = None
    ) -> None:
        if not 1 <= classes <= 256:
            raise InputError(f"classes: expected 1 (binary) to 256, got {classes}")
        if ignore_label is not None and not 1 < classes <= ignore_label <= 255:
            raise InputError(
                f"ignore_label: expected at least 2 classes and a label from {max(classes, 2)} to 255, "
                f"got {classes} and {ignore_label}; a binary set with such pixels has the classes 0 and 1"
            )
        misnamed = refusal(class_names, classes)
        if misnamed is not None:
            raise InputError(f"class_names: {misnamed}")
        self.classes, self.ignore_label = classes, ignore_label
        self.class_names = None if class_names is None else tuple(class_names)
        self.channels = self.spatial_dims = 0  # of the first case
        self.patients: dict[str, str] = {}  # case_id -> patient_id, in order

    def admit(self, case: Case) -> None:
        """Count one more case in.

        Raises:
            InputError: an id that is no name or was used before, more annotators than a store can tell apart, other
                channels or spatial axes than the first case, or labels that are not among the classes.
        """
        for name in (case.case_id, case.patient_id):
            if not name or len(name) > LONGEST_ID or not is_plain(name):
                raise InputError(
                    f"case {brief(case.case_id)}: the name {brief(name)!r} is empty, longer than {LONGEST_ID} letters "
                    "or cannot be printed; give it another one"
                )
        channels, spatial_dims = len(case.image), case.image.ndim - 1
        if case.case_id in self.patients:
            raise InputError(f"case {case.case_id}: there are two of this name; every case needs its own")
        if self.patients and (channels, spatial_dims) != (self.channels, self.spatial_dims):
            raise InputError(
                f"case {case.case_id}: image: expected {self.channels} channels and {self.spatial_dims} spatial axes "
                f"as in the first case, got {channels} and {spatial_dims}"
            )
        if case.annotators > MOST_ANNOTATORS:
            raise InputError(
                f"case {case.case_id}: {case.annotators} annotators, more than the {MOST_ANNOTATORS} of a store"
            )
        top, found = max(self.classes - 1, 1), highest(case.masks, self.ignore_label)
        if found > top:
            raise InputError(
                f"case {case.case_id}: masks: expected labels 0 to {top}, got {found}; set the number of classes"
            )
        self.record(case.case_id, case.patient_id, channels, spatial_dims)

    def record(self, case_id: str, patient_id: str, channels: int, spatial_dims: int) -> None:
        """Count in a case that was admitted before."""
        self.channels, self.spatial_dims = channels, spatial_dims
        self.patients[case_id] = patient_id
