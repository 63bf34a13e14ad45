#!/bin/sh
# keep_log.sh FOLDER COMMAND...: runs a compile command and keeps what it prints on stderr in
# FOLDER/<object>.log, while still printing it. Used for the reports of `ptxas -v`.
folder=$1
shift
name=command
previous=
for argument in "$@"; do
  [ "$previous" = -o ] && name=$(basename "$argument" .o)
  previous=$argument
done
mkdir -p "$folder"
"$@" 2>"$folder/$name.log"
status=$?
cat "$folder/$name.log" >&2
exit $status
