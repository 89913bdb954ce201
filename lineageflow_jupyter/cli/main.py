"""``lineageflow``: reads a command line, runs the verb, prints its answer, and says by the exit code how it went."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Sequence
from contextlib import chdir, closing
from pathlib import Path

from lineageflow_jupyter.cli.command import Visit, in_shell, without_magic
from lineageflow_jupyter.cli.parsing import Misuse, Request, read
from lineageflow_jupyter.cli.verbs import COMMANDS
from lineageflow_jupyter.errors import LineageFlowError, StorageError, UsageProblem
from lineageflow_jupyter.kernel.display import Answer, visible
from lineageflow_jupyter.kernel.verb import Call
from lineageflow_jupyter.kernel.verbs import VERBS
from lineageflow_jupyter.wire import error

DONE, FAILED, MISUSED = 0, 1, 2
INTERRUPTED, UNREAD = 130, 141
"""What a shell tells of a program that was ended by Ctrl-C, and of one whose reader went away."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words behind the name of the program; those of the process by default.

    Returns
    -------
    int
        0: done. 1: the request failed, or the repository is damaged. 2: no such command. 130: interrupted. 141: nobody
        reads the output any more.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a sign must not end the command
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(words)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return UNREAD
    except OSError as problem:
        _drop_output()
        return _failed(StorageError(f"the answer cannot be written: {problem.strerror or problem}"), words)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return code


def _run(words: Sequence[str]) -> int:
    """Do what the words say, and tell how it went. Only printing raises OSError."""
    try:
        text = _answer(read(words, COMMANDS), as_json=_wants_json(words))
    except SystemExit as shown:  # help or version, which argparse has printed
        return DONE if shown.code is None else int(shown.code)
    except Misuse as problem:
        return _misused(problem, words)
    except LineageFlowError as problem:
        return _failed(problem, words)
    print(text)
    return DONE


def _answer(request: Request, *, as_json: bool) -> str:
    """Text of what the verb answers."""
    try:
        if request.folder == ".":
            return _answer_here(request, as_json=as_json)
        if not Path(request.folder).is_dir():
            raise UsageProblem(f"there is no folder {request.folder}", remedy="Check the path behind -C")
        with chdir(request.folder):
            return _answer_here(request, as_json=as_json)
    except OSError as problem:
        raise StorageError(
            f"the system refuses it: {problem}", remedy="Check the path and the disk, then try again"
        ) from problem


def _answer_here(request: Request, *, as_json: bool) -> str:
    command = request.command
    with closing(Visit(request.branch)) as session:
        call = Call(session, request.arguments, {}, VERBS)
        answer = command.verb.run(call)
        assert isinstance(answer, Answer)
        if as_json:
            return json.dumps(command.document(call, answer), indent=2)
        return str(Answer(answer.report, without_magic(answer.parts)))


def _misused(problem: Misuse, words: Sequence[str]) -> int:
    if _wants_json(words):
        _complain(json.dumps({"code": UsageProblem.code, "problem": problem.problem, "remedy": problem.remedy}))
    else:
        _complain(visible(f"{problem.usage}\nlineageflow: {problem.problem}. {problem.remedy}"))
    return MISUSED


def _failed(problem: LineageFlowError, words: Sequence[str]) -> int:
    document = error(problem) | {"problem": in_shell(problem.problem), "remedy": in_shell(problem.remedy)}
    if _wants_json(words):
        _complain(json.dumps(document))
    else:
        _complain(visible(f"lineageflow: {in_shell(str(problem))}"))
    return FAILED


def _complain(text: str) -> None:
    if sys.stderr is not None:
        print(text, file=sys.stderr)


def _wants_json(words: Sequence[str]) -> bool:
    """Whether ``--json`` is among the flags, also of a command line that cannot be understood."""
    flags = words[: words.index("--")] if "--" in words else words
    return "--json" in flags


def _drop_output() -> None:
    """Send what is still to be written nowhere, so that the end of the process does not try again and complain."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # a stream in memory, or one that is closed
        return
