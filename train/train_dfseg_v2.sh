#!/usr/bin/env bash
# Trains DF-Seg v2 as Fast_Seg's train_dfsegv2.sh: 4 GPUs x 4 crops of 832, 50,000 steps, from
# pretrained/df2_imagenet.pth.
#
#   RECORDS=~/records/cityscapes bash train/train_dfseg_v2.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/train_dfseg_v2.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/fast_seg.sh.
set -euo pipefail

exec bash "$(dirname "$0")/fast_seg.sh" dfseg_v2 "$@"
