"""A CT and a spot in it: what simulated readers would outline there, and files for 3D Slicer and OHIF.

    python examples/ct_spot.py scan/ --at 316 366 40     # a DICOM series, a NIfTI or a NRRD; column, row, slice from 0
    python examples/ct_spot.py                           # a scan that is simulated first

`atfm sample lidc scan/ --at 316 366 40` does the same on the command line, `atfm serve lidc` on a page.
"""

import argparse
from pathlib import Path

import nibabel
import numpy as np

import atfm
from atfm.predict import open_image, prepare_opened, view_of
from atfm.predict.saved import forms_of, save


def simulated(path: Path) -> Path:
    """Write a NIfTI of a lung with a round nodule at 100 80 4 and a vessel that touches it."""
    z, y, x = np.indices((9, 160, 200))
    nodule = np.hypot(np.hypot(x - 100, y - 80), 3 * (z - 4)) < 9
    vessel = (abs(y - 80 - (x - 100) / 3) < 2) & (abs(z - 4) < 2) & (x > 100)
    units = np.where(nodule, 30, np.where(vessel, -200, -850)) + np.random.default_rng(0).normal(0, 25, z.shape)
    affine = np.diag([-0.7, -0.7, 2.5, 1.0])  # columns to the left, rows to the back, slices up: as DICOM lies
    nibabel.save(nibabel.Nifti1Image(units.T.astype(np.int16), affine), path)
    return path


def main(given: list[str] | None = None) -> None:
    """Read the scan once, draw at every spot, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scan", type=Path, nargs="?")
    parser.add_argument("--at", type=int, nargs=3, action="append", metavar=("X", "Y", "Z"))
    parser.add_argument("--model", default="lidc")
    parser.add_argument("--n", type=int, default=64)
    parser.add_argument("--out", type=Path, default=Path("spots"))
    args = parser.parse_args(given)
    args.out.mkdir(parents=True, exist_ok=True)
    scan = args.scan or simulated(args.out / "scan.nii.gz")

    # The scan stays in memory, to be asked about as many places as one likes.
    opened = open_image(scan)
    view = view_of(opened.source)
    sides = " x ".join(f"{mm:.3g}" for mm in view.spacing or ()) or "unknown"
    print(f"{view.width} x {view.height} x {view.slices} voxels of {sides} mm, in {view.windows.units}")
    print(f"a slice runs from {view.letters.left} to {view.letters.right}" if view.letters else "it lies nowhere")

    model = atfm.load(args.model)
    for point in args.at or [(100, 80, 4)]:
        prediction = model.sample(prepare_opened(model, opened, at=point), n=args.n, seed=7)
        print(f"\nat {point}:", prediction, sep="\n")
        # As files for other programs, in the geometry of the whole scan; in a notebook `prediction` shows itself.
        folder = args.out / "-".join(map(str, point))
        folder.mkdir(exist_ok=True)
        for form in forms_of(prediction, opened.source):
            print(f"{form:>10}  {save(prediction, form, folder).path}")
        (folder / "prediction.html").write_text(prediction._repr_html_(), "utf-8")


if __name__ == "__main__":
    main()
