"""Which path leads to which endpoint, by product."""

from __future__ import annotations

from werkzeug.routing import Map, Rule

from adapters.github.simulator import endpoints as do
from adapters.github.simulator.state import Product

#: Paths below a repository; GitHub answers them by name and, after a rename, by id.
EVERYWHERE = (
    ("", "GET", do.get_repository),
    ("/issues", "GET", do.list_issues),
    ("/issues", "POST", do.create_issue),
    ("/issues/<int:number>", "GET", do.get_issue),
    ("/issues/<int:number>", "PATCH", do.edit_issue),
    ("/issues/<int:number>/lock", "PUT DELETE", do.lock_issue),
    ("/issues/<int:number>/assignees", "POST DELETE", do.change_assignees),
    ("/issues/<int:number>/labels", "GET POST PUT DELETE", do.issue_labels),
    ("/issues/<int:number>/labels/<path:name>", "DELETE", do.remove_label),
    ("/issues/<int:number>/events", "GET", do.issue_events),
    ("/issues/<int:number>/timeline", "GET", do.timeline),
    ("/issues/<int:number>/comments", "GET POST", do.issue_comments),
    ("/issues/comments", "GET", do.list_comments),
    ("/issues/comments/<int:comment_id>", "GET PATCH DELETE", do.one_comment),
    ("/issues/events", "GET", do.repository_events),
    ("/labels", "GET POST", do.repository_labels),
    ("/labels/<path:name>", "GET PATCH DELETE", do.one_label),
    ("/milestones", "GET", do.list_milestones),
    ("/assignees", "GET", do.list_assignees),
    ("/assignees/<login>", "GET", do.check_assignee),
)
HOSTED_ONLY = (
    ("/issue-types", "GET", do.list_types),
    ("/issues/<int:number>/sub_issues", "GET", do.list_sub_issues),
    ("/issues/<int:number>/sub_issues", "POST", do.change_sub_issues),
    ("/issues/<int:number>/sub_issue", "DELETE", do.change_sub_issues),
    ("/issues/<int:number>/parent", "GET", do.get_parent),
)


def build_map(product: Product) -> Map:
    """Endpoints are functions of a `Call`, or the words `user`, `account` and `rate_limit`."""
    rules = [
        Rule("/user", methods=["GET"], endpoint="user"),
        Rule("/users/<login>", methods=["GET"], endpoint="account"),
        Rule("/rate_limit", methods=["GET"], endpoint="rate_limit"),
    ]
    below = EVERYWHERE + (HOSTED_ONLY if product == "github.com" else ())
    rules += [
        Rule(stem + path, methods=methods.split(), endpoint=endpoint)
        for path, methods, endpoint in below
        for stem in ("/repos/<owner>/<repo>", "/repositories/<int:repository_id>")
    ]
    return Map(rules, strict_slashes=False, merge_slashes=False)
