"""`Curves`: what TensorBoard shows of a training, beside the log; it may fail, and the training goes on."""

import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from atfm.disk.machine import in_words

__all__ = ["Curves"]


class Curves:
    """A TensorBoard event file; nothing at all where TensorBoard is not installed.

    Events are written as they come, by TensorBoard's own record writer, in this thread: its asynchronous writer raises
    in a thread of its own and again whenever it is used.

    Args:
        folder: where the file lies, among those of earlier starts.
        step: the first that will be told; what earlier starts told of it and later ones, TensorBoard then discards.
        say: is told once if nothing can be written.
    """

    def __init__(self, folder: Path, step: int, say: Callable[[str], object]) -> None:
        self.folder, self.say = folder, say
        self._stream: Any = None
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError:
            return
        self._event, self._summary, self._writer = event_pb2, summary_pb2, RecordWriter
        self._guarded(lambda: self._open(step))

    def add(self, numbers: Mapping[str, float], step: int) -> None:
        """Write the numbers of a step, by name."""
        if self._stream is not None and numbers:
            values = [self._summary.Summary.Value(tag=tag, simple_value=value) for tag, value in numbers.items()]
            self._guarded(lambda: self._write(step=step, summary=self._summary.Summary(value=values)))

    def close(self) -> None:
        """Let go of the file."""
        if self._stream is not None:
            self._guarded(self._stream.close)
            self._stream = None

    def _open(self, step: int) -> None:
        if self.folder.is_symlink():
            raise OSError(None, "a link to elsewhere, which is not followed")
        self.folder.mkdir(parents=True, exist_ok=True)
        number = len(list(self.folder.iterdir()))
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}.{number}"
        # Unbuffered: what a full disk refuses is refused here, and not again when the file is closed.
        self._stream = (self.folder / name).open("xb", buffering=0)
        self._write(file_version="brain.Event:2")
        self._write(step=step, session_log=self._event.SessionLog(status=self._event.SessionLog.START))

    def _write(self, **fields: Any) -> None:
        self._writer(self._stream).write(self._event.Event(wall_time=time.time(), **fields).SerializeToString())

    def _guarded(self, act: Callable[[], object]) -> None:
        """A curve is not worth a training: a failure is said, and ends the curves."""
        try:
            act()
        except OSError as error:
            stream, self._stream = self._stream, None
            if stream is not None:
                stream.close()
            self.say(f"TensorBoard: {self.folder}: {in_words(error)}; the training goes on without its curves")
