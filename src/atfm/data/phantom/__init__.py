"""Simulated lesions whose distribution of annotations is known exactly, one file for each kind."""

from atfm.data.phantom.grey import Phantom, phantom_case
from atfm.data.phantom.kinds import KINDS, Kind, phantom_cases, simulated_case
from atfm.data.phantom.law import Law, Simulated

__all__ = ["KINDS", "Kind", "Law", "Phantom", "Simulated", "phantom_case", "phantom_cases", "simulated_case"]
