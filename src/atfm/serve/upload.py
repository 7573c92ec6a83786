"""What was sent becomes a `Source`: the format is told by the first bytes, else by the end of a file's name."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from atfm.errors import AtfmError
from atfm.io.dicom.file import is_dicom_file
from atfm.io.images import EXTENSIONS
from atfm.predict.source import DICOM_EXTENSIONS
from atfm.serve.limits import Limits
from atfm.serve.private import private_files
from atfm.serve.refusal import Refusal, refusal_of

__all__ = ["READ", "Upload", "laid_out", "suffix_told", "upload_of"]

READ = "PNG, JPEG, TIFF, GIF, BMP, NPY, NIfTI, NRRD, MetaImage, DICOM, or a zipped DICOM series"
HEAD = 4096
ENTRY = 512  # bytes that a member has in the list of a zip, as a rule far fewer
MAGIC = (
    (".png", 0, b"\x89PNG"),
    (".jpg", 0, b"\xff\xd8\xff"),
    (".gif", 0, b"GIF8"),
    (".tif", 0, b"II*\0"),
    (".tif", 0, b"MM\0*"),
    (".tif", 0, b"II+\0"),
    (".tif", 0, b"MM\0+"),
    (".npy", 0, b"\x93NUMPY"),
    (".nrrd", 0, b"NRRD000"),
    (".mha", 0, b"ObjectType"),
    (".dcm", 128, b"DICM"),
    (".zip", 0, b"PK\x03\x04"),
    (".nii", 344, b"n+1\0"),
    (".nii", 4, b"n+2\0"),
)
# Looked at last: two letters are soon met by chance.
TWO = {b"BM": ".bmp", **{f"P{number}".encode(): ".ppm" for number in range(1, 7)}}
ALONE = (".nhdr", ".mhd")  # heads whose voxels lie in another file


@dataclass(frozen=True)
class Upload:
    """Contents by neutral names, and what to read of them.

    Args:
        files: contents by name.
        name: the file to read; "" for the whole folder, a series.
    """

    files: dict[str, bytes]
    name: str

    @property
    def nbytes(self) -> int:
        """Of all contents."""
        return sum(map(len, self.files.values()))


def suffix_told(header: str | None) -> str:
    """The end of a percent-encoded name of a file, the only part of it that is looked at; "" where it says nothing."""
    name = unquote(header or "").lower()
    return next(
        (end for end in sorted((*EXTENSIONS, *DICOM_EXTENSIONS, ".zip"), key=len)[::-1] if name.endswith(end)), ""
    )


def upload_of(content: bytes, told: str, limits: Limits) -> Upload:
    """What was sent, by name.

    Raises:
        Refusal: nothing, a format that is not read, or a packed series beyond the limits.
    """
    if not content:
        raise Refusal(400, f"the image has no bytes; send one of {READ} as the body")
    suffix = _suffix(content[:HEAD]) or told or TWO.get(content[:2], "")
    if suffix in ALONE:
        raise Refusal(415, f"a {suffix} says only where its voxels lie; send them in one file, .nrrd or .mha")
    if suffix == ".zip":
        return Upload(_members(content, limits), "")
    return Upload({f"image{suffix}": content}, f"image{suffix}")


@contextmanager
def laid_out(upload: Upload, scratch: Path | None = None) -> Iterator[Path]:
    """Lay out what was sent where readers find it, and say nothing of that place in errors.

    Args:
        upload: what was sent.
        scratch: where private folders are made; None: see `private.parents`.

    Yields:
        The file, or the folder of a series.

    Raises:
        Refusal: what readers and writers say, in one line without a name.
    """
    with private_files(upload.files, scratch) as folder:
        path = folder / upload.name if upload.name else folder
        try:
            check_kind(path)
            yield path
        except AtfmError as error:
            raise refusal_of(error, {str(path): "the image", f"{folder}/": "", str(folder): "the series"}) from error


def check_kind(path: Path) -> None:
    """Refuse what no format has told to be its own, and is no DICOM without a head either; and zips of other things.

    Raises:
        Refusal: as told.
        InputError: a file that cannot be opened.
    """
    if path.is_dir() and not any(is_dicom_file(file) for file in path.iterdir()):
        raise Refusal(415, "no DICOM in the zip; send the files of one series, zipped, or any other image as it is")
    if not path.suffix and not path.is_dir() and not is_dicom_file(path):
        raise Refusal(415, f"the first bytes are of no format that is read; send one of {READ}")


def _suffix(head: bytes) -> str:
    for suffix, at, magic in MAGIC:
        if head[at : at + len(magic)] == magic:
            return suffix
    if head[:2] == b"\x1f\x8b":
        try:
            inner = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, 512)
        except zlib.error:
            return ""
        return ".nii.gz" if _suffix(inner) == ".nii" else ""
    return ""


def _members(content: bytes, limits: Limits) -> dict[str, bytes]:
    """The files of a zipped series, under numbers: its names are nobody's business, and lead nowhere."""
    check_directory(content, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > limits.members:
                raise Refusal(413, f"{len(members)} files in the zip, more than the {limits.members} that are taken")
            if any(member.flag_bits & 1 for member in members):
                raise Refusal(415, "the zip is locked with a password; send it without")
            files: dict[str, bytes] = {}
            left = limits.unpacked
            for number, member in enumerate(members):
                with archive.open(member) as stream:
                    unpacked = stream.read(left + 1)
                left -= len(unpacked)
                if left < 0:
                    raise Refusal(413, f"the zip unpacks to more than {limits.unpacked} bytes; send fewer slices")
                files[f"member-{number + 1}"] = unpacked
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, RuntimeError) as error:
        raise Refusal(400, f"the zip cannot be unpacked, it is damaged: {type(error).__name__}") from error
    return files


def check_directory(content: bytes, limits: Limits) -> None:
    """Refuse a zip whose list of members would fill the memory, before it is read: it may name millions in vain.

    Raises:
        Refusal: more members than the limits allow, or no end of a zip.
    """
    at = content.rfind(b"PK\5\6", max(0, len(content) - 2**16 - 22))
    if at < 0 or at + 22 > len(content):
        raise Refusal(400, "the zip has no end; it is damaged or truncated")
    _, _, _, _, members, size = struct.unpack_from("<4s4HI", content, at)
    if members > limits.members or size > limits.members * ENTRY:
        raise Refusal(413, f"{members} files in the zip, more than the {limits.members} that are taken; send fewer")
