"""Fast_Seg's networks on Cityscapes: the published schedules, and one for a single GPU beside each.

Each file holds RECIPE and ONE_GPU; what all have in common is in `shared.py`.
"""
