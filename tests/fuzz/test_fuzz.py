"""A short run of every reader's corpus: read or refused with one line, within bounds; the long one is `run.py`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
COUNT = 100
READERS = {
    "images": ["png", "tiff", "jpeg", "gif", "bmp", "ppm", "npy", "nifti", "dicom"],
    "volumes": ["nifti-2", "nrrd", "metaimage"],
    "masks in DICOM": ["dicom-bare", "dicom-seg", "rtstruct"],
    "sent to the service": ["upload"],
    "own files": ["store", "splits", "config", "checkpoint", "weights"],
    "data sets": ["folder", "isic", "lidc-png", "lidc-hpunet", "lidc-pickle", "lidc-hdf5", "lidc-xml", "lidc-dicom"],
}


def run(*arguments: str) -> list[dict[str, object]]:
    command = [sys.executable, str(HERE / "run.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    alone = "\n{" not in done.stdout  # a single reader is printed for a person, over several lines
    return [json.loads(text) for text in ([done.stdout] if alone else done.stdout.splitlines())]


def test_the_corpus_is_the_same_every_time() -> None:
    command = [sys.executable, str(HERE / "child.py"), "--digest", "--end", "10", "png", "nifti", "dicom", "store"]
    digests = [subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2)]
    assert digests[0] == digests[1] and len(digests[0]) == 65


@pytest.mark.timeout(600)  # seconds on an idle machine; other work beside it must not make it fail
@pytest.mark.parametrize("group", READERS)
def test_every_input_is_read_or_refused(group: str) -> None:
    readers = [option for reader in READERS[group] for option in ("--reader", reader)]
    summaries = run(*readers, "--count", str(COUNT), "--seconds", "10")
    assert [summary["reader"] for summary in summaries] == READERS[group]
    for summary in summaries:
        assert summary["failures"] == [] and summary["failed"] == 0, json.dumps(summary, indent=1)
        assert summary["read"] + summary["refused"] == COUNT and summary["read"] > 0 and summary["refused"] > 0
