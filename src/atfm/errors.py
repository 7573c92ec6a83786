"""The errors that a user can cause, each a single line: what was given, what is wanted, what to do."""

__all__ = [
    "AmbiguousError",
    "AtfmError",
    "AtfmWarning",
    "BusyError",
    "CheckpointError",
    "ConfigError",
    "DiskError",
    "InputError",
    "LeakError",
    "ProcessError",
    "StoreError",
    "TrainingError",
    "UnsupportedError",
]


class AtfmError(Exception):
    """Base of every error whose message is meant for a user; the command line prints it and exits with 2."""


class AtfmWarning(UserWarning):
    """What a user has to know of how something was understood; the command line says it in a line, and in its JSON."""


class InputError(AtfmError):
    """A file, image, mask or argument that cannot be used as it was given."""


class UnsupportedError(InputError):
    """A sound file of a kind that is not read here; the line says which kinds are."""


class AmbiguousError(InputError):
    """A file that can be read in more ways than one; the line says how to state which is meant."""


class ConfigError(AtfmError):
    """A preset or configuration field that is unknown or ill-typed."""


class StoreError(AtfmError):
    """A store that is missing, incomplete, damaged or of another version."""


class CheckpointError(AtfmError):
    """A weight file or run folder that is missing, truncated, damaged or of another version."""


class LeakError(AtfmError):
    """A model about to be scored on patients that it was trained on."""


class DiskError(AtfmError):
    """What the machine refused: no space, no permission, a read-only file system, a failing disk."""


class BusyError(AtfmError):
    """A folder in which another process is writing."""


class ProcessError(AtfmError):
    """A process of several that work together has ended, or cannot be reached."""


class TrainingError(AtfmError):
    """A training that diverged or lost a process; its last checkpoint is kept."""
