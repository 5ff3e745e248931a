"""Azure DevOps work items, through the `azure-devops` client library."""

TITLE = "Azure DevOps"
