#!/usr/bin/env bash
# Trains BiSeNet from scratch; no script is published: Fast_Seg's recipe, 16 crops of 1024, 60,000
# steps.
#
#   RECORDS=~/records/cityscapes bash train/train_bisenet.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/train_bisenet.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/fast_seg.sh.
set -euo pipefail

exec bash "$(dirname "$0")/fast_seg.sh" bisenet "$@"
