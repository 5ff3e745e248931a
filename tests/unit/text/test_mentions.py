"""People mentioned in one tracker are mentioned in the others, and nobody else is."""

import pytest

from sync.text import (
    Mentions,
    adf_to_markdown,
    html_to_markdown,
    markdown_to_adf,
    markdown_to_html,
    markdown_to_wiki,
    neutralise,
    rephrase,
    restore,
    wiki_to_markdown,
)

TEXT = "Ask [@ada](mention:ada), **[@grace](mention:grace)** and @alan."
WHO = Mentions.of([("ada", "ada-l"), ("grace", "5B1:x")])
GUID = "6a1b3c5d-0000-4000-8000-00000000000a"


def test_a_document_mentions_the_account() -> None:
    """A mapped person is a live mention in Jira Cloud, everybody else a name in the text."""
    content = markdown_to_adf(TEXT, None, WHO)["content"][0]["content"]
    assert [node["attrs"]["id"] for node in content if node["type"] == "mention"] == ["ada-l", "5B1:x"]
    assert "@alan" in content[-1]["text"]
    assert adf_to_markdown(markdown_to_adf(TEXT, None, WHO), WHO) == TEXT.replace("**", "")


def test_wiki_and_html_mention_the_account() -> None:
    """The same in Data Center and in Azure DevOps."""
    assert markdown_to_wiki(TEXT, "", WHO) == "Ask [~ada-l], *[~5B1:x]* and @alan."
    assert wiki_to_markdown(markdown_to_wiki(TEXT, "", WHO), WHO) == TEXT
    assert 'data-vss-mention="version:2.0,ada-l"' in markdown_to_html(TEXT, "", WHO)
    assert html_to_markdown(markdown_to_html(TEXT, "", WHO), WHO) == TEXT


def test_a_stranger_is_the_name_that_the_tracker_shows() -> None:
    """Without an entry for the account nothing live is made of a mention, on either side."""
    assert adf_to_markdown(markdown_to_adf(TEXT, None, WHO)) == "Ask @ada, @grace and @alan."
    assert wiki_to_markdown("[~somebody] and [~accountid:5b1]", WHO) == "@somebody and @5b1"
    assert markdown_to_wiki(TEXT) == "Ask @ada, *@grace* and @alan."
    assert "vss-mention" not in markdown_to_html(TEXT)


def test_ids_are_compared_without_case() -> None:
    """A tracker may spell an id its own way."""
    assert wiki_to_markdown("[~ADA-L]", WHO) == "[@ada](mention:ada)"


def test_on_github_the_login_is_written_and_read() -> None:
    """A mapped person is pinged by login, a literal name is broken, and both come back."""
    text = "[@ada](mention:ada) @ada-l @ada `@ada-l`\n[@ada](mention:ada)s"
    written = neutralise(text, WHO)
    assert written.replace("\u2060", "|") == "@ada-l @|ada-l @|ada `@ada-l`\n@ada-l|s"
    assert restore(written, WHO) == text


def test_a_login_that_a_person_wrote_is_read() -> None:
    """Outside code, links and addresses, and only as a whole."""
    text = "@ada-l, (@Ada-L) @ada-l2 @ada-l/team x@ada-l `@ada-l` [@ada-l](http://a.b) http://a.b/@ada-l"
    assert restore(text, WHO) == (
        "[@ada](mention:ada), ([@ada](mention:ada)) @ada-l2 @ada-l/team x@ada-l `@ada-l` [@ada-l](http://a.b) "
        "http://a.b/@ada-l"
    )


def test_who_has_no_account_there_is_not_pinged() -> None:
    """The name stays readable and is broken."""
    assert neutralise("[@zed](mention:zed)", WHO) == "@\u2060zed"


def test_an_identity_of_azure_devops_in_markdown() -> None:
    """Markdown there mentions by GUID in brackets."""
    who = Mentions.of([("ada", f"<{GUID}>")])
    assert neutralise("[@ada](mention:ada)!", who) == f"@<{GUID}>!"
    assert restore(f"@<{GUID}>!", who) == "[@ada](mention:ada)!"
    assert neutralise(f"@<{GUID}>", who) == f"@\u2060<{GUID}>"


@pytest.mark.parametrize("person", ["ada lovelace", "ada_l*", "a]b", "\u00e9mile", "a&lt;b", "a`b", "a(b)"])
def test_any_name_is_carried(person: str) -> None:
    """Whatever a person is called in the config comes back from every tracker."""
    who = Mentions.of([(person, "account")])
    text = wiki_to_markdown("[~account]", who)
    assert adf_to_markdown(markdown_to_adf(text, None, who), who) == text
    assert html_to_markdown(markdown_to_html(text, "", who), who) == text
    assert restore(neutralise(text, who), who) == text


def test_a_mention_survives_an_edit_beside_it() -> None:
    """Where a tracker can't mention the person, the author's mention stays while its block is not touched."""
    before = adf_to_markdown(markdown_to_adf(f"{TEXT}\n\nx"))
    assert rephrase(f"{TEXT}\n\nx", before, before + " edited") == f"{TEXT}\n\nx edited"
