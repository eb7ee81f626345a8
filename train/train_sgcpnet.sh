#!/usr/bin/env bash
# Trains SGCPNet on Cityscapes as published: 36 crops of 1024, 28,700 steps, rate 0.3, from a trunk
# trained on ImageNet (INITIAL_WEIGHTS=none: from scratch).
#
#   RECORDS=~/records/cityscapes bash train/train_sgcpnet.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/train_sgcpnet.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/train.sh.
# BATCH needs 2 at least: squeeze-excite normalises one value an image.
set -euo pipefail

exec bash "$(dirname "$0")/train.sh" sgcpnet/cityscapes "$@"
