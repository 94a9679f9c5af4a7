"""Finds the code blocks of Markdown files."""

import re
import textwrap
from dataclasses import dataclass

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[a-z]*)[^\n]*\n(?P<text>.*?)^ *```\s*$", re.M | re.S
)
_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>[^\n]*?) -->\s*\Z")


@dataclass(frozen=True)
class Block:
    file: str
    line: int
    language: str
    text: str
    not_run: str | None  # the reason, where a comment before the block gives one

    def __str__(self):
        return f"{self.file}:{self.line}"


def blocks_of(path, root):
    """The blocks of one file, in order."""
    markdown = path.read_text("utf-8")
    found = []
    for match in _FENCE.finditer(markdown):
        left_out = _NOT_RUN.search(markdown[: match.start()])
        found.append(
            Block(
                file=str(path.relative_to(root)),
                line=markdown.count("\n", 0, match.start()) + 1,
                language=match["language"],
                text=textwrap.dedent(match["text"]),
                not_run=left_out["reason"] if left_out else None,
            )
        )
    return found


def commands_of(block):
    """A shell block as a script: of a console session what stands after the prompts."""
    if block.language != "console":
        return block.text
    return "".join(line[2:] + "\n" for line in block.text.splitlines() if line.startswith("$ "))


def made_targets(script):
    """The targets of `make` commands in a script, and the script without them."""
    targets, rest = [], []
    for line in script.splitlines():
        command = line.split("#")[0].strip()
        if re.match(r"make\b", command):
            targets += [
                word for word in command.split()[1:] if "=" not in word and not word.startswith("-")
            ]
        else:
            rest.append(line)
    return targets, "\n".join(rest)
