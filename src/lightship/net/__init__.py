"""The network: one transport protocol, downloads that are checked, pip's configuration."""
