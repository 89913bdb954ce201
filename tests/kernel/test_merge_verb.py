"""`%lf merge`: lines as a user types them, in a real shell."""

from __future__ import annotations

from typing import Any

import pytest

from lineageflow_jupyter.testing.shell import TestingShell


@pytest.fixture
def sides(committed: TestingShell) -> TestingShell:
    """Two branches that both changed flights; the shell is on main."""
    committed.run("%lf commit flights -m keyed --key id;")
    committed.run("%lf switch -c fixes;")
    committed.run("flights.loc[0, 'dep'] = 111; flights['speed'] = 1.5")
    committed.run("%lf commit -m theirs;")
    committed.run("%lf switch main;")
    committed.run("flights.loc[1, 'dep'] = 222")
    committed.run("%lf commit -m ours;")
    return committed


@pytest.fixture
def clash(sides: TestingShell) -> TestingShell:
    """The same with one cell that both changed."""
    sides.run("flights.loc[0, 'dep'] = 333")
    sides.run("%lf commit -m 'the same cell';")
    return sides


def frame(shell: TestingShell, name: str = "flights") -> Any:
    return shell.user_ns[name]


def test_both_sides_come_together_in_the_variable(sides: TestingShell) -> None:
    told = str(sides.run("%lf merge fixes"))
    assert "main merged:" in told
    assert "variables changed: flights" in told
    assert frame(sides)["dep"].tolist()[:2] == [111, 222]
    assert frame(sides)["speed"].tolist()[0] == 1.5
    assert "has all of fixes already" in str(sides.run("%lf merge fixes"))
    assert "nothing" in str(sides.run("%lf commit -m nothing flights")).lower()
    sides.run("%lf undo;")
    assert "speed" not in frame(sides).columns


def test_a_dry_run_changes_nothing(clash: TestingShell) -> None:
    before = frame(clash)
    answer = clash.run("%lf merge fixes --dry-run")
    assert "1 conflict to decide; nothing was changed" in str(answer)
    assert "333" in answer._repr_html_()
    assert frame(clash) is before
    assert "no merge is under way" in clash.refused("%lf merge --abort")


def test_rules(clash: TestingShell) -> None:
    assert "no rule 'largest'" in clash.refused("%lf merge fixes --resolve dep=largest")
    assert "COLUMN=RULE was expected" in clash.refused("%lf merge fixes --resolve dep")
    assert "exclude each other" in clash.refused("%lf merge fixes --ours --theirs")
    clash.run("%lf merge fixes --resolve dep=min;")
    assert frame(clash)["dep"].tolist()[:2] == [111, 222]


def test_conflicts_by_hand(clash: TestingShell) -> None:
    clash.run("m = %lf merge fixes")
    told = str(frame(clash, "m"))
    assert "1 conflict to decide; nothing has moved yet" in told
    assert frame(clash)["dep"].tolist()[0] == 333
    assert "a merge is under way" in clash.refused("%lf merge fixes")
    assert "half done" in str(clash.run("%lf status"))
    clash.run("c = m.report.conflicts['flights']; c.loc[:, 'resolved'] = 444")
    clash.run("%lf merge --continue;")
    assert frame(clash)["dep"].tolist()[:2] == [444, 222]
    assert "half done" not in str(clash.run("%lf status"))


def test_a_half_done_merge_survives_a_restart(clash: TestingShell) -> None:
    clash.run("%lf merge fixes;")
    clash.run("%unload_ext lineageflow_jupyter")
    clash.run("%load_ext lineageflow_jupyter")
    assert "half done" in str(clash.run("%lf status"))
    clash.run("m = %lf merge --conflicts")
    assert "333" in str(frame(clash, "m"))
    clash.run("m.report['flights']['resolved'] = 555")
    clash.run("%lf merge --continue;")
    assert frame(clash)["dep"].tolist()[0] == 555


def test_abort(clash: TestingShell) -> None:
    clash.run("%lf merge fixes;")
    assert "is forgotten" in str(clash.run("%lf merge --abort"))
    assert "no merge is under way" in clash.refused("%lf merge --continue")
    clash.run("%lf undo;")
    clash.run("%lf merge --continue --theirs;")
    assert frame(clash)["dep"].tolist()[0] == 111


