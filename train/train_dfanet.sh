#!/usr/bin/env bash
# Trains DFANet as Fast_Seg's train_dfanet.sh: 4 GPUs x 4 crops of 1024, 60,000 steps, from
# pretrained/xceptiona_imagenet.pth.
#
#   RECORDS=~/records/cityscapes bash train/train_dfanet.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/train_dfanet.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/fast_seg.sh.
set -euo pipefail

exec bash "$(dirname "$0")/fast_seg.sh" dfanet "$@"
