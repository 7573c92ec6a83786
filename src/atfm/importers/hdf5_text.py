"""Text of variable length in an HDF5 file, read in a process of its own.

Such text lies in a heap, and over a damaged heap the HDF5 library goes round for ever, where no exception reaches it.
"""

import json
import subprocess
import sys
from pathlib import Path

__all__ = ["variable_text"]

CPU_SECONDS = 10  # 100,000 names take a tenth of a second
WAITING_SECONDS = 300  # on a machine that is busy with other work

READ = """
import json, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]), int(sys.argv[3])))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except ImportError:  # Windows has no such limits
    pass
import h5py
with h5py.File(sys.argv[1], "r") as file:
    json.dump([bytes(text).decode() for text in file[sys.argv[2]][:]], sys.stdout)
"""


def variable_text(path: Path, name: str) -> list[str]:
    """Read a one-dimensional array of text.

    Args:
        path: the HDF5 file.
        name: of the array in it.

    Raises:
        ValueError: no text, or the file is damaged there.
    """
    command = [sys.executable, "-c", READ, str(path.absolute()), name, str(CPU_SECONDS)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=WAITING_SECONDS, check=True)
        return [str(text) for text in json.loads(done.stdout)]
    except (subprocess.SubprocessError, json.JSONDecodeError) as error:
        raise ValueError(f"the text of {name} cannot be read") from error
