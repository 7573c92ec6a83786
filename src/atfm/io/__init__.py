"""Images and masks from files and back, each file whole or not at all."""

from atfm.io.images import Picture, read_image, read_mask
from atfm.io.saving import write_nifti, write_npy, write_png

__all__ = [
    "Picture",
    "read_image",
    "read_mask",
    "write_nifti",
    "write_npy",
    "write_png",
]
