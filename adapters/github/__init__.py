"""GitHub Issues, on github.com and on GitHub Enterprise Server, through PyGithub."""

TITLE = "GitHub"
