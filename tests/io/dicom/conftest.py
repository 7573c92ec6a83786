"""Writers of DICOM files for the tests of their readers."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def beside(name: str) -> ModuleType:
    """A module beside this file."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def dicom() -> ModuleType:
    """`dicom_writing.py` beside this file."""
    return beside("dicom_writing")


@pytest.fixture(scope="session")
def masks() -> ModuleType:
    """`mask_writing.py` beside this file."""
    return beside("mask_writing")


@pytest.fixture(scope="session")
def sources() -> ModuleType:
    """`source_writing.py` beside this file."""
    return beside("source_writing")
