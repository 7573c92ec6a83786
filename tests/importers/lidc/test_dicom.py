"""Raw LIDC-IDRI becomes a store of crops; every slip of a scan or its reading is named."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from atfm.data.store import Store
from atfm.errors import InputError
from atfm.importers.lidc.contours import effort
from atfm.importers.lidc.crops import LUNG, NoduleCrop
from atfm.importers.lidc.dicom import plan_lidc_dicom
from atfm.importers.lidc.xml import Roi
from atfm.importers.plan import build_store
from atfm.importers.survey import survey

SMALL = NoduleCrop(size=24)
VOLUME = np.random.default_rng(1).integers(-1400, 400, (7, 40, 48)).astype(np.int16)  # as conftest.py writes it


@pytest.fixture
def readers(xml):
    """Three readers see one nodule on slices 2 to 4, one of them another in the corner; the fourth sees none."""

    def nodule(series, left, top, right, bottom, slices) -> list[str]:
        return [xml.roi(f"{series}.{k + 1}", xml.box(left, top, right, bottom)) for k in slices]

    def drawn(series: str = "1.9.1.1"):
        return [
            [nodule(series, 10, 12, 18, 20, (2, 3, 4))],
            [nodule(series, 11, 12, 18, 19, (3, 4)), nodule(series, 40, 0, 46, 7, (0, 1))],
            [nodule(series, 9, 13, 17, 20, (3,))],
            [],
        ]

    return drawn


def refused(*folders: Path, **options) -> str:
    with pytest.raises(InputError) as error, plan_lidc_dicom(folders, **{"crop": SMALL, **options}):
        pass
    assert "\n" not in str(error.value)
    return str(error.value)


def windowed(values: np.ndarray, low: float = LUNG[0], high: float = LUNG[1]) -> np.ndarray:
    return np.clip((values - low) / (high - low), 0, 1)


def test_crops_of_slices_with_a_mask_of_every_reader(tmp_path, lidc, readers) -> None:
    lidc("LIDC-IDRI-0001", readers(), spacing=(0.7, 0.8))
    info = build_store(plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL), tmp_path / "store")
    store = Store.open(tmp_path / "store")
    store.check()
    assert info.modality == "CT" and info.licence == "CC BY 3.0"
    assert [case for case, _ in store.ids()] == [
        f"LIDC-IDRI-0001/nodule-{nodule}/slice-{z}" for nodule, z in [(0, 0), (0, 1), (1, 2), (1, 3), (1, 4)]
    ]
    case = store[3]
    assert case.patient_id == "LIDC-IDRI-0001" and case.spacing == (0.7, 0.8)
    # All masks of the nodule lie in columns 10 to 17 and rows 13 to 19: its middle is column 14, row 16.
    expected = np.zeros((4, 40, 48), np.uint8)
    expected[0, 13:20, 11:18] = expected[1, 13:19, 12:18] = expected[2, 14:20, 10:17] = 1
    np.testing.assert_array_equal(case.masks, expected[:, 4:28, 2:26])
    np.testing.assert_allclose(case.image[0], windowed(VOLUME[3, 4:28, 2:26]), atol=1e-6)
    assert [int(mask.any()) for mask in store[2].masks] == [1, 0, 0, 0]


def test_a_crop_beyond_the_border_has_the_lowest_value(tmp_path, lidc, readers) -> None:
    lidc("LIDC-IDRI-0001", readers())
    build_store(plan_lidc_dicom([tmp_path / "tcia"], crop=NoduleCrop(size=24, window=(-1000, 400))), tmp_path / "store")
    corner = Store.open(tmp_path / "store")[0]  # columns 41 to 45, rows 1 to 6: its middle is column 43, row 4
    image = np.zeros((24, 24))
    image[8:, :17] = windowed(VOLUME[0, :16, 31:48], -1000, 400)
    np.testing.assert_allclose(corner.image[0], image, atol=1e-6)
    assert corner.masks[1].sum() == 6 * 5 and corner.masks[1, 8 + 1 : 8 + 7, 10:15].all()


def test_volumes(tmp_path, lidc, readers) -> None:
    lidc("LIDC-IDRI-0001", readers(), distance=1.25)
    build_store(plan_lidc_dicom([tmp_path / "tcia"], crop=NoduleCrop(size=24, volumes=6)), tmp_path / "store")
    store = Store.open(tmp_path / "store")
    assert [case for case, _ in store.ids()] == ["LIDC-IDRI-0001/nodule-0", "LIDC-IDRI-0001/nodule-1"]
    low, high = store[0], store[1]  # slices -2 to 3, and 0 to 5
    assert low.image.shape == (1, 6, 24, 24) and low.spacing == (1.25, 1, 1)
    assert not low.image[0, :2].any() and low.image[0, 2:].any(axis=(1, 2)).all()
    np.testing.assert_allclose(high.image[0], windowed(VOLUME[:6, 4:28, 2:26]), atol=1e-6)
    assert high.masks.any(axis=(2, 3)).tolist() == [
        [k in slices for k in range(6)] for slices in ((2, 3, 4), (3, 4), (3,), ())
    ]


def test_min_readers_limit_and_splits(tmp_path, lidc, readers) -> None:
    for k in range(1, 6):
        lidc(f"LIDC-IDRI-000{k}", readers(f"1.9.{k}.1"))
    with plan_lidc_dicom([tmp_path / "tcia"], crop=NoduleCrop(size=24, min_readers=2)) as plan:
        assert len(plan.cases) == 15 and {case.case_id.split("/")[1] for case in plan.cases} == {"nodule-0"}
        assert len(plan.skipped) == 5 and "1 nodule(s) drawn by fewer than 2" in plan.skipped[0]
        patients = [patient for split in plan.splits.values() for patient in split]
        assert sorted(patients) == [f"LIDC-IDRI-000{k}" for k in range(1, 6)] and len(plan.splits) == 3
    given = {"train": ["LIDC-IDRI-0002"], "test": ["LIDC-IDRI-0001"]}
    with plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL, limit=7, splits=given) as plan:
        assert [case.case_id for case in plan.cases][5:] == [f"LIDC-IDRI-0002/nodule-0/slice-{z}" for z in (0, 1)]
        assert plan.splits == given


def test_two_scans_of_a_patient_count_their_nodules_on(tmp_path, lidc, readers) -> None:
    lidc("LIDC-IDRI-0001", readers("1.9.1.2"), number=2)
    lidc("LIDC-IDRI-0001", readers("1.9.1.1"), number=1)
    with plan_lidc_dicom([tmp_path / "tcia"], crop=NoduleCrop(size=24, volumes=8)) as plan:
        assert [case.case_id for case in plan.cases] == [f"LIDC-IDRI-0001/nodule-{k}" for k in range(4)]


def test_xml_in_another_folder(tmp_path, lidc, readers, xml) -> None:
    folder = lidc("LIDC-IDRI-0001", None)
    assert "no nodule found" in refused(tmp_path / "tcia") and "no XML is about this CT" in refused(tmp_path / "tcia")
    (tmp_path / "xml" / "157").mkdir(parents=True)
    (tmp_path / "xml" / "157" / "158.XML").write_text(xml.message("1.9.1.1", readers()))
    (tmp_path / "xml" / "max").mkdir()
    (tmp_path / "xml" / "max" / "radiograph.xml").write_text("<IdriReadMessage/>")
    with plan_lidc_dicom([tmp_path / "tcia"], xml=[tmp_path / "xml"], crop=SMALL) as plan:
        assert len(plan.cases) == 5 and folder / "007.dcm" in plan.sources
    shutil.copy(tmp_path / "xml" / "157" / "158.XML", folder / "069.xml")  # the same reading in both places
    with plan_lidc_dicom([tmp_path / "tcia"], xml=[tmp_path / "xml"], crop=SMALL) as plan:
        assert len(plan.cases) == 5
    text = (folder / "069.xml").read_bytes()  # by way of another system: its line ends, its byte order mark
    (folder / "069.xml").write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n") + b"\r\n")
    with plan_lidc_dicom([tmp_path / "tcia"], xml=[tmp_path / "xml"], crop=SMALL) as plan:
        assert len(plan.cases) == 5
    (folder / "069.xml").write_text(xml.message("1.9.1.1", [[], []]))
    assert "another reading of the same series" in refused(tmp_path / "tcia", xml=[tmp_path / "xml"])


# From here on, one slip each.


def same_as_without(tmp_path: Path, reference: Path) -> None:
    """The scan in `tcia` gives the store that the one in `reference` gives."""
    stores = []
    for number, folder in enumerate((tmp_path / "tcia", reference)):
        build_store(plan_lidc_dicom([folder], crop=SMALL), tmp_path / f"store-{number}")
        stores.append(Store.open(tmp_path / f"store-{number}"))
    assert stores[0].ids() == stores[1].ids() and len(stores[0]) == 5
    for one, other in zip(*stores, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.masks, other.masks)


@pytest.fixture
def reference(tmp_path, lidc, readers) -> Path:
    """A faultless scan, out of the way."""
    lidc("LIDC-IDRI-0001", readers())
    return (tmp_path / "tcia").rename(tmp_path / "reference")


def test_reversed_order(tmp_path, lidc, readers, reference) -> None:
    folder = lidc("LIDC-IDRI-0001", readers())
    for k, file in enumerate(sorted(folder.glob("*.dcm"), reverse=True)):
        file.rename(folder / f"{k:06d}.img")  # now with the positions, where it was against them
    same_as_without(tmp_path, reference)


def test_duplicate_instances(tmp_path, lidc, readers, reference, dicom) -> None:
    folder = lidc("LIDC-IDRI-0001", readers())
    shutil.copy(folder / "004.dcm", folder / "copy.dcm")
    for number, name in enumerate(("000-twin.dcm", "zzz-twin.dcm")):  # one is found first, one last; both are drawn on
        twin = dict(position=(-10, 20, -30 + 3 * 2.5), series="1.9.1.1", RescaleIntercept=-1024, bits=16)
        dicom.write_slice(folder / name, VOLUME[3] + 1024, PatientID="LIDC-IDRI-0001", instance=f"7.{number}", **twin)
        text = (folder / "069.xml").read_text()
        (folder / "069.xml").write_text(text.replace("1.9.1.1.4<", f"7.{number}<", 1))
    same_as_without(tmp_path, reference)


def test_second_series(tmp_path, lidc, readers, reference, dicom) -> None:
    folder = lidc("LIDC-IDRI-0001", readers())
    dicom.write_series(folder, VOLUME[:3], series="1.9.77", Modality="DX", PatientID="LIDC-IDRI-0001")
    for file in folder.glob("00[123].dcm"):  # write_series took these names: bring the first series' files back
        file.rename(folder / f"second-{file.name}")
    whole = reference / "LIDC-IDRI-0001" / "study-1" / "3000566-NA"
    for file in whole.glob("00[123].dcm"):
        shutil.copy(file, folder)
    with plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL) as plan:
        assert "no XML is about this DX series, 1.9.77" in plan.skipped[0]
    same_as_without(tmp_path, reference)


@pytest.mark.parametrize(
    "fields",
    [
        {"stored": (VOLUME * 2 + 4000).astype(np.uint16), "RescaleSlope": 0.5, "RescaleIntercept": -2000},
        {"stored": (1000 - VOLUME).astype(np.int16), "RescaleSlope": -1, "RescaleIntercept": 1000},
        {"photometric": "MONOCHROME1"},  # says how to show Hounsfield units, not what they are
        {"photometric": "MONOCHROME1", "stored": (1000 - VOLUME).astype(np.int16), "RescaleSlope": -1,
         "RescaleIntercept": 1000},
    ],
)  # fmt: skip
def test_rescale_and_monochrome1(tmp_path, lidc, readers, reference, fields) -> None:
    lidc("LIDC-IDRI-0001", readers(), **fields)
    same_as_without(tmp_path, reference)


def test_non_square_pixels_stay_and_are_measured(tmp_path, lidc, xml) -> None:
    # Two outlines, 4 pixels apart down the rows: 1.2 mm in one scan, 4 mm in the other, where 2.5 mm is the limit.
    readers = [[[xml.roi("1.9.1.1.3", xml.box(5, 5, 9, 9))]], [[xml.roi("1.9.1.1.3", xml.box(5, 11, 9, 15))]]]
    for number, (spacing, cases) in enumerate([((0.3, 1.0), 1), ((1.0, 0.3), 2)]):
        lidc("LIDC-IDRI-0001", readers, spacing=spacing)
        build_store(plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL), tmp_path / f"{number}")
        store = Store.open(tmp_path / f"{number}")
        assert len(store) == cases and store[0].spacing == spacing
        shutil.rmtree(tmp_path / "tcia")


def test_missing_slice(tmp_path, lidc, readers) -> None:
    folder = lidc("LIDC-IDRI-0001", readers())
    (folder / "002.dcm").unlink()  # the sixth, on which nobody drew
    line = refused(tmp_path / "tcia")
    assert "1 slice(s) missing: 5 mm" in line and "--skip-broken" in line
    with plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL, allow_gaps=True) as plan:
        assert len(plan.cases) == 5
    (folder / "004.dcm").unlink()  # the fourth, on which three did
    line = refused(tmp_path / "tcia", allow_gaps=True)
    assert "069.xml: nodule N0 of reader 1: drawn on image 1.9.1.1.4, which series 1.9.1.1 does not have" in line


def test_an_outline_outside_of_the_image(tmp_path, lidc, xml) -> None:
    lidc("LIDC-IDRI-0001", [[[xml.roi("1.9.1.1.3", xml.box(40, 30, 48, 35))]]])
    assert "reaches column 48, row 35 of an image of 40 x 48 pixels" in refused(tmp_path / "tcia")


def test_xml_of_another_series(tmp_path, lidc, readers) -> None:
    folder = lidc("LIDC-IDRI-0001", readers())
    text = (folder / "069.xml").read_text()
    (folder / "069.xml").write_text(text.replace("<SeriesInstanceUid>1.9.1.1<", "<SeriesInstanceUid>1.9.8.8<"))
    assert "no nodule found" in refused(tmp_path / "tcia")
    lidc("LIDC-IDRI-0002", readers("1.9.2.1"))
    with plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL) as plan:
        assert {case.patient_id for case in plan.cases} == {"LIDC-IDRI-0002"}
        assert "no XML is about this CT series, 1.9.1.1" in plan.skipped[0]
        assert "069.xml: about series 1.9.8.8, which is not there" in plan.skipped[1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<LidcReadMessage>", "damaged"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><LidcReadMessage>&b;</LidcReadMessage>', "type"),
    ],
)
def test_malformed_and_hostile_xml(tmp_path, lidc, readers, text, says) -> None:
    folder = lidc("LIDC-IDRI-0001", readers())
    (folder / "069.xml").write_text(text)
    line = refused(tmp_path / "tcia")
    assert says in line and line.startswith(str(folder / "069.xml"))


def test_a_series_that_lies_in_two_folders(tmp_path, lidc, readers) -> None:
    folder = lidc("LIDC-IDRI-0001", readers())
    shutil.copytree(folder, folder.parent.parent / "study-2" / "again")
    assert f"series 1.9.1.1 is also in {folder}" in refused(tmp_path / "tcia")


def test_broken_scans_are_refused_skipped_or_listed(tmp_path, lidc, readers) -> None:
    lidc("LIDC-IDRI-0001", readers("1.9.1.1"))
    (lidc("LIDC-IDRI-0002", readers("1.9.2.1")) / "002.dcm").unlink()
    damaged = lidc("LIDC-IDRI-0003", readers("1.9.3.1")) / "005.dcm"
    damaged.write_bytes(damaged.read_bytes()[:200])
    assert "missing" in refused(tmp_path / "tcia")
    with plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL, broken="skip") as plan:
        assert len(plan.cases) == 5
        assert any("missing" in line for line in plan.skipped) and any(str(damaged) in line for line in plan.skipped)
        assert build_store(plan, tmp_path / "store").cases == 5
    with plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL, broken="list") as plan:
        facts = survey(plan)
    assert facts["cases"] == 5 and len(facts["refused"]) == 2 and "missing" in facts["refused"][0]
    assert facts["filled_masks"] == {"1": 3, "2": 1, "3": 1} and facts["annotators"] == {"4": 5}


def test_pixels_that_cannot_be_read_stop_the_import(tmp_path, lidc, readers) -> None:
    file = lidc("LIDC-IDRI-0001", readers()) / "004.dcm"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"004\.dcm: .* truncated"):
        build_store(plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL), tmp_path / "store")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    "fields", [{"size": 0}, {"volumes": 0}, {"min_readers": 0}, {"window": (5, 5)}, {"window": (0, np.nan)}]
)
def test_crops_that_make_no_sense(fields) -> None:
    with pytest.raises(InputError, match="expected"):
        NoduleCrop(**fields)


def test_a_nodule_that_does_not_fit(tmp_path, lidc, readers) -> None:
    lidc("LIDC-IDRI-0001", readers())
    assert "of 3 slices of 7 x 8 pixels does not fit in a crop of 7 x 7" in refused(
        tmp_path / "tcia", crop=NoduleCrop(size=7)
    )
    assert "in a crop of 2 x 9 x 9" in refused(tmp_path / "tcia", crop=NoduleCrop(size=9, volumes=2))


def test_nothing_there(tmp_path) -> None:
    assert "no such file or folder" in refused(tmp_path / "none")
    assert "no nodule found" in refused(tmp_path)


def test_outlines_that_keep_a_processor_busy(tmp_path, lidc, xml) -> None:
    zigzag = [(k % 2 * 47, k // 2 % 2 * 39) for k in range(20_000)]
    lidc("LIDC-IDRI-0001", [[[xml.roi("1.9.1.1.3", zigzag), xml.roi("1.9.1.1.3", zigzag, False)]]])
    line = refused(tmp_path / "tcia")
    assert "069.xml: its outlines run to and fro over the whole image; it is damaged" in line


def test_far_pieces_on_a_slice_are_counted_with_what_lies_between(xml) -> None:
    pieces = [(0, 0), (2, 2)], [(300, 400), (302, 402)]
    rois = [Roi("1.1", True, np.array(piece, np.int16)) for piece in pieces]
    alone = effort(rois[:1], {"1.1": 0})
    assert alone == 3 * 3 + 3 * 2 * 3  # its box, and two edges of three rows over three columns
    assert effort(rois, {"1.1": 0}) == 2 * 303 * 403 + 2 * 3 * 2 * 3
    assert effort([], {}) == 0


def test_colours_are_no_ct(tmp_path, lidc, readers) -> None:
    stored = np.random.default_rng(2).integers(0, 256, (7, 40, 48, 3)).astype(np.uint8)
    lidc("LIDC-IDRI-0001", readers(), stored=stored, photometric="RGB", bits=8)
    with pytest.raises(InputError, match=r"\.dcm: expected the grey values of a CT, got colours"):
        build_store(plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL), tmp_path / "store")


def test_a_scan_in_one_file_is_no_scan_of_lidc(tmp_path, dicom, xml) -> None:
    dicom.write_slice(tmp_path / "a" / "1.dcm", VOLUME, series="1.5", instance="1.5.1")
    (tmp_path / "a" / "1.xml").write_text(xml.message("1.5", [[[xml.roi("1.5.1", xml.box(1, 2, 8, 9))]]]))
    assert f"{tmp_path / 'a' / '1.dcm'}: several slices in one file" in refused(tmp_path / "a")


def test_a_position_that_is_no_number(tmp_path, lidc, readers) -> None:
    folder = lidc("LIDC-IDRI-0001", readers())
    file = folder / "004.dcm"
    content = file.read_bytes()
    at = content.index(b"\x20\x00\x32\x00DS") + 8
    for said in (b"nan", b"inf", b"abc", b"1e9"):
        file.write_bytes(content[:at] + said + b"\\" + content[at + 4 :])
        line = refused(tmp_path / "tcia")
        assert line.startswith(f"{file}: ") and line.endswith("--skip-broken leaves such scans out")


def test_hidden_files_are_passed_over_and_counted(tmp_path, lidc, readers) -> None:
    folder = lidc("LIDC-IDRI-0001", readers())
    for file in list(folder.iterdir()):
        file.with_name(f"._{file.name}").write_bytes(b"a resource fork" + file.read_bytes())
    shutil.copytree(folder, tmp_path / "tcia/__MACOSX/LIDC-IDRI-0001/study-1/3000566-NA")
    with plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL) as plan:
        assert len(plan.cases) == 5 and plan.patients_known == "given"
        assert len(plan.skipped) == 1 and "hidden files passed over, such as " in plan.skipped[0]


def test_a_dry_run_deals_out_the_patients_that_the_import_will_have(tmp_path, lidc, readers) -> None:
    for k in range(1, 8):
        lidc(f"LIDC-IDRI-000{k}", readers(f"1.9.{k}.1"))
    for k in (2, 5):
        for file in (tmp_path / f"tcia/LIDC-IDRI-000{k}").rglob("003.dcm"):
            file.unlink()
    with (
        plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL, broken="list") as told,
        plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL, broken="skip") as made,
    ):
        dry, done = survey(told), survey(made)
    assert len(dry["refused"]) == 2 and dry["cases"] == done["cases"] == 25
    assert [dry[name] for name in ("patients", "splits", "unassigned_patients")] == [
        done[name] for name in ("patients", "splits", "unassigned_patients")
    ]


def test_a_patient_on_the_belly_is_turned_to_lie_as_all_others(tmp_path, lidc, readers) -> None:
    """Prone, rows run to the front and columns to the right: the same crop in LPS is the array turned by half."""
    lidc("LIDC-IDRI-0001", readers())
    lidc("LIDC-IDRI-0002", readers("1.9.2.1"), orientation=(-1, 0, 0, 0, -1, 0))
    info = build_store(plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL), tmp_path / "store")
    assert info.orientation == "LPS"
    store = Store.open(tmp_path / "store")
    half = len(store) // 2
    for at in range(half):
        supine, prone = store[at], store[half + at]
        np.testing.assert_array_equal(prone.image, supine.image[:, ::-1, ::-1])
        np.testing.assert_array_equal(prone.masks, supine.masks[:, ::-1, ::-1])


def test_a_scan_without_axial_slices_is_refused(tmp_path, lidc, readers) -> None:
    lidc("LIDC-IDRI-0001", readers(), orientation=(0, 1, 0, 0, 0, -1))
    assert "expected axial slices, such as LPS" in refused(tmp_path / "tcia")


def test_whatever_is_left_out_is_counted_and_named(tmp_path, lidc, xml, readers) -> None:
    drawn = readers()
    drawn[3] = [[xml.roi("1.9.1.1.3", [(20, 20)])], [xml.roi("1.9.1.1.3", [(20, 20), (24, 20)])]]
    lidc("LIDC-IDRI-0001", drawn)
    place = next(tmp_path.rglob("*.dcm")).parent
    (place / "notes.txt").write_text("nothing")
    (place / "._a.dcm").write_bytes(b"\0\5\x16\7")
    (place / "other.xml").write_text("<IdriReadMessage/>")
    with plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL) as plan:
        text = "\n".join(plan.skipped)
    for said in (
        "left out, no DICOM: 1 file, notes.txt",
        "left out, an XML that is no reading of a CT scan: 1 file, other.xml",
        "1 nodule(s) of one radiologist each: marked by a point",
        "1 outline(s) of one radiologist each: no pixel lies within them",
        "1 hidden file passed over",
    ):
        assert said in text, text


def test_padding_in_a_scan_is_told_once_for_all_cases(tmp_path, lidc, readers) -> None:
    lidc("LIDC-IDRI-0001", readers(), PixelPaddingValue=int(VOLUME[2].min()) + 1024)
    with plan_lidc_dicom([tmp_path / "tcia"], crop=SMALL) as plan:
        warnings = survey(plan)["warnings"]
    assert [line for line in warnings if line.startswith("holds padding (PixelPaddingValue)")]
