"""Completion of ``%lf`` lines: verbs, flags, revisions, datasets, frames, columns, settings.

What the kernel knows is answered at once; what the repository knows comes through a `Glance`, which waits for nothing.
Names are proposed as the tokenizer reads them back, quoted where they must be.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher

from lineageflow_jupyter.config import SETTINGS
from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.kernel.arguments import HELP, Holds, Option, Positional
from lineageflow_jupyter.kernel.columns import column_text, named_columns, split_columns
from lineageflow_jupyter.kernel.display import visible
from lineageflow_jupyter.kernel.engines import ENGINES, engine_of
from lineageflow_jupyter.kernel.glance import SECONDS, Glance, Question
from lineageflow_jupyter.kernel.live import is_frame
from lineageflow_jupyter.kernel.session import Session
from lineageflow_jupyter.kernel.tokens import Unfinished, Word, expand, split_unfinished
from lineageflow_jupyter.kernel.verb import Verb
from lineageflow_jupyter.model.revisions import CELL, split_dataset

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import ExecutionResult

    from lineageflow_jupyter.repository import Repository

CELLS = 50
"""Runs of cells that are proposed at most, the latest."""
RUN_DIGITS = 7
_LINE = re.compile(r"(?:^|=)\s*%lf\s+(?P<rest>.*)$")
_NAMES = Question(("names",), lambda repository: repository.names())
_BRANCHES = Question(("branches",), lambda repository: [ref.name for ref in repository.branches()])


def _cells(dataset: str) -> Question:
    """Runs that changed a dataset's frame, newest first."""

    def asked(repository: Repository) -> list[str]:
        return [run.run for run in repository.cell_runs(dataset, written=True, limit=CELLS)]

    return Question(("cells", dataset), asked)


def _datasets(revision: str) -> Question:
    return Question(("datasets", revision), lambda repository: repository.dataset_names(revision))


def _columns(place: str, *, levels: bool) -> Question:
    key = ("levels" if levels else "columns", place)
    return Question(key, lambda repository: repository.column_names(place, levels=levels))


# What the next line may well need, in few statements; columns of live frames are known, and there may be many others.
_USUAL = (_NAMES, _BRANCHES, _datasets("HEAD"))


class Completer:
    """Completes the lines of one shell."""

    def __init__(self, session: Session, verbs: Mapping[str, Verb]) -> None:
        self._session = session
        self._verbs = verbs
        self._glance = Glance(session, _USUAL)

    @context_matcher()  # type: ignore[untyped-decorator, unused-ignore]
    def match(self, context: CompletionContext) -> SimpleMatcherResult:
        """Answer IPython; it shows other completions only where there are none of ours."""
        try:
            fragment, found = self.complete(context.text_until_cursor)
        except Exception:  # IPython would show the traceback under the line that is being typed
            fragment, found = "", []
        return {
            "completions": [SimpleCompletion(text, type="lineageflow") for text in found],
            "matched_fragment": fragment or context.token,
            "suppress": bool(found),
        }

    def complete(self, text: str) -> tuple[str, list[str]]:
        """Complete a line up to the cursor.

        Parameters
        ----------
        text : str
            The line, from its beginning to the cursor.

        Returns
        -------
        tuple of str and list of str
            What is replaced, at the end of the line, and what it may become; ``("", [])`` for lines that are not ours.
        """
        line = _LINE.search(text)
        typed = None if line is None else split_unfinished(line.group("rest"))
        if typed is None:
            return "", []
        self._glance.prepare()
        words, word = typed
        if not words:
            return word.raw, _becoming(word, self._verbs)
        verb = self._verbs.get(words[0].text)
        if verb is None:
            return "", []
        return self._argument(verb, words[1:], word)

    def outdate(self) -> None:
        """Say that a verb runs: what is known of the repository may be old after its cell."""
        self._glance.outdate()

    def look_ahead(self, result: ExecutionResult) -> None:
        """Prepare for the next key stroke: a cell has run. Costs nothing unless a verb ran in it."""
        self._glance.look_ahead()

    def close(self) -> None:
        """Let go of the repository that was looked at."""
        self._glance.close()

    def _argument(self, verb: Verb, words: Sequence[Word], word: Unfinished) -> tuple[str, list[str]]:
        known = {flag: option for option in (*verb.options, HELP) for flag in option.flags}
        line = _read(verb, words, known, self._expanded)
        if word.plain and word.raw.startswith("-") and not line.separated:
            flag, equals, _ = word.raw.partition("=")
            option = known.get(flag)
            if not equals or option is None or not option.metavar:
                return word.raw, sorted(flag for flag in known if flag.startswith(word.raw) and flag != word.raw)
            word = word.without(len(flag) + 1)
            line.expected = option
        elif not word.plain and word.text.startswith("--") and "=" in word.text[: word.bare]:  # --columns="dep de
            flag = word.text.partition("=")[0]
            line.expected = known.get(flag)
            word = word.without(len(flag) + 1)
        found = _Sources(self._session, self._verbs, self._glance, line, time.monotonic() + SECONDS)
        texts = [text for holds in line.holds(verb) for text in found.values(holds, word.text)]
        return word.raw, _becoming(word, texts)

    def _expanded(self, word: Word) -> str:
        try:
            return expand(word, self._session.variables)
        except LineageFlowError:
            return word.text


