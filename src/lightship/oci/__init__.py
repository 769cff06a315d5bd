"""OCI images: the model, layouts on disk, archives for Docker, validation."""
