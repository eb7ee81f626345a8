#!/usr/bin/env bash
# Trains MSFNet as its paper does: Adam, 12 crops of 1024, 350 epochs (86,771 steps), from
# pretrained/resnet18.pth.
#
#   RECORDS=~/records/cityscapes bash train/train_msfnet.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/train_msfnet.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/fast_seg.sh.
set -euo pipefail

exec bash "$(dirname "$0")/fast_seg.sh" msfnet "$@"
