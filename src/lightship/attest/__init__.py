"""What is said of an image: its bill of materials, where it comes from, and signatures on both."""
