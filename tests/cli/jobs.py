"""Jobs on numbers that the engine makes up, and ways to run them."""

import subprocess

SMALL = """
[batch]
key = ["id"]
max_keys = 4
[[table]]
name = "A"
query = "SELECT value % 10 AS id, value AS n FROM generate_series(0, 29)"
order_by = ["n DESC"]
selects_keys = true
[[table]]
name = "P"
query = "SELECT value AS id FROM generate_series(1, 11)"
rows_per_key = "one"
"""

# Keys of two columns: (0, a), (0, b), (1, a), ... (4, a).
PAIRS = """
[batch]
key = ["n", "t"]
[[table]]
name = "A"
query = '''SELECT value / 2 AS n, CASE value % 2 WHEN 0 THEN 'a' ELSE 'b' END AS t
           FROM generate_series(0, 8)'''
selects_keys = true
"""

# Many batches, so that a run can be met on its way.
MANY_BATCHES = """
[batch]
key = ["id"]
max_keys = 10
[[table]]
name = "A"
query = "SELECT value AS id FROM generate_series(1, 1000000)"
selects_keys = true
"""

# Works for hours and finds nothing.
ENDLESS = """
[batch]
key = ["id"]
[[table]]
name = "A"
query = '''SELECT a.value AS id FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b
           WHERE a.value * b.value = -1'''
selects_keys = true
"""


def write(folder, text, name="job.toml"):
    path = folder / name
    path.write_text(text)
    return path


def run_into_full_disk(sheaf, folder, *arguments):
    """A run whose standard output has no space: exit code and standard error."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sheaf.path, *arguments],
            cwd=folder,
            env=sheaf.environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    return done.returncode, done.stderr
