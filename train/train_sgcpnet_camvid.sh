#!/usr/bin/env bash
# Trains SGCPNet on CamVid as published: 48 crops of 720 from images of 720x960, 1,750 steps.
#
#   RECORDS=~/records/camvid bash train/train_sgcpnet_camvid.sh [--field value ...]
#   CROP=360 RECORDS=~/records/camvid_small bash train/train_sgcpnet_camvid.sh   # images of 360x480
#
# More variables (RUNS, ONE_GPU, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/train.sh.
# BATCH needs 2 at least: squeeze-excite normalises one value an image.
set -euo pipefail

exec bash "$(dirname "$0")/train.sh" sgcpnet/camvid "$@"
