"""`atfm data import lidc-dicom` from its flags to the store."""

import importlib.util
from pathlib import Path

import pytest

from atfm.cli.main import build_parser
from atfm.data.store import Store
from atfm.errors import InputError

IMPORTERS = Path(__file__).resolve().parents[1] / "importers" / "conftest.py"
spec = importlib.util.spec_from_file_location("lidc_writing", IMPORTERS)
writing = importlib.util.module_from_spec(spec)
spec.loader.exec_module(writing)
dicom, lidc, xml = writing.dicom, writing.lidc, writing.xml  # fixtures


@pytest.fixture
def run(tmp_path, lidc, xml):
    """Run the command on one scan with two nodules."""
    rois = [[xml.roi("1.9.1.1.3", xml.box(5, 5, 9, 9))], [xml.roi("1.9.1.1.5", xml.box(25, 20, 40, 30))]]
    lidc("LIDC-IDRI-0001", [[rois[0]], [rois[0], rois[1]], [], []])

    def command(*flags: str) -> tuple[dict, str]:
        args = build_parser().parse_args(["data", "import", "lidc-dicom", str(tmp_path / "tcia"), *flags])
        result = args.run(args)
        return result, args.show(result)

    return command


def test_a_store_from_its_flags(tmp_path, run) -> None:
    flags = ("--crop", "20", "--window", "-1000", "400", "--min-readers", "2", "--out", str(tmp_path / "store"))
    result, text = run(*flags)
    store = Store.open(tmp_path / "store")
    assert [case for case, _ in store.ids()] == ["LIDC-IDRI-0001/nodule-0/slice-2"]
    assert store[0].image.shape == (1, 20, 20) and store[0].masks.shape == (4, 20, 20)
    assert "1 cases of 1 patients" in text and "1 nodule(s) drawn by fewer than 2" in text
    result, _ = run("--crop", "20", "--volumes", "4", "--out", str(tmp_path / "volumes"))
    assert result["cases"] == 2 and Store.open(tmp_path / "volumes").shape(0) == (4, 20, 20)


def test_a_dry_run_lists_what_the_import_would_refuse(tmp_path, run) -> None:
    next((tmp_path / "tcia").rglob("006.dcm")).unlink()
    result, text = run("--crop", "20", "--dry-run")
    assert result["cases"] == 0 and len(result["refused"]) == 1 and "slice(s) missing" in text
    with pytest.raises(InputError, match="--skip-broken"):
        run("--crop", "20", "--out", str(tmp_path / "store"))
    result, text = run("--crop", "20", "--allow-gaps", "--dry-run")
    assert result["cases"] == 2 and not result["refused"]
