"""Completion of ``%lf`` lines: verbs, flags, revisions, datasets, frames. Columns are not completed yet.

Only what is at hand is asked: a repository that no verb has opened so far stays closed, since opening it takes longer
than a key stroke may.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from IPython.core.completer import SimpleCompletion, context_matcher

from lineageflow_jupyter.errors import LineageFlowError
from lineageflow_jupyter.kernel.arguments import HELP, Holds, Option
from lineageflow_jupyter.kernel.engines import ENGINES
from lineageflow_jupyter.kernel.live import is_frame
from lineageflow_jupyter.kernel.session import Session
from lineageflow_jupyter.kernel.tokens import Word, split
from lineageflow_jupyter.kernel.verb import Verb

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult

_LINE = re.compile(r"(?:^|=)\s*%lf\s+(?P<rest>(?:.*\s)?)(?P<fragment>\S*)$")


class Completer:
    """Completes the lines of one shell."""

    def __init__(self, session: Session, verbs: Mapping[str, Verb]) -> None:
        self._session = session
        self._verbs = verbs

    @context_matcher()  # type: ignore[untyped-decorator, unused-ignore]
    def match(self, context: CompletionContext) -> SimpleMatcherResult:
        """Answer IPython; it shows other completions only where there are none of ours."""
        fragment, found = self.complete(context.text_until_cursor)
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
            The word at the cursor, and what it may become; ``("", [])`` for lines that are not ours.
        """
        found = _LINE.search(text)
        if found is None:
            return "", []
        fragment = found.group("fragment")
        try:
            choices = self._choices(split(found.group("rest")).words, fragment)
        except LineageFlowError:  # an open quote, a revision that does not exist: nothing to propose
            choices = ()
        return fragment, sorted({choice for choice in choices if choice.startswith(fragment) and choice != fragment})

    def _choices(self, words: Sequence[Word], fragment: str) -> Iterable[str]:
        if not words:
            return self._verbs
        verb = self._verbs.get(words[0].text)
        if verb is None:
            return ()
        known = {flag: option for option in (*verb.options, HELP) for flag in option.flags}
        open_option, places = _position(words[1:], known)
        if fragment.startswith("-"):
            return known
        if open_option is not None:
            return self._values(open_option.holds, fragment)
        if not verb.positionals:
            return ()
        place = verb.positionals[min(places, len(verb.positionals) - 1)]
        if places >= len(verb.positionals) and not place.many:
            return ()
        if place.holds is Holds.REVISION and not place.required:  # one word may be either, as in `%lf log flights`
            return [choice for other in verb.positionals for choice in self._values(other.holds, fragment)]
        return self._values(place.holds, fragment)

    def _values(self, holds: Holds, fragment: str) -> Iterable[str]:
        sources: dict[Holds, Callable[[], Iterable[str]]] = {
            Holds.VERB: lambda: self._verbs,
            Holds.ENGINE: lambda: ENGINES,
            Holds.FRAME: self._frames,
            Holds.DATASET: lambda: self._datasets("HEAD"),
            Holds.REVISION: self._revisions,
            Holds.BRANCH: self._branches,
            Holds.PLACE: lambda: self._places(fragment),
        }
        return sources.get(holds, tuple)()

    def _frames(self) -> Iterable[str]:
        variables = list(self._session.variables.items())
        return [name for name, value in variables if not name.startswith("_") and is_frame(value)]

    def _datasets(self, revision: str) -> Iterable[str]:
        repository = self._session.opened
        return () if repository is None else repository.datasets(revision)

    def _revisions(self) -> Iterable[str]:
        repository = self._session.opened
        return ("HEAD",) if repository is None else ("HEAD", *repository.names())

    def _branches(self) -> Iterable[str]:
        repository = self._session.opened
        return () if repository is None else [ref.name for ref in repository.branches()]

    def _places(self, fragment: str) -> Iterable[str]:
        revision, colon, _ = fragment.rpartition(":")
        if colon:
            return [f"{revision}:{dataset}" for dataset in self._datasets(revision or "HEAD")]
        return [*(f"{revision}:" for revision in self._revisions()), *self._datasets("HEAD")]


def _position(words: Sequence[Word], known: Mapping[str, Option]) -> tuple[Option | None, int]:
    """Option whose value comes next, if any, and how many values without flag stand before it."""
    expected: Option | None = None
    places = 0
    for word in words:
        option = known.get(word.text) if word.bare else None
        if option is not None:
            expected = option if option.metavar else None
        elif word.text == "--":
            expected = None
        elif expected is None:
            places += 1
        elif not expected.many:
            expected = None
    return expected, places
