"""Backbones that the networks share: image in, feature maps out."""
