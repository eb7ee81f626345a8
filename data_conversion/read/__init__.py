"""Records back to images and labels."""
