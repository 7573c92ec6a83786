"""A store as one small file, for a cluster or a machine without a network."""

from atfm.data.packed.pack import pack
from atfm.data.packed.unpack import unpack

__all__ = ["pack", "unpack"]
