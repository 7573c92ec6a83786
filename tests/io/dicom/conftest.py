"""A writer of DICOM files for the tests of their readers."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def dicom() -> ModuleType:
    """`dicom_writing.py` beside this file."""
    return beside("dicom_writing")


@pytest.fixture(scope="session")
def sources() -> ModuleType:
    """`source_writing.py` beside this file."""
    return beside("source_writing")


def beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
