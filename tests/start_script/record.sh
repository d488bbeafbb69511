#!/bin/bash
# Stands on PATH before the program of its own name: writes down the arguments, then becomes that program.
here=${0%/*} name=${0##*/}
printf '%s\n' "$name $*" >>"$here/../argv"
exec "$(PATH=${PATH#"$here:"} command -v "$name")" "$@"
