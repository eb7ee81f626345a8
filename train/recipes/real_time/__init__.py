"""PIDNet, DDRNet, ESPNetv2 and DABNet as their authors train them, and on one GPU."""
