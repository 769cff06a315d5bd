"""How big an image will be, told without building it."""
