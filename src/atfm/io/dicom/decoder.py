"""Lossless JPEG and high-throughput JPEG 2000, decoded in a process of its own.

Only GDCM knows the one, and GDCM ends the whole process over a damaged file; only OpenJPEG knows the other, which
believes what a damaged file says of its memory. So a child does it: it gets a path on a line, and answers with one byte
(0: well, 1: refused), eight bytes of length, and an array as NPY or the reason. It is started when first needed, kept
for the next file, and ends with its parent.
"""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import numpy as np

from atfm.errors import InputError

__all__ = ["SYNTAXES", "decode_apart", "serve"]

# Transfer syntaxes, and who of pydicom's plugins decodes them: JPEG lossless; HTJ2K lossless, its RPCL form, and lossy.
SYNTAXES = {
    "1.2.840.10008.1.2.4.57": "gdcm",
    "1.2.840.10008.1.2.4.70": "gdcm",
    "1.2.840.10008.1.2.4.201": "pylibjpeg",
    "1.2.840.10008.1.2.4.202": "pylibjpeg",
    "1.2.840.10008.1.2.4.203": "pylibjpeg",
}
BROKE_DOWN = "the decoder of its compression broke down over it; it is damaged"
PATIENCE_SECONDS = 120.0
MEMORY = 2**33  # bytes that the child may reserve

_lock = threading.Lock()
_children: list[subprocess.Popen[bytes]] = []  # the one that is there, if any


def decode_apart(path: Path) -> np.ndarray:
    """The stored pixels of a file in one of `SYNTAXES`, as pydicom gives them.

    Raises:
        InputError: the decoder refuses the file, breaks down over it, or takes too long.
    """
    with _lock:
        child = alive()
        timer = threading.Timer(PATIENCE_SECONDS + 10, child.kill)
        timer.start()
        try:
            refused, payload = ask(child, path)
        except (OSError, EOFError) as error:
            end(child)
            raise InputError(f"{path}: {BROKE_DOWN}") from error
        except BaseException:  # such as Ctrl-C: what was half answered must not answer the next question
            end(child)
            raise
        finally:
            timer.cancel()
    if refused:
        raise InputError(f"{path}: its pixels cannot be decoded: {payload.decode(errors='replace')}")
    return np.load(io.BytesIO(payload), allow_pickle=False)


def alive() -> subprocess.Popen[bytes]:
    """The child, started if there is none."""
    if _children and _children[0].poll() is None:
        return _children[0]
    _children.clear()
    start = "from atfm.io.dicom.decoder import serve; serve()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.Popen(
        [sys.executable, "-c", start],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    _children.append(child)
    return child


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child and forget it."""
    child.kill()
    child.communicate()
    _children.clear()


def ask(child: subprocess.Popen[bytes], path: Path) -> tuple[bool, bytes]:
    """One question and its answer."""
    if child.stdin is None or child.stdout is None:
        raise EOFError
    child.stdin.write(json.dumps(str(path.absolute())).encode() + b"\n")
    child.stdin.flush()
    head = exactly(child.stdout, 9)
    return bool(head[0]), exactly(child.stdout, int.from_bytes(head[1:], "little"))


def exactly(stream: IO[bytes], count: int) -> bytes:
    """So many bytes, or EOFError."""
    found = stream.read(count)
    if len(found) < count:
        raise EOFError
    return found


def serve() -> None:
    """What the child does until its standard input ends."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        pass
    else:
        ours = resource.getrlimit(resource.RLIMIT_AS)[1]
        most = MEMORY if ours == resource.RLIM_INFINITY else min(MEMORY, ours)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries that print would spoil the answers
    import pydicom.pixels.decoders  # noqa: F401  # once, not in every fork

    for line in sys.stdin.buffer:
        if not hasattr(os, "fork"):
            answer(out, line)
            continue
        process = os.fork()  # a thousandth of the time that it takes to start anew after a breakdown
        if process == 0:
            signal.alarm(int(PATIENCE_SECONDS))
            answer(out, line)
            os._exit(0)
        if os.waitpid(process, 0)[1] != 0:
            write(out, 1, BROKE_DOWN.encode())


def answer(out: IO[bytes], line: bytes) -> None:
    """Decode the file that a line names, and say how that went."""
    try:
        buffer = io.BytesIO()
        np.save(buffer, decoded_here(Path(json.loads(line))), allow_pickle=False)
    except Exception as error:  # whatever it is, the parent has to hear of it
        write(out, 1, " ".join(str(error).split())[:400].encode())
    else:
        write(out, 0, buffer.getvalue())


def write(out: IO[bytes], status: int, payload: bytes) -> None:
    """One answer."""
    out.write(bytes([status]) + len(payload).to_bytes(8, "little") + payload)
    out.flush()


def decoded_here(path: Path) -> np.ndarray:
    """Decode in this process."""
    from pydicom.pixels.utils import pixel_array

    from atfm.io.dicom.file import open_dicom

    with open_dicom(path, pixels=True) as ds:
        return pixel_array(ds, decoding_plugin=SYNTAXES[ds.file_meta.TransferSyntaxUID])
