"""``lineageflow export``: a dataset into a file."""

from __future__ import annotations

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.columns import split_columns
from lineageflow_jupyter.kernel.display import Answer, Note, size
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import commit_named

FORMAT = Option(("--format",), "parquet, csv, feather or jsonl; by the ending of the name if left out", "FORMAT")


def _run(call: Call) -> Answer:
    from lineageflow_jupyter.exchanging import export

    arguments = call.arguments
    report = export(
        call.session.repository,
        arguments.get("place") or "",
        arguments.get("file") or "",
        columns=split_columns(arguments.all("columns")) if arguments.has("columns") else None,
        format=arguments.get("format"),
        force=arguments.has("force"),
    )
    what = f"{report.dataset} {report.shape} of {commit_named(report.commit)}"
    return Answer(report, (Note(f"wrote {what} to {report.path}, {size(report.bytes)}"),))


def _document(call: Call, answer: Answer) -> wire.Document:
    return wire.exported(answer.report)


COMMAND = Command(
    Verb(
        "export",
        "write a dataset as it was committed into a Parquet, CSV, Feather or JSON lines file",
        _run,
        positionals=(
            Positional("place", "REV:DATASET", "which; DATASET alone is that of HEAD", Holds.PLACE, required=True),
            Positional("file", "FILE", "the file to write", required=True),
        ),
        options=(
            Option(("-f", "--force"), "replace a file that is there"),
            Option(("--columns",), "only these columns (commas between)", "COL,…"),
            FORMAT,
        ),
    ),
    _document,
)
