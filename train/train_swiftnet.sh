#!/usr/bin/env bash
# Trains SwiftNet RN18 as its authors do: Adam, 14 crops of 768, 250 epochs (53,000 steps), from
# pretrained/resnet18.pth.
#
#   RECORDS=~/records/cityscapes bash train/train_swiftnet.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/train_swiftnet.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/fast_seg.sh.
set -euo pipefail

exec bash "$(dirname "$0")/fast_seg.sh" swiftnet "$@"