def _becoming(word: Unfinished, texts: Iterable[str]) -> list[str]:
    """What the word may become, of all texts that there are."""
    # Signs that steer a terminal or end the line cannot be typed back, and must not be shown.
    fit = {text for text in texts if text.startswith(word.text) and text == visible(text) and "\n" not in text}
    return sorted(text for text in map(word.become, fit) if text != word.raw)


@dataclass(slots=True)
class _Line:
    """What is on the line before the cursor.

    Parameters
    ----------
    given : list of (Holds, str)
        The values, options' included.
    places : int
        How many values without flag there are.
    expected : Option or None
        Option whose value comes next.
    separated : bool
        Whether ``--`` stands before the cursor.
    """

    given: list[tuple[Holds, str]]
    places: int = 0
    expected: Option | None = None
    separated: bool = False

    def of(self, *kinds: Holds) -> list[str]:
        """Values of these kinds."""
        return [text for holds, text in self.given if holds in kinds]

    def holds(self, verb: Verb) -> tuple[Holds, ...]:
        """Say what the word at the cursor may hold."""
        if self.expected is not None:
            return (self.expected.holds,)
        positionals = verb.positionals
        if self.separated and any(place.holds is Holds.REVISION for place in positionals):
            return tuple({place.holds for place in positionals if place.holds is not Holds.REVISION})
        at = _place(positionals, self.places)
        if at is None:
            return ()
        place = positionals[at]
        if place.holds is Holds.REVISION and not place.required:  # one word may be either, as in `%lf log flights`
            return tuple(dict.fromkeys(other.holds for other in positionals[at:]))
        return (place.holds,)


def _place(positionals: Sequence[Positional], number: int) -> int | None:
    """Which of the positionals takes a word, counted from 0; one of many takes all from it on."""
    many = next((at for at, place in enumerate(positionals) if place.many), len(positionals))
    at = min(number, many)
    return at if at < len(positionals) else None


def _read(verb: Verb, words: Sequence[Word], known: Mapping[str, Option], expanded: Callable[[Word], str]) -> _Line:
    """Read what is before the cursor, as the parser of arguments would, but leniently."""
    line = _Line([])
    for word in words:
        flag, equals, value = word.text.partition("=")
        option = known.get(flag) if word.bare >= len(flag) > 1 and not line.separated else None
        if option is not None:
            line.expected = option if option.metavar and (not equals or (option.many and not option.parts)) else None
            if equals:
                line.given.append((option.holds, value))
        elif word.text == "--" and word.bare == 2:
            line.expected, line.separated = None, True
        elif line.expected is not None:
            line.given.append((line.expected.holds, expanded(word)))
            line.expected = line.expected if line.expected.many and not line.expected.parts else None
        else:
            if verb.positionals:
                at = _place(verb.positionals, line.places)
                place = verb.positionals[-1 if at is None or line.separated else at]
                line.given.append((place.holds, expanded(word)))
            line.places += 1
    return line


