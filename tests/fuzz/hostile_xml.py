"""The radiologists' XML of LIDC, alone and beside its DICOM series: entities, depths, outlines that make no sense."""

from collections.abc import Callable
from functools import partial

from corpus import Content, Files, Kind, Link
from hostile_dicom import one_other, series, slice_, values, whole

__all__ = ["lidc_dicom_kind", "xml_kind"]

ROI = """<roi><imageZposition>2.0</imageZposition><imageSOP_UID>1.2.3.{slice}</imageSOP_UID><inclusion>TRUE</inclusion>
{edges}</roi>"""


def edges(*points: tuple[object, object]) -> str:
    return "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in points)


RING = edges((2, 1), (3, 1), (4, 1), (5, 2), (5, 3), (4, 4), (3, 4), (2, 4), (1, 3), (1, 2), (2, 1))


def reading(*sessions: str, uid: str = "1.2.3", head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    inside = "".join(f"<readingSession>{session}</readingSession>" for session in sessions)
    about = f"<ResponseHeader><SeriesInstanceUid>{uid}</SeriesInstanceUid></ResponseHeader>"
    return f'{head}<LidcReadMessage xmlns="http://www.nih.gov">{about}{inside}</LidcReadMessage>'.encode()


def nodule(content: str, name: str = "N1") -> str:
    return f"<unblindedReadNodule><noduleID>{name}</noduleID>{content}</unblindedReadNodule>"


def drawn(rings: str = RING, slice_number: object = 2) -> str:
    return nodule(ROI.format(slice=slice_number, edges=rings))


def xml_contents() -> dict[str, bytes]:
    return {
        "reading": reading(drawn(), drawn(), "", drawn()),
        "reading of two nodules": reading(drawn() + drawn(), drawn()),
    }


def xml_hostile() -> dict[str, bytes]:
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "lol">{entities}]>'
    outside = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a9 SYSTEM "file:///etc/hostname">]>'
    odd = ("-1", "1e9", "9" * 5000, "٣", "NaN", "", "1.5", "0x10", " 3 ", "32767", "32768", "2²")
    made = {f"a point at {value[:10]!r}": reading(drawn(edges((value, 1), (3, 4), (1, 2)))) for value in odd}
    return made | {
        "10^9 laughs": reading(drawn("&a9;"), head=bomb),
        "a file of the system": reading(drawn("&a9;"), head=outside),
        "a document type": reading(drawn(), head="<!DOCTYPE LidcReadMessage>"),
        "10^5 elements deep": b"<LidcReadMessage>" + b"<a>" * 10**5 + b"</a>" * 10**5 + b"</LidcReadMessage>",
        "10^5 elements deep and no end": b"<a>" * 10**5,
        "10^5 attributes": b"<LidcReadMessage " + b" ".join(b'a%d="1"' % i for i in range(10**5)) + b"/>",
        "10^5 attributes of one name": b"<a " + b'b="1" ' * 10**5 + b"/>",
        "10^5 points": reading(drawn(edges(*[(i % 8, i % 6) for i in range(10**5)]))),
        "points far apart": reading(drawn(edges((0, 0), (32767, 0), (32767, 32767), (0, 32767), (0, 0)))),
        "points outside the image": reading(drawn(edges((200, 200), (203, 200), (203, 203), (200, 203), (200, 200)))),
        "a point alone": reading(drawn(edges((3, 3)))),
        "two points": reading(drawn(edges((3, 3), (4, 4)))),
        "a line there and back": reading(drawn(edges((1, 1), (2, 1), (3, 1), (2, 1), (1, 1)))),
        "an eight": reading(drawn(edges((1, 1), (4, 4), (4, 1), (1, 4), (1, 1)))),
        "a slice that is not there": reading(drawn(slice_number=99)),
        "a slice of lines": reading(drawn(slice_number="a\nb\u2028")),
        "a nodule of lines": reading(nodule(ROI.format(slice=2, edges=edges(("x", 1))), name="a\nb\u2028")),
        "a nodule of 10^6 letters": reading(nodule(ROI.format(slice=2, edges=edges(("x", 1))), name="n" * 10**6)),
        "a series of lines": reading(drawn(), uid="1.2\n3\u2028"),
        "a series of 10^6 letters": reading(drawn(), uid="1" * 10**6),
        "another series": reading(drawn(), uid="9.9"),
        "no series": reading(drawn(), uid=""),
        "no reader": reading(),
        "2000 readers": reading(*[drawn()] * 2000),
        "2000 nodules of a reader": reading(drawn() * 2000),
        "1000 nodules of ten readers": reading(*[drawn() * 100] * 10),
        "no inclusion": reading(drawn()).replace(b"TRUE", b"MAYBE"),
        "an exclusion alone": reading(drawn()).replace(b"TRUE", b"FALSE"),
        "another message": b"<IdriReadMessage/>",
        "nothing": b"",
        "no end": reading(drawn())[:-40],
        "null characters": bytes(400),
        "UTF-16": reading(drawn(), head="").decode().encode("utf-16"),
        "an unknown encoding": reading(drawn(), head='<?xml version="1.0" encoding="nonsense"?>'),
        "a slow encoding": reading(drawn(), head='<?xml version="1.0" encoding="utf-7"?>'),
        "bytes that are no text": reading(drawn()).replace(b"N1", b"\xff\xfe"),
    }


def xml_kind() -> Kind:
    valid = {name: {"a.xml": content} for name, content in xml_contents().items()}
    return Kind(valid, {f"xml, {name}": partial(only_xml, content) for name, content in xml_hostile().items()})


def only_xml(content: bytes) -> Files:
    return {"a.xml": content}


# ---- both together ----


def lidc_dicom_kind() -> Kind:
    def with_(xml: bytes, **others: Content) -> Files:
        return {**whole(), "a/069.xml": xml, **others}

    valid = {name: with_(content) for name, content in xml_contents().items()}
    hostile: dict[str, Callable[[], Files]] = {
        f"lidc, {name}": partial(with_, content) for name, content in xml_hostile().items()
    }
    plain = xml_contents()["reading"]
    for name in ("PatientID", "SeriesInstanceUID", "SOPInstanceUID", "Rows", "PixelSpacing", "ImagePositionPatient"):
        for what, fields in values().items():
            if what.startswith(name):
                hostile[f"lidc with {what}"] = lambda fields=fields: {**one_other(fields), "a/069.xml": plain}
    hostile["lidc, two readings of a series"] = lambda: {**with_(plain), "a/070.xml": plain}
    hostile["lidc, two other readings of a series"] = lambda: {
        **with_(plain),
        "a/070.xml": xml_contents()["reading of two nodules"],
    }
    hostile["lidc, an outline round 11000 x 11000"] = lambda: {
        **series(*(slice_(number, Rows=11000, Columns=11000) for number in (1, 2, 3))),
        "a/069.xml": reading(drawn(edges((0, 0), (10999, 0), (10999, 10999), (0, 10999)))),
    }
    hostile["lidc, link to endless zeros"] = lambda: {**with_(plain), "a/071.xml": Link("/dev/zero")}
    return Kind(valid, hostile)
