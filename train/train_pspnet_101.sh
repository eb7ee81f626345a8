#!/usr/bin/env bash
# Trains PSPNet-101; the published script is empty: Fast_Seg's recipe, 16 crops of 832, 50,000
# steps, from pretrained/resnet101-deep.pth.
#
#   RECORDS=~/records/cityscapes bash train/train_pspnet_101.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/train_pspnet_101.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/fast_seg.sh.
set -euo pipefail

exec bash "$(dirname "$0")/fast_seg.sh" pspnet_101 "$@"
