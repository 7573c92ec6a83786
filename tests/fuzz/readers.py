"""Every reader of foreign files: what it is given, and how it is called.

What makes the inputs is imported when a reader's turn comes, so that one can be fuzzed without all the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import checks
from corpus import Kind

__all__ = ["READERS", "Reader"]

Read = Callable[[Path], None]


@dataclass(frozen=True)
class Reader:
    """One reader.

    Args:
        source: the function that makes its inputs, `module:name`; imported when it is needed.
        reads: called with the folder of the input, each by itself; each reads and checks, or raises an `AtfmError`.
    """

    source: str
    reads: Sequence[Read]

    def kind(self) -> Kind:
        """Where its inputs come from."""
        module, name = self.source.split(":")
        made: Kind = getattr(import_module(module), name)()
        return made


ARRAYS = (checks.image, checks.windowed, checks.mask, checks.labels)
PICTURES = (*ARRAYS, checks.ruled)
READERS: dict[str, Reader] = {
    "png": Reader("hostile_rasters:png_kind", PICTURES),
    "tiff": Reader("hostile_tiff:tiff_kind", PICTURES),
    "jpeg": Reader("hostile_rasters:jpeg_kind", PICTURES),
    "gif": Reader("hostile_pictures:gif_kind", PICTURES),
    "bmp": Reader("hostile_pictures:bmp_kind", PICTURES),
    "ppm": Reader("hostile_pictures:ppm_kind", PICTURES),
    "npy": Reader("hostile_arrays:npy_kind", PICTURES),
    "nifti": Reader("hostile_arrays:nifti_kind", PICTURES),
    "nifti-2": Reader("hostile_volumes:nifti2_kind", PICTURES),
    "nrrd": Reader("hostile_volumes:nrrd_kind", PICTURES),
    "metaimage": Reader("hostile_volumes:metaimage_kind", PICTURES),
    "store": Reader("hostile_stores:store_kind", (checks.store,)),
    "checkpoint": Reader("hostile_weights:pair_kind", (checks.pair,)),
    "weights": Reader("hostile_weights:weights_kind", (checks.weights,)),
    "config": Reader("hostile_texts:config_kind", (checks.config,)),
    "splits": Reader("hostile_texts:splits_kind", (checks.splits,)),
    "lidc-png": Reader("hostile_packages:lidc_png_kind", (checks.lidc_png,)),
    "lidc-pickle": Reader("hostile_lidc_pickles:lidc_pickle_kind", (checks.lidc_pickle,)),
    "lidc-hdf5": Reader("hostile_hdf5:hdf5_kind", (checks.lidc_hdf5,)),
    "lidc-hpunet": Reader("hostile_folders:hpunet_kind", (checks.lidc_hpunet,)),
    "isic": Reader("hostile_folders:isic_kind", (checks.isic,)),
    "dicom": Reader("hostile_dicom:dicom_kind", (checks.dicom,)),
    "dicom-bare": Reader("hostile_masks:bare_kind", (checks.dicom,)),
    "dicom-seg": Reader("hostile_masks:segmentation_kind", (checks.drawn,)),
    "rtstruct": Reader("hostile_masks:structures_kind", (checks.drawn,)),
    "upload": Reader("hostile_uploads:upload_kind", (checks.uploaded,)),
    "lidc-xml": Reader("hostile_xml:xml_kind", (checks.xml,)),
    "lidc-dicom": Reader("hostile_xml:lidc_dicom_kind", (checks.lidc_dicom,)),
    "folder": Reader("hostile_folders:folder_kind", (checks.any_folder,)),
}
