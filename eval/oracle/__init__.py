"""`roadseg eval --oracle`: what sampling alone allows."""