class _Sources:
    """Where proposals come from, for one key stroke.

    Parameters
    ----------
    session : Session
        Its variables.
    verbs : mapping of str to Verb
        The verbs.
    glance : Glance
        The repository.
    line : _Line
        What is on the line already.
    until : float
        When to give up.
    """

    def __init__(self, session: Session, verbs: Mapping[str, Verb], glance: Glance, line: _Line, until: float) -> None:
        self._session = session
        self._verbs = verbs
        self._glance = glance
        self._line = line
        self._until = until

    def values(self, holds: Holds, typed: str) -> Iterable[str]:
        """Everything that a word of a kind may become, where `typed` is its beginning."""
        sources: dict[Holds, Callable[[], Iterable[str]]] = {
            Holds.VERB: lambda: self._verbs,
            Holds.ENGINE: lambda: ENGINES,
            Holds.SETTING: lambda: SETTINGS,
            Holds.VALUE: self._setting_values,
            Holds.FRAME: self._frames,
            Holds.DATASET: lambda: self._datasets(self._revision()),
            Holds.REVISION: lambda: self._revisions(typed),
            Holds.BRANCH: self._branches,
            Holds.PLACE: lambda: self._places(typed),
            Holds.TRACED: lambda: self._traced(typed),
            Holds.COLUMN: lambda: self._columns(typed, levels=False),
            Holds.KEY: lambda: self._columns(typed, levels=True),
        }
        if f"@{{{CELL}" in typed and holds in (Holds.PLACE, Holds.REVISION, Holds.DATASET, Holds.FRAME):
            return self._cells(typed)
        return sources.get(holds, tuple)()

    def _ask(self, question: Question) -> tuple[str, ...]:
        return self._glance.ask(question, until=self._until)

    def _frames(self) -> Iterable[str]:
        variables = list(self._session.variables.items())
        return [name for name, value in variables if not name.startswith("_") and is_frame(value)]

    def _revision(self) -> str:
        """Revision that the line names, if it names one; the newer end of a range."""
        return next(map(_newer, self._line.of(Holds.REVISION)), "HEAD")

    def _datasets(self, revision: str) -> Iterable[str]:
        return self._ask(_datasets(revision))

    def _revisions(self, typed: str) -> Iterable[str]:
        if ":" in typed[typed.rfind("}") + 1 :]:
            return self._places(typed)
        names = ("HEAD", *self._ask(_NAMES))
        before, dots, _ = typed.rpartition("..")
        return [f"{before}{dots}{name}" for name in names]

    def _cells(self, typed: str) -> Iterable[str]:
        """Runs of cells that changed a frame, for ``NAME@{cell:``."""
        name = typed.partition("@{")[0]
        dataset = self._session.live.dataset(name)
        return [f"{name}@{{{CELL}{run[:RUN_DIGITS]}}}" for run in self._ask(_cells(dataset))]

    def _branches(self) -> Iterable[str]:
        return self._ask(_BRANCHES)

    def _places(self, typed: str) -> Iterable[str]:
        revision, colon, _ = typed.rpartition(":")
        if colon:
            return [f"{revision}:{dataset}" for dataset in self._datasets(revision or "HEAD")]
        return [*(f"{revision}:" for revision in self._revisions(typed)), *self._datasets("HEAD")]

    def _traced(self, typed: str) -> Iterator[str]:
        """Frames and datasets, and behind a dot the columns of one; names of both may hold dots themselves."""
        yield from self._frames()
        yield from self._places(typed)
        for place, sign in enumerate(typed):
            if sign == "." and typed[:place]:
                for column in dict.fromkeys(self._columns_of([split_dataset(typed[:place])], levels=False)):
                    yield f"{typed[:place]}.{column}"

    def _columns(self, typed: str, *, levels: bool) -> Iterator[str]:
        """Lists of columns with one more name: those that are there already are not proposed again."""
        *before, _ = named_columns(typed)
        start = "".join(f"{column_text(name)}," for name in before)
        taken = {"", *before, *split_columns(self._line.of(Holds.COLUMN, Holds.KEY))}
        for name in dict.fromkeys(self._known_columns(levels=levels)):
            if name not in taken:
                yield start + column_text(name)

    def _known_columns(self, *, levels: bool) -> Iterator[str]:
        """Columns of every frame and dataset that the line names."""
        live = self._session.live
        places = [split_dataset(place) for place in self._line.of(Holds.PLACE, Holds.TRACED)]
        places += [(self._revision(), name) for name in self._line.of(Holds.DATASET)]
        places += [("HEAD", live.dataset(name)) for name in self._line.of(Holds.FRAME)]
        # Where a revision may stand, a dataset may as well, alone or behind a revision.
        either = self._line.of(Holds.REVISION)
        places += [split_dataset(word) for word in either if ":" in word]
        places += [(self._revision() if at else "HEAD", name) for at, name in enumerate(either) if ":" not in name]
        yield from self._columns_of(places, levels=levels)

    def _columns_of(self, places: Sequence[tuple[str, str]], *, levels: bool) -> Iterator[str]:
        """Columns of live frames and of datasets, by revision and dataset."""
        variables, live = self._session.variables, self._session.live
        for _, dataset in places:
            frame = variables.get(live.variable(dataset, variables))
            if is_frame(frame):
                yield from _column_names(frame, levels=levels)
        for revision, dataset in places:
            yield from self._ask(_columns(f"{revision}:{dataset}", levels=levels))

    def _setting_values(self) -> Iterable[str]:
        name = next(iter(self._line.of(Holds.SETTING)), "")
        return self._branches() if name == "branch" else SETTINGS[name].choices if name in SETTINGS else ()


def _newer(word: str) -> str:
    """Revision of a word that is one, or the newer end of a range."""
    return word.rpartition("..")[2].lstrip(".") or "HEAD"


def _column_names(frame: Any, *, levels: bool) -> list[str]:
    """Names of the columns, and perhaps of the index levels, of a live frame of any library, or of a series.

    The class says what there is: an attribute of the frame may be one of its columns. Levels that count rows are not
    stored, and so cannot be a key.
    """
    kind = type(frame)
    if engine_of((frame,)) == "arrow":
        return list(frame.schema.names)
    index = frame.index if levels and hasattr(kind, "index") else None
    named = () if index is None or type(index).__name__ == "RangeIndex" else index.names
    columns = frame.columns if hasattr(kind, "columns") else (frame.name,)
    return [str(name) for name in (*named, *columns) if name is not None]
