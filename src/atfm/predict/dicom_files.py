"""One image's result as DICOM objects of its series: segmentations, structures, or maps of real numbers."""

from pathlib import Path
from typing import Any

import numpy as np

from atfm import __version__
from atfm.io.dicom.parametric import write_parametric_map
from atfm.io.dicom.segmentation import write_segmentation
from atfm.io.dicom.sources import Algorithm
from atfm.io.dicom.structures import Region as Roi
from atfm.io.dicom.structures import write_structures
from atfm.predict.files import Written, write_nifti_files, write_nifti_volumes
from atfm.predict.prediction import Prediction
from atfm.predict.regions import Region, known_as, parameters, regions

__all__ = ["write_map_files", "write_probability_files", "write_segmentation_files", "write_structure_files"]


def write_segmentation_files(
    out: Path, prediction: Prediction, *, separate: bool = False, beside: bool = True
) -> Written:
    """Write `segmentation.dcm`, a BINARY segment for each hypothesis, or a file for each: `hypothesis-1.dcm` and so on.

    A hypothesis in which nothing is marked has no segment; its name stands in the content's description. Of classes
    each has a segment of its own. They refer to the slices that were sampled, in their whole size. If wanted, `beside`
    them lie the samples and the maps as NIfTI volumes of the whole series.

    Raises:
        InputError: an image that no segmentation can refer to.
        DiskError: the file cannot be written.
    """
    found = regions(prediction)
    empty = [one for one in prediction.hypotheses if one.area == 0]
    note = "; ".join(f"not a segment: {one.name}, {one.probability:.0%}" for one in empty)
    hypotheses: list[dict[str, Any]] = [{"file": None, "segments": []} for _ in prediction.hypotheses]
    written = []
    for number, own in enumerate(_by_file(found, len(hypotheses), separate=separate), start=1):
        name = f"hypothesis-{number}.dcm" if separate else "segmentation.dcm"
        title = f"{own[0].name}, {prediction.hypotheses[own[0].hypothesis].probability:.0%}"
        segments = write_segmentation(
            out / name,
            prediction.place.files,
            np.stack([one.mask(prediction) for one in own]),
            [one.name for one in own],
            [one.sentence for one in own],
            algorithm=_algorithm(prediction),
            frames=prediction.place.frames,
            series=f"atfm {title}" if separate else f"atfm hypotheses ({known_as(prediction)})",
            note=note,
            kind=_kind(prediction),
            number=number,
        )
        for one, segment in zip(own, segments, strict=True):
            if segment is not None:
                hypotheses[one.hypothesis] = {
                    "file": name,
                    "segments": [*hypotheses[one.hypothesis]["segments"], segment],
                }
        written += [name] if any(segments) else []
    files: dict[str, Any] = {"segmentation": written if separate else next(iter(written), None)}
    return Written(files | (write_nifti_volumes(out, prediction) if beside else {}), hypotheses)


def _by_file(found: list[Region], hypotheses: int, *, separate: bool) -> list[list[Region]]:
    return [[one for one in found if one.hypothesis == own] for own in range(hypotheses)] if separate else [found]


def write_probability_files(out: Path, prediction: Prediction) -> Written:
    """Write `probability.dcm`, a FRACTIONAL segment of each class; the hypotheses then stand in the JSON alone.

    Raises:
        InputError: an image that no segmentation can refer to.
        DiskError: the file cannot be written.
    """
    maps = _probabilities(prediction)
    numbers = write_segmentation(
        out / "probability.dcm",
        prediction.place.files,
        np.stack(list(maps.values())),
        ["lesion"] if prediction.channels == 1 else list(maps),
        [f"share of {len(prediction)} samples"] * len(maps),
        algorithm=_algorithm(prediction),
        frames=prediction.place.frames,
        series=f"atfm probability ({known_as(prediction)})",
        kind=_kind(prediction),
    )
    files = {"segmentation": "probability.dcm" if any(numbers) else None} | write_nifti_volumes(out, prediction)
    return Written(files, [{"file": None, "segments": []} for _ in prediction.hypotheses])


def write_structure_files(out: Path, prediction: Prediction, *, beside: bool = True) -> Written:
    """Write `structures.dcm`, an RT Structure Set with an ROI for each hypothesis, and for each class of it.

    An empty hypothesis is an ROI without contours. If wanted, `beside` it lie samples and maps as NIfTI volumes.

    Raises:
        InputError: an image that does not say where it lies.
        DiskError: the file cannot be written.
    """
    found = regions(prediction)
    numbers = write_structures(
        out / "structures.dcm",
        prediction.place.files,
        np.stack([one.mask(prediction) for one in found]),
        [Roi(one.name, one.sentence, one.colour) for one in found],
        algorithm=_algorithm(prediction),
        frames=prediction.place.frames,
        series=f"atfm hypotheses ({known_as(prediction)})",
    )
    hypotheses: list[dict[str, Any]] = [{"file": "structures.dcm", "rois": []} for _ in prediction.hypotheses]
    for one, number in zip(found, numbers, strict=True):
        hypotheses[one.hypothesis]["rois"].append(number)
    volumes = write_nifti_volumes(out, prediction) if beside else {}
    return Written({"structures": "structures.dcm"} | volumes, hypotheses)


def write_map_files(out: Path, prediction: Prediction) -> Written:
    """Write `probability.dcm` (of classes one for each) and `ambiguity.dcm` as Parametric Maps, and all NIfTI volumes.

    Raises:
        InputError: an image that no map can refer to.
        DiskError: the file cannot be written.
    """
    place = prediction.place
    most = 1.0 if prediction.channels == 1 else float(np.log2(prediction.channels))
    maps = {name: (values, 1.0) for name, values in _probabilities(prediction).items()}
    entropy = place.put(prediction.entropy, planes=True).reshape(-1, *place.whole[-2:])
    maps["ambiguity"] = (np.minimum(entropy, most), most)
    names: dict[str, str] = {}
    for number, (name, (values, largest)) in enumerate(maps.items(), start=1):
        names[name] = f"{name.replace(' ', '-')}.dcm"
        write_parametric_map(
            out / names[name],
            place.files,
            values,
            name=name,
            largest=largest,
            bits=name == "ambiguity",
            algorithm=_algorithm(prediction),
            frames=place.frames,
            series=f"atfm {name} ({known_as(prediction)})",
            number=number,
        )
    volumes = write_nifti_files(out, prediction)
    return Written({"maps": list(names.values())} | volumes.files, volumes.hypotheses)


def _probabilities(prediction: Prediction) -> dict[str, np.ndarray]:
    """`[n, H, W]` on the slices that were sampled, of the lesion or of each class but the background."""
    mean, place = prediction.mean_probability, prediction.place
    maps = place.put(mean if prediction.channels == 1 else mean[1:], planes=True)  # [N, (n,) H, W]
    maps = maps.reshape(len(maps), -1, *maps.shape[-2:])
    names = ["probability"] if prediction.channels == 1 else [f"class {label}" for label in range(1, len(mean))]
    return dict(zip(names, maps, strict=True))


def _kind(prediction: Prediction) -> str:
    return "lesion" if prediction.channels == 1 else "tissue"


def _algorithm(prediction: Prediction) -> Algorithm:
    return Algorithm(f"atfm {known_as(prediction)}", __version__, parameters(prediction))
