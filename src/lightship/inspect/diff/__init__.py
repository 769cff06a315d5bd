"""What two images differ in, and what makes two builds of one lock differ."""
