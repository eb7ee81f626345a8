#!/usr/bin/env bash
# Trains Fast-SCNN from scratch; no script is published: Fast_Seg's recipe, 16 crops of 1024,
# 120,000 steps.
#
#   RECORDS=~/records/cityscapes bash train/train_fast_scnn.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/train_fast_scnn.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/fast_seg.sh.
set -euo pipefail

exec bash "$(dirname "$0")/fast_seg.sh" fast_scnn "$@"
