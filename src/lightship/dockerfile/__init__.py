"""Dockerfiles: their syntax with every position, their stages, and what is wrong with them."""
