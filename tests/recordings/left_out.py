"""Which recordings hold nothing that we read: pattern of the path → why."""

SITE = "what a site or a project consists of, without a ticket: asked by `probe`, held by tests/contract"
OTHER_ANSWERS = "answers that bring no ticket, comment or history"
HOOKS = "about webhooks themselves"
NAMES = "labels and milestones by themselves: a ticket carries their names"
ACCESS = "accounts, App tokens and rate limits that were not exceeded"
PULLS = "pull requests alone, which are no tickets"
FILES = "files and worklogs by themselves"

LEFT_OUT: dict[str, str] = {
    # -- Azure DevOps
    r"traffic/ado/aggregator-cli/WorkClient\..*": SITE,
    r"traffic/ado/az-cli/projects-create-list-show-delete\.json": "projects that are made and deleted, which we never do",
    r"traffic/ado/az-cli/resource-discovery\.json": "the routes of the service: the tests of histories and refusals use them",
    r"traffic/ado/httpExamples/(core|graph)-7\.1/.*": SITE,
    r"traffic/ado/httpExamples/hooks-7\.1/.*": HOOKS,
    r"traffic/ado/httpExamples/wit-7\.1/attachments/.*": FILES,
    r"traffic/ado/httpExamples/wit-7\.1/(classificationNodes|fields|workItem(Types?|Relation|Transitions).*)/.*": SITE,
    r"traffic/ado/httpExamples/wit-7\.[12]/comments/GET__wit_workitems__taskId__comments_[12].*": (
        "comments as versions before 5 told them, by revision: we ask for 7.1"
    ),
    r"traffic/ado/httpExamples/wit-7\.1/recycleBin/GET__wit_recyclebin__ids_\.json": "the recycle bin's list, without fields",
    r"traffic/ado/httpExamples/wit-7\.1/wiql/.*": "the answer to a query: ids alone",
    r"traffic/ado/httpExamples/wit-7\.1/workItemLinks/.*": "the feed of links: pairs of ids alone",
    r"traffic/ado/httpExamples/wit-7\.1/workItems(Delete/POST|/DELETE).*": OTHER_ANSWERS,
    r"traffic/ado/solidify-mapping/.*": "mappings of another program",
    # -- GitHub
    r"traffic/github/.*/(Label_|Milestone_(delete|update)|Repository_(create_label|labels?|milestones?)\.).*": NAMES,
    r"traffic/github/octokit\.rb/Octokit_Client_(Labels\._(?!.*URL_characters_with)|Milestones\.(_|with_milestone\._[cmu])).*": NAMES,
    r"traffic/github/pygithub/(Label|Milestone)\.(?!testAttributes).*": NAMES,
    r"traffic/github/pygithub/Repository\.test(CreateLabel|CreateMilestone|GetLabels?|GetMilestones.*)\.json": NAMES,
    r"traffic/github/pygithub/Issue50\.(setUp|testCreateLabel|test(Issue)?GetLabels|testSetIssueLabels)\.json": NAMES,
    r"traffic/github/pygithub/Issue\.test(AddAndRemoveLabels|DeleteAndSetLabels).*": NAMES,
    r"traffic/github/pygithub/Issue(Comment)?\.test.*Reactions?\.json": "reactions by themselves",
    r"traffic/github/octokit\.rb/Octokit_Client_Reactions\.with_repository\.with_(commit|pull|release).*": "reactions elsewhere",
    r"traffic/github/pygithub/IssueComment\.test(Delete|Minimize)\.json": OTHER_ANSWERS,
    r"traffic/github/pygithub/(Issue\.testLock|Issue87\.setUp)\.json": OTHER_ANSWERS,
    r"traffic/github/pygithub/(Issue216|PaginatedList\.test(CustomPerPageWithNo|TotalCountWith(Last|Dict))).*": (
        "lists that their publishers cut down to ids"
    ),
    r"traffic/github/pygithub/Repository\.testSearchIssues\.json": "the search of 2012, in a form of its own",
    r"traffic/github/github3\.py/Repository_imported_issue\.json": "the import of issues, which we don't use",
    r"traffic/github/octokit\.rb/Octokit_Client_Issues\._org_issues\..*": "an empty list",
    r"traffic/github/github3\.py/Issue_lock\.json": PULLS,
    r"traffic/github/hub4j/AppTest\.testIssueSearchPullRequestsOnly\.json": PULLS,
    r"traffic/github/.*(_Hooks|/Hook\.|GetHook|CreateHook).*": HOOKS,
    r"traffic/github/(octokit\.rb|octokit-fixtures)/.*(Apps|auto_pagination|get-root|collaborator).*": ACCESS,
    r"traffic/github/.*(rate_limit|RateLimiting|testGitHubRateLimit|RateLimitCheckerTest).*": ACCESS,
    r"traffic/github/hub4j/(AppTest\.testGet|GHAppTest|GitHubConnectionTest\.testGitHubO|RequesterRetryTest\.test[GRS]).*": ACCESS,
    r"traffic/github/hub4j/RequesterRetryTest\.testInputStreamConnection.*": ACCESS,
    r"traffic/github/pygithub/Authentication\.test(App|Token).*": ACCESS,
    r"traffic/github/pygithub/(ConditionalRequestUpdate|Github\.|Retry\.testReturnsRepoAfterS).*": ACCESS,
    r"traffic/github/pygithub/GithubIntegration\.testGetAccessToken\.json": ACCESS,
    r"traffic/github/pygithub/(Issue134\.(testGetAuth.*Succeeds|testGetOAuth)|Repository\.testCollaborator[PR]).*": ACCESS,
    r"traffic/github/github3\.py/GitHubIterator.*": ACCESS,
    r"webhooks/github/issues\.(demilestoned|milestoned).*": PULLS,
    r"webhooks/github/issues\.pinned\..*": "an issue that its publishers cut: it has no state",
    r"webhooks/github/(label|milestone)\..*": NAMES,
    r"webhooks/github/(ping|member|repository)\..*": ACCESS,
    r"webhooks/github/projects_v2_item\..*": "boards, which REST does not know",
    # -- Jira
    r"traffic/jira/devlake/cloud-(projects|status|users).*": SITE,
    r"traffic/jira/devlake/cloud-(remotelinks|worklogs).*": FILES,
    r"traffic/jira/go-jira/(all_|board_|component|fav|filter|my_|sprints_|tests\.[a-z]+\.(component|meta|user|version|project)).*": SITE,
    r"traffic/jira/go-jira/remote_links\.json": FILES,
    r"traffic/jira/(go-jira/issues_in_sprint|jira-ruby/board\.1_issues)\.json": "issues without the time of their change",
    r"traffic/jira/grunt-jira-actions/.*(PASS|withInvalidIssueState.*|transitionJiraIssue)\.json": OTHER_ANSWERS,
    r"traffic/jira/jira-cli/(createmeta|fields|issue-link-types|myself|sprint|transitions).*": SITE,
    r"traffic/jira/(jira-cli/create|jira-ruby/issue\.post)\.json": OTHER_ANSWERS,
    r"traffic/jira/jira-ruby/issue\.10002\.(attachments|properties|worklog).*": FILES,
    r"traffic/jira/jira-ruby/(component|version)\.(?!.*invalid).*": SITE,
    r"traffic/jira/jira-ruby/(field|issueLinkType|issuetype|priority|resolution|status).*": SITE,
    r"traffic/jira/jira-ruby/(board\.1|project(\.SAMPLEPROJECT)?|rapidview\.SAMPLEPROJECT|sprint\.1)\.json": SITE,
    r"traffic/jira/jira-ruby/webhook.*": HOOKS,
    r"traffic/jira/jrjc/(createmeta|customField|field|issueLinks\.issue|mypermission|page|priority|project).*": SITE,
    r"traffic/jira/jrjc/(status|transition|version|user|users)\..*": SITE,
    r"traffic/jira/jrjc/(attachment|timeTracking)\..*": FILES,
    r"traffic/jira/jrjc/(issueInput|issueLink|issueLinkInput)\..*": "what that client sends, not what Jira answers",
    r"traffic/jira/mattermost/.*": SITE,
}
