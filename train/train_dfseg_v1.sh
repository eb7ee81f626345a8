#!/usr/bin/env bash
# Trains DF-Seg v1 as Fast_Seg's train_dfsegv1.sh: 4 GPUs x 4 crops of 832, 50,000 steps, from
# pretrained/df1_imagenet.pth.
#
#   RECORDS=~/records/cityscapes bash train/train_dfseg_v1.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/train_dfseg_v1.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/fast_seg.sh.
set -euo pipefail

exec bash "$(dirname "$0")/fast_seg.sh" dfseg_v1 "$@"
