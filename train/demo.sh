#!/usr/bin/env bash
# The whole main job, small enough for two cores: pictures to TFRecords, where to look, the same network
# on evenly spread and on chosen pixels, evaluation, a SavedModel that runs without roadseg, a report.
#
#   make demo                                 street scenes that it draws itself
#   CITYSCAPES_ROOT=~/cityscapes make demo    the downloaded folders leftImg8bit and gtFine
#   SEED=1 DEMO=demo1 make demo               the same with other first weights and another order
#
# Run again, it goes on where it stopped. Every step is a command that you can type yourself; every
# number of a training: roadseg train --recipe demo/chosen --show.
set -euo pipefail

DEMO=${DEMO:-demo}                          # everything is written below this folder
SEED=${SEED:-0}                             # of the trainings; the streets stay the same
SAMPLER_STEPS=${SAMPLER_STEPS:-}            # steps of the network that says where to look
STEPS=${STEPS:-}                            # steps of each segmentation network
TRAIN_SCENES=${TRAIN_SCENES:-240}
VAL_SCENES=${VAL_SCENES:-48}
CITYSCAPES_ROOT=${CITYSCAPES_ROOT:-}        # empty: street scenes

say() { printf '\n\033[1m[%d:%02d] %s\033[0m\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }

if [ -n "$CITYSCAPES_ROOT" ]; then
  data_set=cityscapes_categories
  convert=(roadseg convert cityscapes --source "$CITYSCAPES_ROOT" --to "$DEMO/records"
    --classes categories)
else
  data_set=street_scenes_categories
  # A wide angle, as cameras behind windscreens have: much of the street is far and small.
  convert=(roadseg convert street_scenes --source "$DEMO/street_scenes" --to "$DEMO/records"
    --classes categories --focal 0.45 --train "$TRAIN_SCENES" --val "$VAL_SCENES")
fi
records=$DEMO/records/$data_set
runs=$DEMO/runs
# Both arms start from these weights, which were learned on even samples (recipe demo/backbone).
first=$(dirname "$0")/demo_backbone.npz
mkdir -p "$DEMO"

train() { # recipe, run, steps (empty: the recipe's), further arguments
  local steps=()
  [ -z "$3" ] || steps=(--steps "$3")
  # Stopped by SIGTERM, it ends the demo too; run again, it goes on.
  roadseg train --status-when-stopped 75 --recipe "$1" --run "$2" --records "$records" \
    --seed "$SEED" "${steps[@]}" "${@:4}"
}

quiet_python() { # Python without TensorFlow's notices, which are shown where it fails
  python "$@" 2>"$DEMO/tensorflow.log" || { cat "$DEMO/tensorflow.log" >&2; exit 1; }
}

say "1/7 pictures and labels to TFRecords"
if [ -d "$records" ]; then echo "there already: $records"; else "${convert[@]}"; fi
roadseg inspect "$records" --split val --to "$DEMO/inspect" >"$DEMO/inspect.txt"

say "2/7 a small network learns where edges are, to look there"
train demo/density "$runs/density" "$SAMPLER_STEPS"
roadseg eval "$runs/density" >"$DEMO/density.txt"

say "3/7 DeepLabv3-MobileNetV2 on evenly spread pixels"
train demo/even "$runs/even" "$STEPS" --start.initial-weights "$first"
roadseg eval "$runs/even" >"$DEMO/even.txt"

say "4/7 the same network on the pixels that were chosen"
train demo/chosen "$runs/chosen" "$STEPS" --start.initial-weights "$first" \
  --sampler-run "$runs/density"
roadseg eval "$runs/chosen" >"$DEMO/chosen.txt"

say "5/7 one SavedModel from image to labels"
roadseg export "$runs/chosen" --format saved_model

say "6/7 the SavedModel in a process with TensorFlow alone"
# Asked for once: of a long list a pipe would be closed before it was written.
pictures=("${CITYSCAPES_ROOT:-$DEMO/street_scenes}"/leftImg8bit/val/*/*.png)
quiet_python "$(dirname "$0")/demo_saved_model.py" "$runs/chosen/export/saved_model" \
  "${pictures[0]}" "$DEMO/labelled.png"
roadseg predict "$runs/chosen" --images "${pictures[0]}" --to "$DEMO/predictions"

say "7/7 report"
roadseg report "$runs/density" "$runs/even" "$runs/chosen" --to "$DEMO/report.html" >"$DEMO/report.txt"

say "done"
quiet_python -m roadseg.eval.compare.demo_result "$runs/even" "$runs/chosen" --report "$DEMO/report.html"
