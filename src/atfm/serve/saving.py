"""Results as files, made when they are asked for and kept by nobody."""

from atfm.predict import Prediction
from atfm.serve.image import Image

__all__ = ["forms"]


def forms(prediction: Prediction, image: Image) -> list[str]:
    """The forms that a result can be saved as."""
    referring = ["dicom-seg", "rtstruct"] if prediction.place.files and image.upload is not None else []
    return ["png", "nifti", "nrrd", *referring, "json"]
