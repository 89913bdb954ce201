"""``lineageflow import``: a file as a commit."""

from __future__ import annotations

from lineageflow_jupyter import wire
from lineageflow_jupyter.cli.command import Command
from lineageflow_jupyter.cli.verbs.export import FORMAT
from lineageflow_jupyter.kernel.arguments import Holds, Option, Positional
from lineageflow_jupyter.kernel.columns import split_columns
from lineageflow_jupyter.kernel.display import Answer, Note
from lineageflow_jupyter.kernel.verb import Call, Verb
from lineageflow_jupyter.kernel.wording import commit_report_text


def _run(call: Call) -> Answer:
    from lineageflow_jupyter.exchanging import import_file

    arguments = call.arguments
    report = import_file(
        call.session.repository,
        arguments.get("file") or "",
        dataset=arguments.get("as"),
        message=arguments.get("message"),
        key=split_columns(arguments.all("key")) if arguments.has("key") else None,
        format=arguments.get("format"),
    )
    return Answer(report, (Note(commit_report_text(report)),))


def _document(call: Call, answer: Answer) -> wire.Document:
    return wire.committed(answer.report)


COMMAND = Command(
    Verb(
        "import",
        "commit a Parquet, CSV, Feather or JSON lines file as the new version of a dataset",
        _run,
        positionals=(Positional("file", "FILE", "the file to read", required=True),),
        options=(
            Option(("--as",), "the dataset; called after the file if left out", "DATASET", Holds.DATASET),
            Option(("-m", "--message"), "what changed and why; 'import FILE' if left out", "MSG"),
            Option(("--key",), "columns that identify a row (commas between)", "COL,…"),
            FORMAT,
        ),
    ),
    _document,
)
