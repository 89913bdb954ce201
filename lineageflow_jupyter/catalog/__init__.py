"""What a repository remembers besides bytes: refs, commits, where objects lie, workspaces, the operation log."""
