"""The errors that a user can cause, each a single line: what was given, what is wanted, what to do."""

__all__ = [
    "AtfmError",
    "CheckpointError",
    "ConfigError",
    "DiskError",
    "InputError",
    "LeakError",
    "ProcessError",
    "StoreError",
    "TrainingError",
]


class AtfmError(Exception):
    """Base of every error whose message is meant for a user; the command line prints it and exits with 2."""


class InputError(AtfmError):
    """A file, image, mask or argument that cannot be used as it was given."""


class ConfigError(AtfmError):
    """A preset or configuration field that is unknown or ill-typed."""


class StoreError(AtfmError):
    """A store that is missing, incomplete, damaged or of another version."""


class CheckpointError(AtfmError):
    """A weight file or run folder that is missing, truncated, damaged or of another version."""


class LeakError(AtfmError):
    """A model about to be scored on patients that it was trained on."""


class DiskError(AtfmError):
    """A file that could not be written: the disk is full or the folder is read-only."""


class ProcessError(AtfmError):
    """A process of several that work together has ended, or cannot be reached."""


class TrainingError(AtfmError):
    """A training that diverged or lost a process; its last checkpoint is kept."""
