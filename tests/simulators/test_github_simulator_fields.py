"""The organization's issue fields on the simulated GitHub."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from adapters._simulator import served
from adapters.github.simulator import GitHubSimulator
from tests.simulators.github_support import plain


@pytest.fixture
def sim() -> Iterator[GitHubSimulator]:
    """A served project with issues 1 and 2."""
    with served(GitHubSimulator()) as simulator:
        for title in ("one", "two"):
            simulator.add_issue(title=title)
        yield simulator


@pytest.fixture
def http(sim: GitHubSimulator) -> Iterator[httpx.Client]:
    """Ada, without a library."""
    with plain(sim) as client:
        yield client


def fields_of(sim: GitHubSimulator, client: httpx.Client) -> dict[str, int]:
    """The organization's fields: name and id."""
    rows = client.get(f"{sim.base_url}/orgs/acme/issue-fields").json()
    return {row["name"]: row["id"] for row in rows}


def sent(ids: dict[str, int], **values: object) -> dict[str, object]:
    """The body that sets fields, by names with an underscore for a blank."""
    rows = [{"field_id": ids[name.replace("_", " ")], "value": value} for name, value in values.items()]
    return {"issue_field_values": rows}


def values_in(rows: list[dict[str, object]]) -> dict[object, object]:
    """What an answer shows: name and value."""
    return {row["issue_field_name"]: row["value"] for row in rows}


def test_each_kind_of_field_is_set_and_read_back(sim: GitHubSimulator, http: httpx.Client) -> None:
    """Text, number, date and choices; a choice is sent by its name and answered with the id of the option."""
    sim.add_field("Areas", "multi_select", ["API", "Web", "Bank"])
    ids = fields_of(sim, http)
    body = sent(ids, Priority="High", Points=2.5, Target_date="2026-05-01", Customer="ACME", Areas=["Web", "API"])
    rows = http.post("/issues/1/issue-field-values", json=body).json()
    priority = next(row for row in rows if row["issue_field_name"] == "Priority")
    assert priority["single_select_option"]["name"] == "High"
    assert priority["value"] == priority["single_select_option"]["id"]
    assert values_in(rows) == {
        "Priority": priority["value"],
        "Points": 2.5,
        "Target date": "2026-05-01",
        "Customer": "ACME",
        "Areas": "Web,API",
    }
    assert http.get("/issues/1/issue-field-values").json() == http.get("/issues/1").json()["issue_field_values"] == rows
    assert http.get("/issues").json()[0]["issue_field_values"] == []


def test_an_edit_of_an_issue_replaces_all_its_field_values(sim: GitHubSimulator, http: httpx.Client) -> None:
    """PATCH and PUT replace, POST adds, an empty POST clears, DELETE takes one away and is 404 without it."""
    ids = fields_of(sim, http)
    place = "/issues/1/issue-field-values"
    http.post(place, json=sent(ids, Points=1, Customer="ACME"))
    assert values_in(http.post(place, json=sent(ids, Points=2)).json()) == {"Points": 2, "Customer": "ACME"}
    edited = http.patch("/issues/1", json=sent(ids, Points=3)).json()
    assert values_in(edited["issue_field_values"]) == {"Points": 3}
    assert values_in(http.put(place, json=sent(ids, Customer="B")).json()) == {"Customer": "B"}
    assert http.delete(f"{place}/{ids['Customer']}").status_code == 204
    assert http.delete(f"{place}/{ids['Customer']}").status_code == 404
    http.post(place, json=sent(ids, Points=1))
    assert http.post(place, json={"issue_field_values": []}).json() == []


def test_a_wrong_value_is_refused_and_nothing_is_set(sim: GitHubSimulator, http: httpx.Client) -> None:
    """An unknown option (an id is none), field or kind of value is 422, in an edit of the issue too."""
    ids = fields_of(sim, http)
    wrong = (
        sent(ids, Priority="Whenever"),
        sent(ids, Priority=1),
        sent(ids, Points="5"),
        sent(ids, Target_date="soon"),
        sent(ids, Customer=None),
        {"issue_field_values": [{"field_id": 1, "value": "x"}]},
        {"issue_field_values": [{"field_id": ids["Customer"], "value": "x"}] * 26},
    )
    for body in wrong:
        assert http.post("/issues/1/issue-field-values", json=body).status_code == 422
        assert http.patch("/issues/1", json={"title": "new", **body}).status_code == 422
    assert (sim.issue(1).title, sim.issue(1).field_values) == ("one", {})


def test_the_history_says_nothing_of_fields() -> None:
    """A person's edit shows in the issue alone; whether `updated_at` moves is a knob."""
    for touches in (True, False):
        with served(GitHubSimulator(fields_touch=touches)) as sim, plain(sim) as client:
            sim.add_issue(title="t")
            before = sim.issue(1).updated_at
            sim.clock.advance(60)
            sim.set_field(1, "Priority", "Low", as_user="grace")
            assert (sim.issue(1).updated_at > before) is touches
            assert client.get("/issues/1/timeline").json() == []
            sim.set_field(1, "Priority", None)
            assert client.get("/issues/1").json()["issue_field_values"] == []


def test_fields_belong_to_organizations_on_githubs_own_servers() -> None:
    """Elsewhere the list is 404, sent values are dropped in silence and the issue has no such member."""
    for knobs in ({"owner_type": "User"}, {"product": "ghes-3.19"}):
        with served(GitHubSimulator(**knobs)) as sim, plain(sim) as client:  # type: ignore[arg-type]
            body = {"title": "t", "issue_field_values": [{"field_id": 4_001, "value": "x"}]}
            made = client.post("/issues", json=body)
            assert (made.status_code, "issue_field_values" in made.json()) == (201, False)
            assert client.get(f"{sim.base_url}/orgs/acme/issue-fields").status_code == 404
            assert client.get("/issues/1/issue-field-values").json() == []
            assert client.put("/issues/1/issue-field-values", json=body).status_code == 404
            with pytest.raises(ValueError, match="organizations"):
                sim.add_field("Risk", "text")


def test_without_push_access_field_values_are_dropped_or_refused() -> None:
    """In silence on the issue's own endpoints, with 403 on theirs."""
    with served(GitHubSimulator(push=False)) as sim, plain(sim, "token-bridge") as client:
        ids = fields_of(sim, client)
        made = client.post("/issues", json={"title": "t", **sent(ids, Points=1)})
        assert (made.status_code, made.json()["issue_field_values"]) == (201, [])
        assert client.post("/issues/1/issue-field-values", json=sent(ids, Points=1)).status_code == 403
