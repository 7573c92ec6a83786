"""What a job leaves, in files of a size that may travel: one archive in parts, and a list with the SHA-256 of each.

python results.py join FOLDER --out RUNS
"""

import argparse
import hashlib
import json
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["LIST", "ResultsError", "join", "split"]

LIST = "results.json"
MIB = 2**20


class ResultsError(Exception):
    """A part that is missing or damaged, told in one line."""


def split(
    groups: Sequence[Sequence[tuple[str, Path]]], out: Path, *, part: int = 15 * MIB, most: int = 60 * MIB
) -> list[str]:
    """Write files as one archive in parts, and the list of them.

    Args:
        groups: `(name in the archive, file)` of files that belong together, the most wanted first.
        out: folder for the parts and the list.
        part: bytes of a part.
        most: bytes of all parts.

    Returns:
        The names of what did not fit; the list holds them too.
    """
    out.mkdir(parents=True, exist_ok=True)
    left_out, used = [], 2 * tarfile.RECORDSIZE
    with tempfile.TemporaryFile() as whole:
        with tarfile.open(fileobj=whole, mode="w") as archive:
            for group in groups:
                size = sum(file.stat().st_size + 3 * tarfile.BLOCKSIZE for _, file in group)
                if used + size > most:
                    left_out += [name for name, _ in group]
                    continue
                used += size
                for name, file in group:
                    archive.add(file, name)
        whole.seek(0)
        parts: list[dict[str, object]] = []
        while data := whole.read(part):
            name = f"results.tar.{len(parts)}"
            (out / name).write_bytes(data)
            parts.append({"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    (out / LIST).write_text(json.dumps({"parts": parts, "left_out": left_out}, indent=1) + "\n", encoding="utf-8")
    return left_out


def join(folder: Path, out: Path) -> list[str]:
    """Verify the parts and unpack them.

    Returns:
        The names of the files.

    Raises:
        ResultsError: a part that is missing or damaged, or a list that is none.
    """
    try:
        parts = [
            (str(part["name"]), str(part["sha256"])) for part in json.loads((folder / LIST).read_text("utf-8"))["parts"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultsError(f"{folder / LIST}: missing or damaged; copy the folder again") from error
    with tempfile.TemporaryFile() as whole:
        for name, digest in parts:
            try:
                data = (folder / Path(name).name).read_bytes()
            except OSError as error:
                raise ResultsError(f"{folder / name}: missing; copy the folder again") from error
            if hashlib.sha256(data).hexdigest() != digest:
                raise ResultsError(f"{folder / name}: damaged: its SHA-256 is not the one in {LIST}; copy it again")
            whole.write(data)
        whole.seek(0)
        with tarfile.open(fileobj=whole) as archive:
            archive.extractall(out, filter="data")
            return archive.getnames()


def main() -> int:
    """Join the parts in a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("action", choices=["join"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder to unpack into")
    parser.add_argument("--size", type=int, nargs="+", help="of the images whose central parts were trained on: H W")
    args = parser.parse_args()
    try:
        names = join(args.folder, args.out)
        from halves import filled, placed

        for name in filled(args.out):
            print(f"{args.out / name}: a checkpoint to go on from")
        for name in placed(args.out, args.size or ()):
            print(f"{args.out / name}: weights for images of {' x '.join(map(str, args.size))}")
    except ResultsError as error:
        print(f"results: {error}", file=sys.stderr)
        return 2
    print(f"{args.out}: {len(names)} files, verified")
    return 0


if __name__ == "__main__":
    sys.exit(main())
