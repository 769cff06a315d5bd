"""The service's real and stand-in dependencies, started on loopback."""