def test_changes_in_the_way(sides: TestingShell) -> None:
    sides.run("flights.loc[2, 'dep'] = 1")
    told = sides.refused("%lf merge fixes")
    assert "flights" in told
    assert "then merge" in told
    assert frame(sides)["dep"].tolist()[2] == 1


def test_what_is_merged_must_be_named(sides: TestingShell) -> None:
    assert "one branch was expected" in sides.refused("%lf merge")
    assert "one branch was expected" in sides.refused("%lf merge fixes --abort")
    assert "fixse" in sides.refused("%lf merge fixse")


def test_names_and_values_are_escaped(committed: TestingShell) -> None:
    committed.run("odd = flights[['id']].assign(x='<b>a</b>')")
    committed.run("%lf commit odd -m odd --key id;")
    committed.run("%lf switch -c other;")
    committed.run("odd.loc[0, 'x'] = '<script>1</script>'")
    committed.run("%lf commit -m theirs;")
    committed.run("%lf switch main;")
    committed.run("odd.loc[0, 'x'] = '<i>'")
    committed.run("%lf commit -m ours;")
    html = committed.run("%lf merge other")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_rebase(clash: TestingShell) -> None:
    clash.run("%lf switch fixes;")
    told = str(clash.run("%lf rebase main"))
    assert "1 conflict to decide; nothing has moved yet (0 commits are on top, 0 are to come after this one)" in told
    assert "`%lf rebase --skip` leaves this commit out" in told
    assert "a rebase is under way" in clash.refused("%lf merge main")
    assert "rebase" in str(clash.run("%lf status"))
    assert "the rebase onto main is forgotten; fixes has not moved" in str(clash.run("%lf rebase --abort"))
    clash.run("%lf rebase main;")
    told = str(clash.run("%lf rebase --continue --theirs"))
    assert "fixes is now at" in told
    assert "1 commit on top of main" in told
    assert frame(clash)["dep"].tolist()[:2] == [111, 222]
    assert frame(clash)["speed"].tolist()[0] == 1.5
    assert "fixes stands on top of main already" in str(clash.run("%lf rebase main"))
    clash.run("%lf undo;")  # half done again
    assert frame(clash)["dep"].tolist()[0] == 111
    assert "fixes is now at" in str(clash.run("%lf rebase --skip"))
    assert frame(clash)["dep"].tolist()[0] == 333


@pytest.mark.parametrize("verb", ["merge", "revert", "cherry-pick", "rebase"])
def test_a_verb_wants_one_thing(sides: TestingShell, verb: str) -> None:
    assert "was expected, or one of --continue" in sides.refused(f"%lf {verb}")
    assert "was expected, or one of --continue" in sides.refused(f"%lf {verb} --continue --abort")
    assert "was expected, or one of --continue" in sides.refused(f"%lf {verb} main --continue")
    assert "no merge is under way" in sides.refused(f"%lf {verb} --continue")


def test_revert_goes_on_by_its_own_verb(clash: TestingShell) -> None:
    clash.run("flights.loc[0, 'dep'] = 444")
    clash.run("%lf commit -m later;")
    told = str(clash.run("%lf revert HEAD~1"))
    assert "`%lf revert --continue`" in told
    assert "main is now at" in str(clash.run("%lf revert --continue --theirs"))
    assert frame(clash)["dep"].tolist()[0] != 444


def test_revert_and_cherry_pick(sides: TestingShell) -> None:
    told = str(sides.run("%lf cherry-pick fixes"))
    assert "main is now at" in told
    assert frame(sides)["dep"].tolist()[:2] == [111, 222]
    told = str(sides.run("%lf revert HEAD"))
    assert "main is now at" in told
    assert "speed" not in frame(sides).columns
    assert frame(sides)["dep"].tolist()[1] == 222
    sides.run("%lf undo;")
    assert "speed" in frame(sides).columns
    assert "nothing was changed" in str(sides.run("%lf revert HEAD~1 --dry-run"))
    assert "takes a number from 1 on" in sides.refused("%lf revert HEAD --mainline one")
    assert "has 1 parents, number 2" in sides.refused("%lf revert HEAD --mainline 2")
