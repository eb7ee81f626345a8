"""Fast road-scene segmentation networks, and learned downsampling for every one of them."""
