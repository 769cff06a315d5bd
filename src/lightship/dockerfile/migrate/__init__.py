"""From an existing Dockerfile to Lightship's configuration: what is carried over, what not, and why."""
