"""Recipes of SFSegNets: SFNet and SFNet-Lite on the data sets their authors train on."""
