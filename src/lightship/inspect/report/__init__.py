"""What an image is made of: which package costs what, why it is there, and what is wasted."""
