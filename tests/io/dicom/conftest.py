"""A writer of DICOM files for the tests of their readers."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def dicom() -> ModuleType:
    """`dicom_writing.py` beside this file."""
    spec = importlib.util.spec_from_file_location("dicom_writing", Path(__file__).with_name("dicom_writing.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
