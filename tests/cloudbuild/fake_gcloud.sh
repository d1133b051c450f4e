#!/usr/bin/env bash
# gcloud, as far as a rollout calls it: asks the tests' server at CLOUD_PORT (see fake_gcloud.py), and does to its caller what that says.
LC_ALL=C # lengths are bytes
body=
for each in "$PWD" "$@"; do
    body+="${#each} $each"
done
exec 3<>"/dev/tcp/127.0.0.1/$CLOUD_PORT"
printf 'POST /gcloud HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s' "${#body}" "$body" >&3
while IFS= read -r line <&3 && [[ $line != $'\r' ]]; do :; done
read -r status then <&3
IFS= read -r -d '' said <&3
if ((status)); then
    printf '%s' "$said" >&2
else
    printf '%s' "$said"
fi
case $then in
    kills) kill -KILL "$PPID" ;;
    "asks to end")
        kill -TERM "$PPID"
        exec sleep 60
        ;;
esac
exit "$status"
