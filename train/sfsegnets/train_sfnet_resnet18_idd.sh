#!/usr/bin/env bash
# Trains SFNet on ResNet-18, IDD: 8 GPUs x 4 crops of 1024, 300 epochs (65,400 steps), from
# pretrained/resnet18-deep-inplane128.pth.
#
#   RECORDS=~/records/idd bash train/sfsegnets/train_sfnet_resnet18_idd.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/sfsegnets/train_sfnet_resnet18_idd.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/train.sh.
set -euo pipefail

exec bash "$(dirname "$0")/../sfsegnets.sh" sfnet_resnet18_idd "$@"
