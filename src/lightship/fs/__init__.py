"""Files: entries of a tree, deterministic tar, gzip members, safe paths, atomic writes."""
