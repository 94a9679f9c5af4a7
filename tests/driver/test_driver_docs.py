"""The page about the driver says what is true: its Python runs, and its options exist."""

import pathlib
import re

import adbc_driver_manager as manager
import pytest

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs/driver-datafusion.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_has_snippets():
    assert len(SNIPPETS) == 2


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_python_snippet_runs(driver, snippet):
    exec(compile(snippet, "driver-datafusion.md", "exec"), {"DRIVER": driver})


def test_every_option_on_the_page_can_be_read(connection):
    table = re.findall(r"^\| `(datafusion\.[a-z_]+)`", PAGE, re.MULTILINE)
    assert len(table) == 9
    with manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT 1")
        for name in table:
            statement.get_option(name)
