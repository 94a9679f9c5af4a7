"""What all Python tests share: the program under test."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "oracle"))

import program  # noqa: E402  (found through the line above)


@pytest.fixture(scope="session")
def sheaf():
    """The program under test; its methods run it and return (code, out, err)."""
    return program.find_program()
