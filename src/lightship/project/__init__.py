"""Projects: their configuration, what can be detected without one, and the files they ship."""
