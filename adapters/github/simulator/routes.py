"""Which path leads to which endpoint, by product."""

from __future__ import annotations

from functools import cache

from werkzeug.routing import Map, Rule

from adapters.github.simulator import endpoints as do
from adapters.github.simulator import endpoints_planning as plan
from adapters.github.simulator.state import FEATURES, Feature, Product

ISSUE = "/issues/<int:number>"
#: Paths below a repository; GitHub answers them by name and, after a rename, by id.
EVERYWHERE = (
    ("", "GET", do.get_repository),
    ("/issues", "GET", do.list_issues),
    ("/issues", "POST", do.create_issue),
    (ISSUE, "GET", do.get_issue),
    (ISSUE, "PATCH", do.edit_issue),
    (f"{ISSUE}/lock", "PUT DELETE", do.lock_issue),
    (f"{ISSUE}/assignees", "POST DELETE", do.change_assignees),
    (f"{ISSUE}/labels", "GET POST PUT DELETE", do.issue_labels),
    (f"{ISSUE}/labels/<path:name>", "DELETE", do.remove_label),
    (f"{ISSUE}/events", "GET", do.issue_events),
    (f"{ISSUE}/timeline", "GET", do.timeline),
    (f"{ISSUE}/comments", "GET POST", do.issue_comments),
    (f"{ISSUE}/issue-field-values", "GET", plan.list_field_values),
    ("/issues/comments", "GET", do.list_comments),
    ("/issues/comments/<int:comment_id>", "GET PATCH DELETE", do.one_comment),
    ("/issues/events", "GET", do.repository_events),
    ("/issues/events/<int:event_id>", "GET", do.one_event),
    ("/labels", "GET POST", do.repository_labels),
    ("/labels/<path:name>", "GET PATCH DELETE", do.one_label),
    ("/milestones", "GET POST", plan.repository_milestones),
    ("/milestones/<int:number>", "GET PATCH DELETE", plan.one_milestone),
    ("/milestones/<int:number>/labels", "GET", plan.milestone_labels),
    ("/assignees", "GET", do.list_assignees),
    ("/assignees/<login>", "GET", do.check_assignee),
)
BY_FEATURE = (
    ("types", "/issue-types", "GET", plan.list_types),
    ("fields", f"{ISSUE}/issue-field-values", "POST PUT", plan.change_field_values),
    ("fields", f"{ISSUE}/issue-field-values/<int:field_id>", "DELETE", plan.delete_field_value),
    ("sub-issues", f"{ISSUE}/sub_issues", "GET", plan.list_sub_issues),
    ("sub-issues", f"{ISSUE}/sub_issues", "POST", plan.change_sub_issues),
    ("sub-issues", f"{ISSUE}/sub_issue", "DELETE", plan.change_sub_issues),
    ("sub-issues", f"{ISSUE}/parent", "GET", plan.get_parent),
    ("dependencies", f"{ISSUE}/dependencies/blocked_by", "GET POST", plan.blocked_by),
    ("dependencies", f"{ISSUE}/dependencies/blocked_by/<int:issue_id>", "DELETE", plan.remove_blocked_by),
    ("dependencies", f"{ISSUE}/dependencies/blocking", "GET", plan.blocking),
)
#: Beside the repositories: answered by the server itself, which knows them by these words.
ACCOUNTS: tuple[tuple[Feature | None, str, str], ...] = (
    (None, "/user", "user"),
    (None, "/users/<login>", "account"),
    (None, "/rate_limit", "rate_limit"),
    ("types", "/orgs/<login>/issue-types", "types"),
    ("fields", "/orgs/<login>/issue-fields", "fields"),
)


@cache
def build_map(product: Product) -> Map:
    """Endpoints are functions of a `Call`, or the words of `ACCOUNTS`."""
    features = FEATURES[product]
    rules = [
        Rule(path, methods=["GET"], endpoint=word)
        for feature, path, word in ACCOUNTS
        if feature is None or feature in features
    ]
    below = EVERYWHERE + tuple(row[1:] for row in BY_FEATURE if row[0] in features)
    rules += [
        Rule(stem + path, methods=methods.split(), endpoint=endpoint)
        for path, methods, endpoint in below
        for stem in ("/repos/<owner>/<repo>", "/repositories/<int:repository_id>")
    ]
    return Map(rules, strict_slashes=False, merge_slashes=False)
