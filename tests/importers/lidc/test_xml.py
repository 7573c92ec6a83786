"""The radiologists' XML: what counts, and what is refused."""

import numpy as np
import pytest

from atfm.errors import InputError
from atfm.importers.lidc import xml as lidc_xml
from atfm.importers.lidc.xml import read_xml


def refused(path) -> str:
    with pytest.raises(InputError) as error:
        read_xml(path)
    assert "\n" not in str(error.value) and str(error.value).startswith(str(path))
    return str(error.value)


@pytest.fixture
def written(tmp_path):
    def write(content: str | bytes):
        path = tmp_path / "069.xml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def test_sessions_nodules_and_outlines(written, xml) -> None:
    square, hole = xml.box(1, 2, 5, 6), xml.box(2, 3, 4, 5)
    small = [xml.roi("1.1", [(3, 3)])]  # a nodule below 3 mm: one point
    first = [xml.roi("1.1", square), xml.roi("1.1", hole, False), xml.roi("1.2", [(3, 3)])]
    reading = read_xml(written(xml.message("1.5", [[small, first], [], [[xml.roi("1.2", square)]], []])))
    assert (reading.series, reading.readers) == ("1.5", 4)
    assert [(o.reader, o.name, len(o.rois)) for o in reading.outlines] == [(0, "N1", 3), (2, "N0", 1)]
    assert [roi.inclusion for roi in reading.outlines[0].rois] == [True, False, True]
    np.testing.assert_array_equal(reading.outlines[0].rois[0].points, square)
    assert reading.outlines[0].rois[2].instance == "1.2"


def test_other_xml_is_passed_over(written) -> None:
    assert read_xml(written("<IdriReadMessage xmlns='http://www.nih.gov/idri'/>")) is None


BOMB = (
    '<!DOCTYPE LidcReadMessage [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {y} "{f"&{x};" * 10}">' for x, y in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><LidcReadMessage>&i;</LidcReadMessage>"
)
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><LidcReadMessage>&x;</LidcReadMessage>'


@pytest.mark.parametrize(
    "content",
    [BOMB, OUTSIDE, ('<?xml version="1.0" encoding="UTF-16"?>' + BOMB).encode("utf-16"), "<!DOCTYPE a><a/>"],
)
def test_document_types_are_refused(written, content) -> None:
    assert "declares a document type" in refused(written(content))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "damaged"),
        ("<LidcReadMessage><readingSession>", "damaged"),
        (b"\x89PNG\r\n\x1a\n\0\0", "damaged"),
        ('<?xml version="1.0" encoding="klingon"?><LidcReadMessage/>', "damaged"),
        ("<LidcReadMessage>&unknown;</LidcReadMessage>", "damaged"),
        ("<LidcReadMessage><readingSession/></LidcReadMessage>", "no SeriesInstanceUid"),
    ],
)
def test_what_is_no_reading_is_refused(written, content, says) -> None:
    assert says in refused(written(content))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("<xCoord>1<", "<xCoord>-1<", "xcoord, got '-1'"),
        ("<xCoord>1<", "<xCoord>1.5<", "xcoord, got '1.5'"),
        ("<yCoord>2<", "<yCoord>99999<", "ycoord, got '99999'"),
        ("<yCoord>2<", "<yCoord>32768<", "ycoord, got '32768'"),
        ("<xCoord>1<", "<xCoord>NaN<", "xcoord, got 'NaN'"),
        ("<xCoord>1<", "<xCoord>-inf<", "xcoord, got '-inf'"),
        ("<xCoord>1<", "<xCoord>1e9<", "xcoord, got '1e9'"),
        ("<xCoord>1<", f"<xCoord>{'9' * 5000}<", "xcoord, got '99999999999999999999'"),
        ("<yCoord>2<", "<yCoord>\u0662<", "ycoord"),
        ("<xCoord>1</xCoord>", "", "xcoord, got ''"),
        ("<inclusion>TRUE", "<inclusion>MAYBE", "nodule N0 of reader 1: an outline without"),
        ("<imageSOP_UID>1.1<", "<imageSOP_UID><", "an outline without"),
    ],
)
def test_outlines_that_make_no_sense_are_named(written, xml, old, new, says) -> None:
    content = xml.message("1.5", [[[xml.roi("1.1", xml.box(1, 2, 5, 6))]]])
    assert old in content
    assert says in refused(written(content.replace(old, new)))


def test_too_large_a_file_is_not_opened(written, monkeypatch) -> None:
    monkeypatch.setattr(lidc_xml, "LARGEST_XML", 10)
    assert "more than the 10" in refused(written("<LidcReadMessage/>"))
    assert "cannot be read" in refused(written("").parent / "nothing.xml")


def test_more_than_anybody_draws_is_refused(written, xml) -> None:
    nodule = [xml.roi("1.1", xml.box(1, 2, 5, 6))]
    assert "101 reading sessions" in refused(written(xml.message("1.5", [[nodule]] * 101)))
    assert "more than 200 nodules of reader 1" in refused(written(xml.message("1.5", [[nodule] * 201])))
    assert "251 outlined nodules" in refused(written(xml.message("1.5", [[nodule] * 126, [nodule] * 125])))
    assert len(read_xml(written(xml.message("1.5", [[nodule] * 125] * 2))).outlines) == 250
    assert "20001 points" in refused(written(xml.message("1.5", [[[xml.roi("1.1", [(1, 1)] * 20_001)]]])))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("<noduleID>N0<", "<noduleID>a&#10;b\u2028c<", r"nodule a\nb\u2028c of reader 1"),
        ("<noduleID>N0<", f"<noduleID>{'n' * 10**6}<", "nnn... of reader 1"),
        ("<imageSOP_UID>1.1<", "<imageSOP_UID>1&#10;1<", r"on image 1\n1"),
        ("<SeriesInstanceUid>1.5<", "<SeriesInstanceUid>1&#10;5<", "no SeriesInstanceUid"),
    ],
)
def test_words_of_a_file_stay_on_one_short_line(written, xml, old, new, says) -> None:
    content = xml.message("1.5", [[[xml.roi("1.1", xml.box(1, 2, 5, 6)).replace("<xCoord>1<", "<xCoord>x<", 1)]]])
    if "nodule" not in old:
        content = content.replace("<xCoord>x<", "<xCoord>1<")
    line = refused(written(content.replace(old, new)))
    assert says in line and len(line) < 600
