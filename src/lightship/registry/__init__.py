"""Registries: the client side of the OCI distribution specification."""
