"""The plan as files for other engines: Dockerfile, Compose, bake, continuous integration."""
