"""`roadseg predict`: labels of images, folders and videos."""
