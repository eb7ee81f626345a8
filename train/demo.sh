#!/usr/bin/env bash
# The whole main job, small enough for two cores: pictures to TFRecords, where to sample, the same network
# on uniform and on learned samples, evaluation, a SavedModel that runs without roadseg, and a report.
#
#   make demo                                 street scenes that it draws itself
#   CITYSCAPES_ROOT=~/cityscapes make demo    the downloaded folders leftImg8bit and gtFine
#
# Run again, it goes on where it stopped. Every step is a command that you can type yourself.
set -euo pipefail

DEMO=${DEMO:-demo}                          # everything is written below this folder
SAMPLING_SIZE=${SAMPLING_SIZE:-64}          # samples a side
AUXILIARY_STEPS=${AUXILIARY_STEPS:-600}     # steps of the network that says where to sample
STEPS=${STEPS:-700}                         # steps of each segmentation network
TRAIN_SCENES=${TRAIN_SCENES:-160}
VAL_SCENES=${VAL_SCENES:-40}
CITYSCAPES_ROOT=${CITYSCAPES_ROOT:-}        # empty: street scenes


say() { printf '\n\033[1m[%d:%02d] %s\033[0m\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }

if [ -n "$CITYSCAPES_ROOT" ]; then
  data_set=cityscapes
  convert=(roadseg convert cityscapes --source "$CITYSCAPES_ROOT" --to "$DEMO/records")
  crop=(1024 1024)
else
  data_set=street_scenes
  convert=(roadseg convert street_scenes --source "$DEMO/street_scenes" --to "$DEMO/records"
    --train "$TRAIN_SCENES" --val "$VAL_SCENES")
  crop=(512 512)
fi
records=$DEMO/records/$data_set
runs=$DEMO/runs

say "1/7 pictures and labels to TFRecords"
if [ -d "$records" ]; then echo "there already: $records"; else "${convert[@]}"; fi
roadseg inspect "$records" --split val --to "$DEMO/inspect"

say "2/7 the auxiliary network learns where to sample ($AUXILIARY_STEPS steps)"
roadseg train --recipe demo/auxiliary --run "$runs/auxiliary" --records "$records" \
  --crop-size "${crop[@]}" --steps "$AUXILIARY_STEPS"
roadseg eval "$runs/auxiliary" --protocol published

for sampling in uniform adaptive; do
  [ "$sampling" = uniform ] && number=3 || number=4
  say "$number/7 DeepLabv3-MobileNetV2 on ${SAMPLING_SIZE}x${SAMPLING_SIZE} $sampling samples ($STEPS steps)"
  roadseg train --recipe demo/deeplabv3_mobilenet_v2 --run "$runs/$sampling" --records "$records" \
    --crop-size "${crop[@]}" --sampling "$sampling" --sampling-size "$SAMPLING_SIZE" "$SAMPLING_SIZE" \
    --auxiliary-run "$runs/auxiliary" --steps "$STEPS"
  roadseg eval "$runs/$sampling"
done

say "5/7 one SavedModel from image to labels"
roadseg export "$runs/adaptive" --format saved_model

say "6/7 the SavedModel in a process with TensorFlow alone"
picture=$(find "${CITYSCAPES_ROOT:-$DEMO/street_scenes}/leftImg8bit/val" -name '*.png' | sort | head -n 1)
python "$(dirname "$0")/demo_saved_model.py" "$runs/adaptive/export/saved_model" "$picture" \
  "$DEMO/labels.png" 2>"$DEMO/tensorflow.log" || { cat "$DEMO/tensorflow.log" >&2; exit 1; }
roadseg predict "$runs/adaptive" --images "$picture" --to "$DEMO/predictions"

say "7/7 report"
roadseg report "$runs/uniform" "$runs/adaptive" --to "$DEMO/report.html" --latency
say "done: open $DEMO/report.html; the SavedModel is in $runs/adaptive/export/saved_model"
