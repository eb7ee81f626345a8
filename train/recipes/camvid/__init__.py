"""Recipes on CamVid."""
