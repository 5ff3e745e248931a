"""What `make security` makes of the reports of its tools."""

from __future__ import annotations

from typing import Any

from tests.security.scan import EXCUSED, judge_code, judge_dependencies


def bandit(*found: tuple[str, str]) -> dict[str, Any]:
    rows = [{"filename": f"./{place}", "test_id": rule, "line_number": 3, "issue_text": "bad"} for place, rule in found]
    return {"results": rows, "errors": []}


def test_a_finding_fails_and_an_excused_one_does_not() -> None:
    """By file and rule; the same rule elsewhere is a finding."""
    excused = {("a.py", "B1"): "because"}
    assert not judge_code(bandit(("a.py", "B1")), excused).failed
    verdict = judge_code(bandit(("a.py", "B1"), ("b.py", "B1")), excused)
    assert verdict.failed
    assert verdict.lines[0] == "b.py:3: B1 bad"


def test_an_excuse_for_nothing_fails() -> None:
    """It would hide the next finding of that rule."""
    assert judge_code(bandit(), {("a.py", "B1"): "because"}).failed
    assert all(EXCUSED.values())


def test_a_known_vulnerability_fails_with_its_mend() -> None:
    """Named with the version that mends it; what could not be looked up is told beside it."""
    known = {"name": "x", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
    verdict = judge_dependencies({"dependencies": [known, {"name": "y", "skip_reason": "not found"}]})
    assert verdict.failed
    assert verdict.lines[0] == "x 1: PYSEC-1 (mended in 2)"
    assert "1 of 2 packages audited" in verdict.lines[-1]


def test_an_audit_that_was_none_is_told_loudly_and_is_no_failure() -> None:
    """No feed, no answer, or a feed that knows none of the packages: the word is the same."""
    skipped = {"dependencies": [{"name": "x", "skip_reason": "Dependency not found and could not be audited"}]}
    for report, said in ((None, "ConnectionError: no route"), (skipped, ""), ({"dependencies": []}, "")):
        verdict = judge_dependencies(report, said)
        assert not verdict.failed
        assert any("NOT AUDITED" in line for line in verdict.lines)


def test_an_audit_without_findings_passes() -> None:
    """And says how many packages it knows of."""
    verdict = judge_dependencies({"dependencies": [{"name": "x", "version": "1", "vulns": []}]})
    assert (verdict.failed, verdict.lines) == (False, ("pip-audit: 1 of 1 packages audited",))
