"""Whatever the documents tell a reader to type works.

Blocks of one document run in order, in one folder that looks like a checkout after `make demo`,
with a little of its data. `make` is not run from within itself: its targets must exist.
A block that can't be run has `<!-- not run: reason -->` before it; the test prints these.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from blocks import blocks_of, commands_of, made_targets
from program import ROOT

SHELLS = ("sh", "bash", "console")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


@pytest.fixture
def checkout(sheaf, tmp_path):
    """A folder with the program, the examples, and in build/demo what `make demo` leaves there."""
    build = tmp_path / "build"
    demo = build / "demo"
    demo.mkdir(parents=True)
    (build / "sheaf").symlink_to(sheaf.path)
    (build / "libadbc_driver_datafusion.so").symlink_to(sheaf.driver)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    otel = tmp_path / "examples" / "otel"
    shutil.copyfile(otel / "job.toml", demo / "job.toml")
    subprocess.run(
        [sys.executable, otel / "generate.py", "--ids", "1000", "--out", demo / "data"], check=True
    )
    (tmp_path / "data").symlink_to(demo / "data")
    return tmp_path


def _make_targets():
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


def _run(command, block, folder, sheaf):
    path = f"{folder / 'build'}:{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env=sheaf.environment({"PATH": path}),
        timeout=300,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (
        f"{block}: {block.text}\n{done.stdout.decode()}{done.stderr.decode()}"
    )


def _try_shell(block, folder, sheaf):
    targets, script = made_targets(commands_of(block))
    assert set(targets) <= _make_targets(), (
        f"{block}: the Makefile lacks {set(targets) - _make_targets()}"
    )
    if script.strip():
        _run(["bash", "-euo", "pipefail", "-c", script], block, folder, sheaf)


def _try_toml(block, folder, sheaf):
    parsed = tomllib.loads(block.text)
    if "table" not in parsed:
        return
    job = folder / f"block-{block.line}.toml"
    job.write_text(block.text, "utf-8")
    _run([folder / "build" / "sheaf", "explain", job], block, folder, sheaf)


def _try_python(block, folder, sheaf):
    """Python finds `out`, the run of the main example, and the driver's path in DRIVER."""
    if not (folder / "out").exists():
        job = folder / "build" / "demo" / "job.toml"
        assert sheaf.run("run", job, "--out", folder / "out").code == 0
    script = f"DRIVER = {str(sheaf.driver)!r}\n{block.text}"
    _run([sys.executable, "-c", script], block, folder, sheaf)


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_the_blocks_of_a_document_run(document, checkout, sheaf, capsys):
    assert document.exists(), f"{document} is missing"
    for block in blocks_of(document, ROOT):
        if block.not_run is not None:
            with capsys.disabled():
                print(f"\n{block} is not run: {block.not_run}", end="")
        elif block.language in SHELLS:
            _try_shell(block, checkout, sheaf)
        elif block.language == "python":
            _try_python(block, checkout, sheaf)
        elif block.language == "toml":
            _try_toml(block, checkout, sheaf)


def test_a_comment_that_leaves_out_a_block_gives_its_reason():
    for document in DOCUMENTS:
        for block in blocks_of(document, ROOT):
            assert block.not_run is None or len(block.not_run) > 10, (
                f"{block}: not run, and no word why"
            )


def test_blocks_are_found_with_language_place_and_reason(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(
        "# Title\n\n```sh\nmake build  # first\nls \\\n  -l\n```\n\n"
        "<!-- not run: takes an hour -->\n- item\n\n"
        "  <!-- not run: needs a server -->\n  ```console\n  $ sheaf run x\n  batch 0\n  ```\n"
    )
    first, second = blocks_of(path, tmp_path)
    assert (first.language, first.line, first.not_run) == ("sh", 3, None)
    assert made_targets(commands_of(first)) == (["build"], "ls \\\n  -l")
    assert (second.language, second.not_run) == ("console", "needs a server")
    assert commands_of(second) == "sheaf run x\n"
