"""Runs a job that must fail, and looks at what it says and what it leaves behind."""

from run_directory import data_files, logged_files, read_log

ALLOWED = {"manifest.json", "batches.jsonl"}


def _files(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


def refused(sheaf, folder, code, *words, args=None, env=None, preexec_fn=None, out=None):
    """Runs a job in `folder`, which must end with `code` and one line that holds all `words`.

    Nothing may be left that looks like a result: no _SUCCESS, no file that the log does not name.
    Returns the line.
    """
    spill = folder / "temporary"
    spill.mkdir(exist_ok=True)
    before = _files(folder)
    env = {"TMPDIR": str(spill), **(env or {})}
    args = args or ("run", folder / "job.toml")
    result = sheaf.run(*args, env=env, preexec_fn=preexec_fn, cwd=folder)
    assert result.code == code, result
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("sheaf: error: "), result.err
    lacking = [word for word in words if str(word) not in lines[0]]
    assert not lacking, f"{lacking} not in: {lines[0]}"
    out = out or folder / "out"
    assert_nothing_looks_complete(out)
    left = {path for path in _files(folder) - before if not path.is_relative_to(out)}
    assert not left, f"left behind: {left}"
    return lines[0]


def assert_nothing_looks_complete(out):
    """What a failed run may leave: batches that the log names, whole, and nothing else."""
    if not out.exists():
        return
    top = {path.name for path in out.iterdir() if path.is_file()}
    assert top <= ALLOWED, f"left in the run directory: {top - ALLOWED}"
    batches = read_log(out) if (out / "batches.jsonl").exists() else []
    assert data_files(out) == logged_files(batches), "files that batches.jsonl does not name"
    for line in batches:
        for table in line["tables"].values():
            assert (out / table["file"]).stat().st_size == table["bytes"]
