"""Who is who: beyond doubt, in doubt, or nobody."""

from __future__ import annotations

from sync.core.ids import PersonId, ReplicaName
from sync.core.mapping import People
from sync.core.models import Account
from sync.engine.people import Seen, review

JIRA, GITHUB, AZURE = ReplicaName("jira"), ReplicaName("github"), ReplicaName("azure")


def seen(replica: ReplicaName, account: str, name: str = "", mail: str = "", person: str | None = None) -> Seen:
    known = PersonId(person) if person else None
    return Seen(replica=replica, account=Account(ids=(account,), name=name, mail=mail), person=known, tickets=1)


def known(**accounts: dict[str, str]) -> dict[ReplicaName, People]:
    """`known(ada={"jira": "5b"})`."""
    return {
        name: People(
            replica=name,
            native_ids={PersonId(who): table[name] for who, table in accounts.items() if name in table},
        )
        for name in (JIRA, GITHUB, AZURE)
    }


def test_the_same_mail_address_is_the_same_person():
    """Whatever the case of the letters; the name gives the key."""
    found = review(
        [
            seen(JIRA, "5b", "Ada Lovelace", "Ada@acme.example"),
            seen(AZURE, "ada@acme.example", "A. Lovelace", "ada@acme.example"),
        ],
        known(),
    )
    (match,) = found.matches
    assert (match.person, match.name) == ("ada", "Ada Lovelace")
    assert match.accounts == {JIRA: "5b", AZURE: "ada@acme.example"}


def test_an_account_joins_the_person_that_the_config_knows():
    """Only what is missing is proposed."""
    accounts = [
        seen(JIRA, "5b", "Ada", "ada@acme.example"),
        seen(AZURE, "ada@acme.example", "Ada", "ada@acme.example", person="countess"),
    ]
    (match,) = review(accounts, known(countess={"azure": "ada@acme.example"})).matches
    assert (match.person, match.accounts, match.known) == ("countess", {JIRA: "5b"}, True)


def test_an_equal_name_is_a_doubt_and_no_match():
    """Two people may have one name: it is told, and nothing is proposed."""
    found = review([seen(JIRA, "5b", "Ada Lovelace"), seen(GITHUB, "ada-l", "Ada Lovelace")], known())
    assert found.matches == ()
    (doubt,) = found.doubts
    assert "same name" in doubt
    assert "5b" in doubt
    assert "ada-l" in doubt


def test_a_mail_address_of_two_people_is_a_doubt():
    """What the config says is not overruled."""
    accounts = [
        seen(JIRA, "5b", "Ada", "team@acme.example", person="ada"),
        seen(AZURE, "g", "Grace", "team@acme.example", person="grace"),
        seen(GITHUB, "t", "Team", "team@acme.example"),
    ]
    found = review(accounts, known(ada={"jira": "5b"}, grace={"azure": "g"}))
    assert found.matches == ()
    assert "ada and grace" in found.doubts[0]


def test_somebody_with_another_account_there_already_is_a_doubt():
    """One person has one account in each tracker of the config."""
    accounts = [
        seen(JIRA, "new", "Ada", "ada@acme.example"),
        seen(AZURE, "ada@acme.example", "Ada", "ada@acme.example", person="ada"),
    ]
    found = review(accounts, known(ada={"azure": "ada@acme.example", "jira": "old"}))
    assert found.matches == ()
    assert "another account in jira" in found.doubts[0]


def test_keys_are_not_given_twice():
    """The second Ada gets her whole name."""
    accounts = [
        seen(JIRA, "1", "Ada Lovelace", "a@acme.example"),
        seen(AZURE, "a@acme.example", "Ada Lovelace", "a@acme.example"),
        seen(JIRA, "2", "Ada Yonath", "y@acme.example"),
        seen(AZURE, "y@acme.example", "Ada Yonath", "y@acme.example"),
    ]
    assert [match.person for match in review(accounts, known()).matches] == ["ada", "ada-yonath"]
