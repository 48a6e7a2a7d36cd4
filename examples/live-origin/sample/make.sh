#!/bin/sh
# Makes the segments in this folder: what the example plays where ffmpeg is missing. Needs ffmpeg, and is needed by nobody else.
# 1.92 s is a whole number of frames for both tracks (48 pictures, 90 AAC frames), so that the loop has no seam.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
ffmpeg -hide_banner -nostdin -loglevel error \
  -f lavfi -i "testsrc2=size=320x180:rate=25:duration=20,drawtext=text='sample - install ffmpeg for the live channel':fontsize=14:fontcolor=white:box=1:boxcolor=black@0.7:boxborderw=8:x=(w-tw)/2:y=(h-th)/2" \
  -f lavfi -i "sine=frequency=220:sample_rate=48000:beep_factor=4:duration=20" \
  -c:v libx264 -preset veryslow -profile:v main -crf 34 -g 48 -keyint_min 48 -sc_threshold 0 -bf 0 -pix_fmt yuv420p \
  -c:a aac -b:a 32k -ac 1 -f dash -seg_duration 1.92 -adaptation_sets "id=0,streams=v id=1,streams=a" \
  -init_seg_name 'init-$RepresentationID$.mp4' -media_seg_name '$RepresentationID$-$Number$.m4s' "$work/manifest.mpd"
track() { # the first segment of ffmpeg's audio is a frame short, so the loop starts with the second
  cp "$work/init-$1.mp4" "$2-init.mp4"
  for i in 0 1 2 3 4 5 6 7; do cp "$work/$1-$((i + 2)).m4s" "$2-$i.m4s"; done
}
track 0 video
track 1 audio
rm -r "$work"
